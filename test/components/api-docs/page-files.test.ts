// The pages at /docs as a browser receives them.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, test } from 'node:test'
import { assertOwnFilesOnly } from '../../support/page-policy.ts'
import { sendRequest } from '../../support/raw-http.ts'
import { startRig } from '../../support/rig.ts'

const SOURCE = new URL('../../../src/pages/api/', import.meta.url).pathname
/** The pages by their addresses below /docs/, with their scripts. */
const PAGES: Readonly<Record<string, string>> = { '': 'main.ts', http: 'http.ts', websocket: 'websocket.ts' }

const textOf = (file: string) => readFileSync(join(SOURCE, file), 'utf8')

describe('the page at /docs', { concurrency: true }, () => {
  test('a server run from its source serves every page and all that it loads', async () => {
    await using rig = await startRig({ printer: 'none' })
    for (const page of Object.keys(PAGES)) {
      const reply = await sendRequest(rig.port, `/docs/${page}`)
      assert.equal(reply.status, 200, page)
      assert.equal(reply.headers['content-type'], 'text/html; charset=UTF-8')
      const files = new Set(
        [...reply.body.matchAll(/<(?:script|link)[^>]* (?:src|href)="([^":]+)"/g)].map(([, file]) => file),
      )
      assert.ok(files.size >= 2, page)
      for (const file of files) {
        const { status, headers, body } = await sendRequest(rig.port, `/docs/${file}`)
        assert.equal(status, 200, file)
        assert.match(headers['content-type'] ?? '', file?.endsWith('.js') ? /javascript/ : /css/)
        if (file?.startsWith('swagger-')) continue
        for (const [, part] of body.matchAll(/(?:from|import)"\.\/([\w-]+\.js)"/g)) files.add(part)
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
      'api.html',
      'http.ts',
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
})

test('the pages have no script or style in them, and name no other site', () => {
  for (const path of globSync('*', { cwd: SOURCE })) {
    const text = textOf(path)
    assert.doesNotMatch(text, /https?:\/\/(?!\$)|url\(/, path)
    assert.doesNotMatch(text, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(/, path)
    if (!path.endsWith('.html')) continue
    assert.doesNotMatch(text, /<style|<script(?![^>]* src=)| (style|on\w+)=/, path)
    assert.doesNotMatch(text, /(src|href)="\/(?!\/)/, `${path}: an address that a prefix would break`)
  }
})

/** The scripts of a page, at any depth. */
function scriptsOf(file: string): string[] {
  const named = [...textOf(file).matchAll(/^import .* from '\.\/([^']+)'$/gm)].map(
    ([, name]) => name as string,
  )
  return [...new Set([file, ...named.flatMap(scriptsOf)])]
}

test('scripts search for nothing that their page does not have', () => {
  for (const [page, script] of Object.entries(PAGES)) {
    const html = textOf(`${page === '' ? 'index' : page}.html`)
    for (const file of scriptsOf(script)) {
      for (const [, id] of textOf(file).matchAll(/byId\('([^']+)'/g)) {
        // The page without a document to show has no problem to report.
        if (page === '' && id === 'problem') continue
        assert.ok(html.includes(`id="${id}"`), `${basename(script)}: ${file} searches for '${id}'`)
      }
    }
  }
})
