// How the files of the server's own pages are sent: gzipped as a build has them, and once.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { ApiError } from '../../src/core/errors.ts'
import { fileAt, sendPageFile } from '../../src/core/page-files.ts'
import { sendRequest } from '../support/raw-http.ts'

const TEXT = 'body { color: red }'

/** Serves a folder with `a.css`, gzipped as in a build, and what is next to and below it. */
async function startFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'page-'))
  const site = join(folder, 'site')
  mkdirSync(join(site, 'deep', 'deeper'), { recursive: true })
  const css = gzipSync(TEXT)
  for (const path of ['secret.css', 'site/a.css', 'site/deep/a.css', 'site/deep/deeper/a.css']) {
    writeFileSync(join(folder, `${path}.gz`), css)
  }
  const server = createServer((req, res) => {
    const name = decodeURIComponent((req.url ?? '').slice(1))
    const find = (path: string) => fileAt(join(site, `${path}.gz`), true)
    sendPageFile({ req, res }, name, { find, policy: "default-src 'none'" }).catch(error => {
      res.writeHead(error instanceof ApiError ? error.status : 500).end()
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    stored: join(site, 'a.css.gz'),
    css,
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      await new Promise(resolve => {
        server.close(resolve)
      })
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

test('a file is sent as it is stored, and plain to clients that do not accept gzip', async () => {
  await using folder = await startFolder()
  const request = async (accepted: string) => {
    const response = await fetch(`http://127.0.0.1:${folder.port}/a.css`, {
      headers: { 'Accept-Encoding': accepted },
    })
    return { headers: response.headers, text: await response.text() }
  }
  for (const accepted of ['br, gzip', '*', 'gzip;q=0.5']) {
    const { headers, text } = await request(accepted)
    assert.deepEqual(
      [headers.get('content-encoding'), headers.get('content-length')],
      ['gzip', String(folder.css.length)],
    )
    assert.equal(text, String(gunzipSync(folder.css)))
  }
  for (const accepted of ['identity', 'br', 'gzip;q=0', 'gzip; q=0.0', '']) {
    const { headers, text } = await request(accepted)
    assert.deepEqual([headers.get('content-encoding'), text], [null, TEXT], accepted)
  }
})

test('a client that has a file does not receive it again until it changes', async () => {
  await using folder = await startFolder()
  const { headers } = await sendRequest(folder.port, '/a.css')
  const known = { 'If-None-Match': headers.etag as string }
  const again = await sendRequest(folder.port, '/a.css', { headers: known })
  assert.deepEqual([again.status, again.body], [304, ''])
  utimesSync(folder.stored, 1, 1)
  assert.equal((await sendRequest(folder.port, '/a.css', { headers: known })).status, 200)
})

test('a name leads to files of the folder, and one folder deeper', async () => {
  await using folder = await startFolder()
  const status = async (path: string) => (await sendRequest(folder.port, `/${path}`)).status
  assert.deepEqual([await status('a.css'), await status('deep/a.css')], [200, 200])
  for (const path of [
    '..%2fsecret.css',
    'deep/deeper/a.css',
    'deep/..%2f..%2fsecret.css',
    'a.txt',
    'a.css%00',
    '',
  ]) {
    assert.equal(await status(path), 404, path)
  }
})
