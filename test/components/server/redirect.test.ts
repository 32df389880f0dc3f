// GET /server/redirect redirects to allowed sites only.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sendRequest } from '../../support/raw-http.ts'
import { startRig } from '../../support/rig.ts'

test('a browser is redirected to sites that cors_domains allows, and to no others', async () => {
  await using rig = await startRig({
    printer: 'none',
    authorization: 'cors_domains:\n  http://allowed.test\n  https://*.farm.test',
  })
  const redirect = (url: string) => sendRequest(rig.port, `/server/redirect?url=${encodeURIComponent(url)}`)
  for (const url of ['http://allowed.test/', 'http://allowed.test/back?code=1', 'https://one.farm.test/x']) {
    const { status, headers } = await redirect(url)
    assert.deepEqual([status, headers.location], [302, url])
  }
  for (const url of [
    'http://evil.test/',
    'http://allowed.test.evil.test/',
    'http://allowed.test@evil.test/',
    'https://evil.test/.farm.test',
    'https://evil.test#.farm.test',
    'javascript:alert(1)//http://allowed.test',
    '//allowed.test',
    '/server/info',
    '',
  ]) {
    const { status, json, headers } = await redirect(url)
    assert.deepEqual([status, headers.location], [400, undefined], url)
    assert.equal(json.error.message, `Unauthorized URL redirect: ${url}`)
  }
  assert.equal(
    (await sendRequest(rig.port, '/server/redirect')).json.error.message,
    'No url argument provided',
  )
})

test('a line break in the address makes no header', async () => {
  await using rig = await startRig({ printer: 'none' })
  const reply = await sendRequest(rig.port, '/server/redirect?url=http://allowed.test/%0d%0aX-Evil:%201')
  assert.equal(reply.headers['x-evil'], undefined)
  assert.equal(reply.headers.location, 'http://allowed.test/X-Evil:%201')
})
