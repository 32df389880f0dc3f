// Files as answers, where the file or the client goes away in the middle.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { stat } from 'node:fs/promises'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setImmediate as nextIteration } from 'node:timers/promises'
import { ApiError } from '../../src/core/errors.ts'
import { sendFile } from '../../src/core/send-file.ts'
import { sendRequest } from '../support/raw-http.ts'

type Handle = (req: IncomingMessage, res: ServerResponse) => Promise<void>

/** A folder, and a server that sends the given file. */
async function scene(t: TestContext, handle: (file: string) => Handle) {
  const folder = mkdtempSync(join(tmpdir(), 'sent-'))
  const file = join(folder, 'file.bin')
  writeFileSync(file, 'x'.repeat(1_000_000))
  const answer = handle(file)
  const server = createServer((req, res) => {
    answer(req, res).catch(error => {
      res.writeHead(error instanceof ApiError ? error.status : 500).end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
    rmSync(folder, { recursive: true })
  })
  return { file, port: (server.address() as AddressInfo).port }
}

const plain = (path: string) => ({ path, shown: 'file.bin', etag: true, headers: {} })

/** How often this process has a file open. */
function timesOpen(file: string): number {
  const links = readdirSync('/proc/self/fd').map(fd => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return ''
    }
  })
  return links.filter(link => link === file).length
}

const isLinux = process.platform === 'linux'

test('a client that disconnects before the file is found leaves no file open', {
  skip: !isLinux,
}, async t => {
  const { promise: sent, resolve } = Promise.withResolvers<void>()
  const { file, port } = await scene(t, path => async (req, res) => {
    req.socket.destroy()
    await once(res, 'close')
    await sendFile(req, res, plain(path))
    resolve()
  })
  const client = connect(port, '127.0.0.1')
  client.on('error', () => {})
  client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  await sent
  // Each of these waits for the operations that started before.
  for (let count = 0; count < 50; count += 1) {
    await stat(file)
    await nextIteration()
  }
  assert.equal(timesOpen(file), 0)
})

test('a client that disconnects during the transfer closes the file', {
  skip: !isLinux,
  timeout: 10_000,
}, async t => {
  const { file, port } = await scene(t, path => async (req, res) => {
    writeFileSync(path, Buffer.alloc(20_000_000))
    await sendFile(req, res, plain(path))
  })
  const sent = request({ host: '127.0.0.1', port, agent: false }).end()
  const [res] = await once(sent, 'response')
  await once(res, 'data')
  assert.equal(timesOpen(file), 1)
  sent.destroy()
  while (timesOpen(file) > 0) await nextIteration()
})

test('a file that shrinks meanwhile ends the response as incomplete', async t => {
  const { port } = await scene(t, path => async (req, res) => {
    const { size } = statSync(path)
    const written = res.writeHead.bind(res) as (status: number) => ServerResponse
    res.writeHead = ((status: number) => {
      truncateSync(path, size - 1)
      return written(status)
    }) as typeof res.writeHead
    await sendFile(req, res, plain(path))
  })
  await assert.rejects(sendRequest(port, '/'), /aborted/)
})

test('an empty file that grows meanwhile stays empty', async t => {
  const { port } = await scene(t, path => async (req, res) => {
    writeFileSync(path, '')
    const written = res.writeHead.bind(res) as (status: number) => ServerResponse
    res.writeHead = ((status: number) => {
      writeFileSync(path, 'grown')
      return written(status)
    }) as typeof res.writeHead
    await sendFile(req, res, plain(path))
  })
  const { status, body, headers } = await sendRequest(port, '/')
  assert.deepEqual([status, body, headers['content-length']], [200, '', '0'])
})

test('a condition that fails is 412', async t => {
  const { port } = await scene(t, path => (req, res) => sendFile(req, res, plain(path)))
  const past = 'Mon, 01 Jan 1990 00:00:00 GMT'
  assert.equal((await sendRequest(port, '/', { headers: { 'If-Match': '"other"' } })).status, 412)
  assert.equal((await sendRequest(port, '/', { headers: { 'If-Unmodified-Since': past } })).status, 412)
  assert.equal((await sendRequest(port, '/', { headers: { 'If-Match': '*' } })).status, 200)
})
