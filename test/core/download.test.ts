// Downloads from a server of the test, which breaks off, changes its file, and ignores what it is sent.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Download, type DownloadRequest, discardDownload, download } from '../../src/core/download.ts'
import { HttpClient } from '../../src/core/http-client.ts'
import { CERTIFICATE, KEY } from '../transports/http/certificate.ts'

const CONTENT = randomBytes(200_000)
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

/** A web server with one file, and a folder for it. */
class Scene {
  readonly folder = mkdtempSync(join(tmpdir(), 'download-'))
  readonly file = join(this.folder, 'release.zip')
  readonly client = new HttpClient()
  content = CONTENT
  etag: string | undefined = '"1"'
  /** Each connection sends so many bytes, and breaks when they have arrived. */
  breakAfter: number | null = null
  #breakNow: (bytes: number) => void = () => undefined
  /** Called in place of the usual answer. */
  answer: RequestListener | null = null
  /** Headers of all requests. */
  readonly requests: IncomingMessage['headers'][] = []
  url = ''

  static async open(t: TestContext): Promise<Scene> {
    const scene = new Scene()
    const server = createServer((req, res) => scene.#serve(req, res))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    scene.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/release.zip`
    t.after(() => {
      server.close()
      server.closeAllConnections()
      scene.client.close()
      rmSync(scene.folder, { recursive: true })
    })
    return scene
  }

  #serve(req: IncomingMessage, res: ServerResponse): void {
    this.requests.push(req.headers)
    if (this.answer !== null) {
      this.answer(req, res)
      return
    }
    const { range, 'if-range': ifRange } = req.headers
    const isPart = range !== undefined && ifRange === this.etag
    const start = isPart ? Number(/\d+/.exec(range)?.[0]) : 0
    const size = this.content.length
    if (start >= size) return void res.writeHead(416, { 'Content-Range': `bytes */${size}` }).end()
    res.writeHead(isPart ? 206 : 200, {
      'Content-Type': 'application/zip',
      'Content-Length': size - start,
      ...(this.etag !== undefined && { ETag: this.etag }),
      ...(isPart && { 'Content-Range': `bytes ${start}-${size - 1}/${size}` }),
    })
    if (this.breakAfter === null) res.end(this.content.subarray(start))
    else {
      const end = start + this.breakAfter
      this.#breakNow = bytes => {
        if (bytes >= end) res.destroy()
      }
      res.write(this.content.subarray(start, end))
      if (end >= size) res.end()
    }
  }

  get(more: Partial<DownloadRequest> = {}): Promise<Download> {
    const request = { url: this.url, file: this.file, maxBytes: 1e6, retrySeconds: 0, ...more }
    const onProgress: DownloadRequest['onProgress'] = (bytes, total) => {
      more.onProgress?.(bytes, total)
      this.#breakNow(bytes)
    }
    return download(this.client, { ...request, onProgress })
  }

  /** Downloads until the first `bytes` are there, and aborts. */
  async getPart(bytes: number): Promise<void> {
    const controller = new AbortController()
    const onProgress = (soFar: number) => {
      if (soFar >= bytes) controller.abort(new Error('enough'))
    }
    await assert.rejects(this.get({ signal: controller.signal, onProgress }), /^Error: enough$/)
  }

  get names(): string[] {
    return readdirSync(this.folder).sort()
  }
}

test('a download replaces the file when it is complete, and reports its progress', async t => {
  const scene = await Scene.open(t)
  writeFileSync(scene.file, 'old')
  const progress: [number, number | null][] = []
  const result = await scene.get({
    checksum: { algorithm: 'sha256', digest: sha256(CONTENT).toUpperCase() },
    expectedBytes: CONTENT.length,
    onProgress: (bytes, total) => {
      progress.push([bytes, total])
      assert.equal(readFileSync(scene.file, 'utf8'), 'old')
    },
  })
  assert.deepEqual(result, { bytes: CONTENT.length, url: scene.url, contentType: 'application/zip' })
  assert.deepEqual(readFileSync(scene.file), CONTENT)
  assert.deepEqual(progress.at(-1), [CONTENT.length, CONTENT.length])
  assert.deepEqual(scene.names, ['release.zip'])
})

