// The dashboard's files as a browser receives them, from the source and from a build.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { connect } from '../../../src/client/index.ts'
import { assertOwnFilesOnly } from '../../support/page-policy.ts'
import { sendRequest } from '../../support/raw-http.ts'
import { startRig } from '../../support/rig.ts'

/** What a phone downloads at most for the page, gzipped. */
const BUDGET = 60_000

test('the page is at / and at /welcome, with all files that it loads', async () => {
  await using rig = await startRig({ printer: 'none' })
  for (const path of ['/', '/welcome']) {
    const { status, headers, body } = await sendRequest(rig.port, path)
    assert.equal(status, 200)
    assert.equal(headers['content-type'], 'text/html; charset=UTF-8')
    for (const [, file] of body.matchAll(/(?:src|href)="(welcome\/[^"]+)"/g)) {
      const found = await sendRequest(rig.port, `/${file}`, { verb: 'HEAD' })
      assert.equal(found.status, 200, file)
      assert.match(headers.etag ?? '', /^W\/".+"$/)
    }
  }
})

test('only the files of the page itself may run, and no other page may frame it', async () => {
  await using rig = await startRig({ printer: 'none' })
  const { headers, body } = await sendRequest(rig.port, '/')
  assertOwnFilesOnly(headers)
  assert.doesNotMatch(body, /<script(?![^>]* src=)|<style| style=| on\w+=/)
})

test('an unauthenticated client receives the page, which contains nothing of the server', async () => {
  await using rig = await startRig({ printer: 'none', authorization: 'trusted_clients:\n  192.0.2.1' })
  const { status, body } = await sendRequest(rig.port, '/')
  assert.equal(status, 200)
  for (const secret of [String(rig.port), rig.dataPath, '192.0.2.1']) assert.ok(!body.includes(secret))
  assert.equal((await sendRequest(rig.port, '/server/about')).status, 401)
})

test('below a prefix the page has the slash that its relative addresses need', async () => {
  await using rig = await startRig({ printer: 'none', server: 'route_prefix: all/printer1' })
  const { status, headers } = await sendRequest(rig.port, '/all/printer1?x')
  assert.deepEqual([status, headers.location], [308, './printer1/?x'])
  for (const path of ['/all/printer1/', '/all/printer1/welcome', '/all/printer1/welcome/dashboard.js']) {
    assert.equal((await sendRequest(rig.port, path)).status, 200, path)
  }
  assert.equal((await sendRequest(rig.port, '/')).status, 404)
})

test('no other files are there', async () => {
  await using rig = await startRig({ printer: 'none' })
  for (const name of [
    '',
    'main.ts',
    'none.js',
    'tsconfig.json',
    '..%2fserver%2finfo',
    'a/b.js',
    '__proto__',
  ]) {
    assert.equal((await sendRequest(rig.port, `/welcome/${name}`)).status, 404, name)
  }
})

test(`the page has at most ${BUDGET / 1000} kB, and the client of Node is not in it`, async () => {
  const { bundlePages } = (await import(new URL('../../../scripts/pages.mjs', import.meta.url).href)) as {
    bundlePages: () => Promise<{ files: Map<string, Buffer> }>
  }
  const { files } = await bundlePages()
  const loaded = new Set(['dashboard.html', 'dashboard.css', 'dashboard.js'])
  for (const name of loaded) {
    const text = String(files.get(name))
    assert.doesNotMatch(text, /from"node:/)
    for (const [, part = ''] of text.matchAll(/"\.\/(part-\w+\.js)"/g)) loaded.add(part)
  }
  const sizes = [...loaded].map(name => [name, gzipSync(files.get(name) ?? '', { level: 9 }).length] as const)
  assert.ok(sizes.length >= 4)
  assert.ok(sizes.reduce((sum, [, size]) => sum + size, 0) <= BUDGET, String(sizes))
})

test('server.about has what people need to know of the server', async () => {
  const conf = '[frontend mainsail]\npath: /nowhere\nprefix: /mainsail'
  const authorization = 'trusted_clients: 127.0.0.1\ncors_domains: http://my.mainsail.xyz'
  await using rig = await startRig({ printer: 'none', server: 'route_prefix: p', conf, authorization })
  using client = await connect({ url: rig.socketPath })
  const about = await client.call('server.about')
  assert.match(about.version, /^\d+\.\d+\.\d+$/)
  assert.deepEqual(about.addresses, [`${rig.url}/p`])
  assert.deepEqual(about.frontends, [{ name: 'mainsail', path: '/mainsail/' }])
  assert.deepEqual(about.refused_sites, ['http://app.fluidd.xyz'])
  assert.equal(about.socket, rig.socketPath)
})
