// The page at /docs as a browser gets it, from the source and from a build.
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { sendDocsFile } from '../../../src/components/api-docs/page-files.ts'
import { ApiError } from '../../../src/core/errors.ts'
import { assertOwnFilesOnly } from '../../support/page-policy.ts'
import { sendRequest } from '../../support/raw-http.ts'
import { startRig } from '../../support/rig.ts'

const SOURCE = new URL('../../../src/components/api-docs/page/', import.meta.url).pathname
const PAGES = ['', 'http', 'websocket']

const textOf = (file: string) => readFileSync(join(SOURCE, file), 'utf8')

/** The files that a page or a script of ours names, at any depth. */
function filesOf(file: string): string[] {
  const text = textOf(file)
  const named = file.endsWith('.html')
    ? [...text.matchAll(/<(?:script|link)[^>]* (?:src|href)="([^"]+)"/g)]
    : [...text.matchAll(/^import .* from '\.\/([^']+)'$/gm)]
  const names = named.map(([, name]) => name as string).filter(name => !name.startsWith('data:'))
  const own = names.filter(name => name.endsWith('.js') && !name.startsWith('swagger-'))
  return [...new Set([...names, ...own.flatMap(filesOf)])]
}

/** What a build serves from its folder, without the rest of a server. */
async function startBuild() {
  const folder = mkdtempSync(join(tmpdir(), 'docs-'))
  const { packDocs } = (await import(new URL('../../../scripts/build.mjs', import.meta.url).href)) as {
    packDocs: (folder: string) => unknown
  }
  packDocs(folder)
  const caller = { transport: 'http' as const, address: '127.0.0.1', user: null, connection: null }
  const server = createServer((req, res) => {
    const request = { req, res, rest: (req.url ?? '').slice(1), query: new URLSearchParams(), caller }
    sendDocsFile(request, folder).catch(error => {
      res.writeHead(error instanceof ApiError ? error.status : 500).end()
    })
  })
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    folder,
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      await new Promise(resolve => {
        server.close(resolve)
      })
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The bytes of a reply as they came over the wire. */
async function bytesOf(port: number, path: string, headers: Record<string, string>) {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers })
  return { response, bytes: Buffer.from(await response.arrayBuffer()) }
}