test('a broken connection is opened again where it stopped', async t => {
  const scene = await Scene.open(t)
  scene.breakAfter = 90_000
  await scene.get({ checksum: { algorithm: 'sha256', digest: sha256(CONTENT) } })
  assert.deepEqual(readFileSync(scene.file), CONTENT)
  assert.deepEqual(
    scene.requests.map(({ range, 'if-range': validator }) => [range, validator]),
    [
      [undefined, undefined],
      ['bytes=90000-', '"1"'],
      ['bytes=180000-', '"1"'],
    ],
  )
})

test('an aborted download is resumed by the next one, and checked as a whole', async t => {
  const scene = await Scene.open(t)
  await scene.getPart(65_536)
  assert.deepEqual(scene.names, ['release.zip.part', 'release.zip.part.json'])
  await scene.get({ checksum: { algorithm: 'sha256', digest: sha256(CONTENT) } })
  assert.match(scene.requests[1]?.range ?? '', /^bytes=\d{5,}-$/)
  assert.deepEqual(readFileSync(scene.file), CONTENT)
  assert.deepEqual(scene.names, ['release.zip'])
})

test('after a power loss only the bytes that were synced count', async t => {
  const scene = await Scene.open(t)
  writeFileSync(`${scene.file}.part`, Buffer.concat([CONTENT.subarray(0, 1000), Buffer.alloc(500)]))
  writeFileSync(`${scene.file}.part.json`, JSON.stringify({ url: scene.url, bytes: 1000, validator: '"1"' }))
  await scene.get()
  assert.equal(scene.requests[0]?.range, 'bytes=1000-')
  assert.deepEqual(readFileSync(scene.file), CONTENT)
})

test('a part is dropped when the file, its address, or what is known about it is another', async t => {
  const scene = await Scene.open(t)
  await scene.getPart(10_000)
  scene.content = randomBytes(50_000)
  scene.etag = '"2"'
  await scene.get()
  assert.deepEqual(readFileSync(scene.file), scene.content)
  await scene.getPart(10_000)
  await scene.get({ url: `${scene.url}?v=2` })
  assert.equal(scene.requests.at(-1)?.range, undefined)
  for (const state of ['', '{"url":1}', JSON.stringify({ url: scene.url, bytes: 1e9, validator: '"2"' })]) {
    writeFileSync(`${scene.file}.part`, 'wrong')
    writeFileSync(`${scene.file}.part.json`, state)
    await scene.get()
    assert.deepEqual(readFileSync(scene.file), scene.content)
  }
})

test('a part as long as the file starts again', async t => {
  const scene = await Scene.open(t)
  writeFileSync(`${scene.file}.part`, Buffer.alloc(CONTENT.length))
  const state = { url: scene.url, bytes: CONTENT.length, validator: '"1"' }
  writeFileSync(`${scene.file}.part.json`, JSON.stringify(state))
  await scene.get()
  assert.deepEqual(readFileSync(scene.file), CONTENT)
})

test('without a validator, or with a weak one, every connection starts again', async t => {
  for (const etag of [undefined, 'W/"1"']) {
    const scene = await Scene.open(t)
    scene.etag = etag
    scene.breakAfter = 10_000
    await assert.rejects(scene.get(), /127\.0\.0\.1:\d+: aborted/)
    assert.deepEqual(
      scene.requests.map(({ range }) => range),
      [undefined, undefined, undefined],
    )
  }
})

