import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Origins } from '../../../src/components/access/origins.ts'

test('a pattern allows its origins only', () => {
  const cases: [string, string[], string[]][] = [
    [
      'http://my.site',
      ['http://my.site', 'HTTP://MY.SITE'],
      ['https://my.site', 'http://my.site.evil', 'http://xmy.site', 'http://my.site:80', 'http://myxsite'],
    ],
    [
      '*://my.mainsail.xyz',
      ['http://my.mainsail.xyz', 'https://my.mainsail.xyz'],
      ['http://my.mainsail.xyz.evil.com', 'http://evil/my.mainsail.xyz'],
    ],
    [
      '*.local',
      ['http://printer.local', 'https://a.b.local'],
      ['http://local', 'http://printer.local:80', 'http://printer.local.evil'],
    ],
    ['http://*.local:*', ['http://printer.local:7125'], ['http://printer.local', 'https://printer.local:80']],
    [
      '*://localhost:*',
      ['http://localhost:8080'],
      ['http://localhost', 'http://localhost.evil:80', 'http://evil/localhost:80'],
    ],
    ['http://a+b(c)[d].x', ['http://a+b(c)[d].x'], ['http://aab(c)[d].x']],
  ]
  for (const [pattern, allowed, refused] of cases) {
    const origins = new Origins([pattern])
    for (const origin of allowed) assert.equal(origins.allows(origin), true, `${pattern} ${origin}`)
    for (const origin of refused) assert.equal(origins.allows(origin), false, `${pattern} ${origin}`)
  }
})

test('a pattern that matches every host is named as such, and names no host', () => {
  for (const pattern of ['*', '*:*', '*://*', 'http://*', '*://*:*']) {
    const origins = new Origins([pattern, 'http://fine.local'])
    assert.deepEqual(origins.unlimited, [pattern])
    assert.equal(origins.allows('http://anything.example:80'), true, pattern)
    assert.equal(origins.allows('null'), false)
    assert.equal(origins.namesHost('anything.example'), false)
  }
  assert.equal(new Origins(['*']).allows('https://anything.example'), true)
})

test('patterns name hosts, without scheme and port', () => {
  const origins = new Origins(['http://my.site', '*://*.other.site:8080', 'plain.site/', 'http://evil.*'])
  for (const host of ['my.site', 'a.other.site', 'plain.site']) assert.ok(origins.namesHost(host), host)
  for (const host of ['x.my.site', 'other.site', 'my.site.evil', 'evil.com', ''])
    assert.ok(!origins.namesHost(host), host)
})

test('an origin of any length is matched at once', () => {
  const origins = new Origins(['*://*.local:*'])
  assert.equal(origins.allows(`http://a${'.local:'.repeat(100_000)}/x`), false)
  assert.equal(origins.namesHost('.local'.repeat(100_000)), false)
})

test('no pattern allows a page without an origin', () => {
  for (const pattern of ['*', 'null', '*null*', 'http://x']) {
    assert.equal(new Origins([pattern]).allows('null'), false, pattern)
  }
})

test('a wildcard in the top-level domain is named and ignored', () => {
  const wide = ['http://evil.*', 'http://192.168.1.*', '*://*.c*', 'x.*:80']
  const origins = new Origins([...wide, 'http://fine.local'])
  assert.deepEqual(origins.tooWide, wide)
  assert.equal(origins.allows('http://evil.com'), false)
  assert.equal(origins.allows('http://fine.local'), true)
})

test('without patterns no origin is allowed', () => {
  assert.equal(new Origins([]).allows('http://x'), false)
})