describe('the page at /docs', { concurrency: true }, () => {
  test('a server run from its source serves every page and all that it loads', async () => {
    await using rig = await startRig({ printer: 'none' })
    for (const page of PAGES) {
      const reply = await sendRequest(rig.port, `/docs/${page}`)
      assert.equal(reply.status, 200, page)
      assert.equal(reply.headers['content-type'], 'text/html; charset=UTF-8')
      const files = filesOf(page === '' ? 'index.html' : `${page}.html`)
      assert.ok(files.length >= 5, page)
      for (const file of files) {
        const { status, headers } = await sendRequest(rig.port, `/docs/${file}`, { verb: 'HEAD' })
        assert.equal(status, 200, file)
        assert.match(headers['content-type'] ?? '', file.endsWith('.js') ? /javascript/ : /css/)
      }
    }
  })

  test('nothing but its own files may run, and none may frame it', async () => {
    await using rig = await startRig({ printer: 'none' })
    const { headers } = await sendRequest(rig.port, '/docs/http')
    assertOwnFilesOnly(headers)
    assert.equal(headers['referrer-policy'], 'no-referrer')
  })

  test('the page loads below a prefix and for unauthenticated clients, whose further requests are refused', async () => {
    await using rig = await startRig({
      printer: 'none',
      server: 'route_prefix: printer1',
      authorization: 'trusted_clients:',
    })
    const { status, headers } = await sendRequest(rig.port, '/printer1/docs')
    assert.deepEqual([status, headers.location], [308, './docs/'])
    assert.equal((await fetch(`${rig.url}/printer1/docs`)).url, `${rig.url}/printer1/docs/`)
    assert.equal((await sendRequest(rig.port, '/printer1/docs/websocket')).status, 200)
    assert.equal((await sendRequest(rig.port, '/docs/')).status, 404)
    for (const path of ['openapi.json', 'openrpc.json', 'access/user']) {
      assert.equal((await sendRequest(rig.port, `/printer1/${path}`)).status, 401, path)
    }
  })

  test('there is nothing else there', async () => {
    await using rig = await startRig({ printer: 'none' })
    const names = [
      'index.html',
      'tsconfig.json',
      'none.js',
      'swagger-ui.js',
      '..%2fpage-files.ts',
      'a/b.js',
      'x%00.js',
    ]
    for (const name of [...names, '..%2f..%2f..%2f..%2fpackage.json', '%2e%2e/index.ts', '__proto__']) {
      assert.equal((await sendRequest(rig.port, `/docs/${name}`)).status, 404, name)
    }
    assert.equal((await sendRequest(rig.port, '/docs/http', { verb: 'POST' })).status, 405)
  })

  test('a build sends what it has gzipped, and plain to those who do not take that', async () => {
    await using build = await startBuild()
    for (const file of ['swagger-ui-bundle.js', 'websocket.js', 'http']) {
      const zipped = await sendRequest(build.port, `/${file}`, {
        headers: { 'Accept-Encoding': 'br, gzip' },
        verb: 'HEAD',
      })
      assert.equal(zipped.headers['content-encoding'], 'gzip')
      const stored = readFileSync(join(build.folder, `${file.includes('.') ? file : `${file}.html`}.gz`))
      assert.equal(zipped.headers['content-length'], String(stored.length))
      // fetch unpacks what is announced as gzip.
      const { bytes } = await bytesOf(build.port, `/${file}`, { 'Accept-Encoding': 'gzip' })
      assert.ok(bytes.equals(gunzipSync(stored)))
      for (const accepted of ['identity', 'br', 'gzip;q=0', 'gzip; q=0.0', '']) {
        const plain = await bytesOf(build.port, `/${file}`, { 'Accept-Encoding': accepted })
        assert.equal(plain.response.headers.get('content-encoding'), null, accepted)
        assert.ok(plain.bytes.equals(bytes))
      }
    }
    assert.equal((await sendRequest(build.port, '/websocket.js')).body, textOf('websocket.js'))
    assert.equal((await sendRequest(build.port, '/none.js')).status, 404)
  })

  test('who has a file does not get it again until it changes', async () => {
    await using build = await startBuild()
    const { headers } = await sendRequest(build.port, '/docs.css')
    const known = { 'If-None-Match': headers.etag as string }
    const again = await sendRequest(build.port, '/docs.css', { headers: known })
    assert.deepEqual([again.status, again.body], [304, ''])
    utimesSync(join(build.folder, 'docs.css.gz'), 1, 1)
    assert.equal((await sendRequest(build.port, '/docs.css', { headers: known })).status, 200)
  })
})

test('the pages hold no script or style of their own, and name no other site', () => {
  for (const file of readdirSync(SOURCE).filter(name => /\.(html|css|js)$/.test(name))) {
    const text = textOf(file)
    assert.doesNotMatch(text, /https?:\/\/(?!\$)|url\(|@import\b(?! \{)/, file)
    assert.doesNotMatch(text, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(/, file)
    if (!file.endsWith('.html')) continue
    assert.doesNotMatch(text, /<style|<script(?![^>]* src=)| (style|on\w+)=/, file)
    assert.doesNotMatch(text, /(src|href)="\/(?!\/)/, `${file}: an address that a prefix would break`)
  }
})

test('scripts look for nothing that their page does not have', () => {
  for (const page of ['index.html', 'http.html', 'websocket.html']) {
    const html = textOf(page)
    const scripts = filesOf(page).filter(file => file.endsWith('.js') && !file.startsWith('swagger-'))
    for (const script of scripts) {
      for (const [, id] of textOf(script).matchAll(/byId\('([^']+)'/g)) {
        // The page without a document to show has no problem to report.
        if (page === 'index.html' && id === 'problem') continue
        assert.ok(html.includes(`id="${id}"`), `${page}: ${script} looks for '${id}'`)
      }
    }
  }
})