test('a file that is too large is refused before and while it arrives', async t => {
  const scene = await Scene.open(t)
  await assert.rejects(scene.get({ maxBytes: 1000 }), /^DownloadError: the file is larger than 1000 bytes$/)
  scene.answer = (_req, res) => {
    for (let count = 0; count < 100; count += 1) res.write('x'.repeat(100))
    res.end()
  }
  const progress: number[] = []
  const onProgress = (bytes: number) => void progress.push(bytes)
  await assert.rejects(scene.get({ maxBytes: 1000, onProgress }), /larger than 1000 bytes/)
  assert.ok(progress.every(bytes => bytes <= 1000))
  assert.deepEqual(scene.names, [])
})

test('a file for which the disk has no room is refused before it is written', async t => {
  const scene = await Scene.open(t)
  scene.answer = (_req, res) => {
    res.writeHead(200, { 'Content-Length': 1e15 }).flushHeaders()
  }
  await assert.rejects(scene.get({ maxBytes: 1e16 }), /not enough free space/)
})

test('a wrong size or checksum leaves nothing but the file that was there', async t => {
  const scene = await Scene.open(t)
  writeFileSync(scene.file, 'old')
  const expected = 'a'.repeat(64)
  for (const [more, message] of [
    [{ expectedBytes: 5 }, /has 200000 bytes, expected are 5$/],
    [
      { checksum: { algorithm: 'sha256', digest: expected } },
      new RegExp(`is ${sha256(CONTENT)}, expected is aaaa`),
    ],
  ] as const) {
    await assert.rejects(scene.get(more), message)
    assert.deepEqual(scene.names, ['release.zip'])
  }
  assert.equal(readFileSync(scene.file, 'utf8'), 'old')
})

test('a status other than success is an error with its number, and keeps the part', async t => {
  const scene = await Scene.open(t)
  await scene.getPart(10_000)
  scene.answer = (_req, res) => {
    res.writeHead(503).end('busy')
  }
  await assert.rejects(scene.get(), {
    name: 'DownloadError',
    status: 503,
    message: /^127.*: 503 Service Unavail/,
  })
  assert.equal(scene.requests.length, 2)
  assert.deepEqual(scene.names, ['release.zip.part', 'release.zip.part.json'])
  await discardDownload(scene.file)
  assert.deepEqual(scene.names, [])
})

test('a server that sends nothing more is given up after three connections', async t => {
  const scene = await Scene.open(t)
  scene.answer = (_req, res) => {
    res.writeHead(200, { 'Content-Length': 10 }).flushHeaders()
  }
  await assert.rejects(
    scene.get({ idleSeconds: 0.05 }),
    /^HttpClientError: 127.*: sends nothing for 0\.05 seconds$/,
  )
  assert.equal(scene.requests.length, 3)
})

test('a server that sends too slowly is given up at the limit of the whole', async t => {
  const scene = await Scene.open(t)
  scene.answer = (_req, res) => {
    res.writeHead(200, { 'Content-Length': 1000, ETag: '"1"' })
    const timer = setInterval(() => res.write('x'), 20)
    res.on('close', () => clearInterval(timer))
  }
  await assert.rejects(
    scene.get({ totalSeconds: 0.2 }),
    /^DownloadError: the download did not end within 0\.2 seconds$/,
  )
  assert.ok(existsSync(`${scene.file}.part`))
})

test('a redirect takes no credentials elsewhere, and does not leave TLS', async t => {
  const scene = await Scene.open(t)
  const front = createTlsServer({ cert: CERTIFICATE, key: KEY }, (req, res) => {
    scene.requests.push(req.headers)
    res.writeHead(302, { Location: scene.url }).end()
  })
  await new Promise<void>(resolve => front.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    front.close()
    front.closeAllConnections()
  })
  const url = `https://localhost:${(front.address() as AddressInfo).port}/`
  const request = { url, tls: { ca: CERTIFICATE }, auth: { username: 'me', password: 'secret' } }
  await assert.rejects(scene.get(request), /redirects to 127\.0\.0\.1:\d+ without TLS: not followed/)
  await scene.get({ ...request, keepTls: false })
  assert.deepEqual(
    scene.requests.slice(-2).map(({ authorization }) => authorization),
    [`Basic ${btoa('me:secret')}`, undefined],
  )
})
