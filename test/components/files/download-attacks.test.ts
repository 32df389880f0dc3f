import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { sendRaw, sendRequest } from '../../support/raw-http.ts'
import { type Rig, type RigOptions, startRig } from '../../support/rig.ts'
import { NO_LINKS } from './file-client.ts'

const BASE = '/server/files'
const TEXT = '0123456789'
const MODIFIED = new Date('2026-03-01T12:00:00.500Z')

async function start(files: Record<string, string> = {}, options: RigOptions = {}): Promise<Rig> {
  const rig = await startRig({ printer: 'none', ...options })
  for (const [path, text] of Object.entries({ 'gcodes/a.gcode': TEXT, ...files })) {
    const place = join(rig.dataPath, path)
    mkdirSync(dirname(place), { recursive: true })
    writeFileSync(place, text)
    utimesSync(place, MODIFIED, MODIFIED)
  }
  return rig
}

const get = (rig: Rig, path: string, headers: Record<string, string> = {}) =>
  sendRequest(rig.port, `${BASE}/${path}`, { headers })

test('a download is an attachment that browsers do not run', async () => {
  await using rig = await start()
  const { status, body, headers } = await get(rig, 'gcodes/a.gcode')
  assert.deepEqual([status, body], [200, TEXT])
  assert.equal(headers['content-length'], '10')
  assert.equal(headers['accept-ranges'], 'bytes')
  assert.equal(headers['last-modified'], 'Sun, 01 Mar 2026 12:00:00 GMT')
  assert.equal(headers.etag, undefined)
  assert.equal(headers['content-disposition'], `attachment; filename="a.gcode"; filename*=UTF-8''a.gcode`)
  assert.equal(headers['x-content-type-options'], 'nosniff')
  assert.match(String(headers['content-security-policy']), /sandbox/)
  assert.match(String(headers['content-type']), /^text\/plain/)
})

test('HEAD returns the same headers without the body; other verbs are rejected', async () => {
  await using rig = await start()
  const { status, body, headers } = await sendRequest(rig.port, `${BASE}/gcodes/a.gcode`, { verb: 'HEAD' })
  assert.deepEqual([status, body, headers['content-length']], [200, '', '10'])
  assert.match(String(headers['content-disposition']), /^attachment/)
  for (const verb of ['POST', 'PUT', 'PATCH']) {
    assert.equal((await sendRequest(rig.port, `${BASE}/gcodes/a.gcode`, { verb })).status, 405)
  }
})

test('a single range returns 206 with its bytes', async () => {
  await using rig = await start()
  const cases: [string, string, string][] = [
    ['bytes=0-3', '0123', 'bytes 0-3/10'],
    ['bytes=4-', '456789', 'bytes 4-9/10'],
    ['bytes=-3', '789', 'bytes 7-9/10'],
    ['bytes=8-99', '89', 'bytes 8-9/10'],
    ['bytes=9-9', '9', 'bytes 9-9/10'],
  ]
  for (const [Range, expected, range] of cases) {
    const { status, body, headers } = await get(rig, 'gcodes/a.gcode', { Range })
    assert.deepEqual([status, body, headers['content-range']], [206, expected, range], Range)
    assert.equal(headers['content-length'], String(expected.length))
    assert.match(String(headers['content-disposition']), /^attachment/)
  }
  for (const Range of ['bytes=0-1,4-5', 'lines=1-2']) {
    assert.equal((await get(rig, 'gcodes/a.gcode', { Range })).body, TEXT, Range)
  }
})

test('a range beyond the end returns 416 with the size', async () => {
  await using rig = await start()
  for (const Range of ['bytes=10-', 'bytes=99-100']) {
    const { status, headers } = await get(rig, 'gcodes/a.gcode', { Range })
    assert.deepEqual([status, headers['content-range']], [416, 'bytes */10'], Range)
  }
})

test('an unchanged file returns 304', async () => {
  await using rig = await start()
  const since = (text: string) => get(rig, 'gcodes/a.gcode', { 'If-Modified-Since': text })
  const same = await since('Sun, 01 Mar 2026 12:00:00 GMT')
  assert.deepEqual([same.status, same.body], [304, ''])
  assert.equal((await since('Mon, 02 Mar 2026 12:00:00 GMT')).status, 304)
  for (const text of ['Sun, 01 Mar 2026 11:59:59 GMT', 'garbage', '']) {
    assert.equal((await since(text)).status, 200, text)
  }
})

test('an empty file returns 200', async () => {
  await using rig = await start({ 'gcodes/empty.gcode': '' })
  const { status, body, headers } = await get(rig, 'gcodes/empty.gcode')
  assert.deepEqual([status, body, headers['content-length']], [200, '', '0'])
})

test('unusual names are sent correctly and cannot inject headers', async () => {
  const names = [
    'a b.gcode',
    'ü☃.gcode',
    '100%.gcode',
    'a?b#c.gcode',
    'a;b,c.gcode',
    `it's "q".gcode`,
    'a\\b.gcode',
    'a\r\nX-Evil: 1.gcode',
    '%2e%2e.gcode',
    '.hidden.gcode',
    'a+b&c=d.gcode',
  ]
  await using rig = await start(Object.fromEntries(names.map(name => [`gcodes/sub dir/${name}`, name])))
  for (const name of names) {
    const { status, body, headers } = await get(rig, `gcodes/sub%20dir/${encodeURIComponent(name)}`)
    assert.deepEqual([status, body], [200, name])
    assert.equal(headers['x-evil'], undefined)
    const [, encoded = ''] = /filename\*=UTF-8''(\S+)$/.exec(String(headers['content-disposition'])) ?? []
    assert.equal(decodeURIComponent(encoded), name)
  }
})

test('HTML, SVG and scripts are attachments too', async () => {
  await using rig = await start({ 'gcodes/x.html': '<script>', 'config/x.svg': '<svg/>', 'config/x.js': '1' })
  for (const path of ['gcodes/x.html', 'config/x.svg', 'config/x.js']) {
    const { status, headers } = await get(rig, path)
    assert.equal(status, 200)
    assert.match(String(headers['content-disposition']), /^attachment/)
    assert.match(String(headers['content-security-policy']), /sandbox/)
  }
})

const UP = [
  '..',
  '%2e%2e',
  '%2E.',
  '.%2e',
  '%252e%252e',
  '..%00',
  '%c0%ae%c0%ae',
  '..%5c..',
  '%u002e%u002e',
  '\u2025',
  '%uff0e%uff0e',
  '..;',
]

test('no spelling of a path leads out of a root', async () => {
  await using rig = await start({ 'secret.txt': 'top secret', 'config/moonraker.secrets': 'top secret' })
  writeFileSync(join(rig.dataPath, 'secret.txt'), 'top secret')
  for (const up of UP) {
    for (const slash of ['/', '%2f', '%5c', '\\', '//', '%252f']) {
      for (const root of ['gcodes', 'gcodes/x', 'config', 'nosuch', '']) {
        const path = encodeURI(
          decodeURI(`${BASE}/${root}/${up}${slash}secret.txt`.replaceAll('%', '%25')),
        ).replaceAll('%25', '%')
        const { status, body } = await sendRequest(rig.port, path)
        assert.ok([400, 403, 404].includes(status), `${path}: ${status}`)
        assert.ok(!body.includes('top secret'), path)
      }
    }
  }
})

test('absolute and overlong paths are rejected', async () => {
  await using rig = await start()
  const paths = [
    `gcodes/${rig.dataPath}/gcodes/a.gcode`,
    'gcodes//etc/passwd',
    'gcodes/%2fetc%2fpasswd',
    `gcodes/${'x'.repeat(300)}`,
    `gcodes/${`${'x'.repeat(200)}/`.repeat(30)}y`,
    'gcodes/a.gcode/',
    'gcodes/a.gcode/b',
    'gcodes/',
    'gcodes',
    'gcodes/.',
    'nosuch/a.gcode',
    'constructor/a.gcode',
  ]
  for (const path of paths) {
    const { status } = await get(rig, path)
    const expected = path === 'gcodes/a.gcode/' ? [200, 404] : [400, 403, 404]
    assert.ok(expected.includes(status), `${path.slice(0, 60)}: ${status}`)
  }
  const raw = await sendRaw(
    rig.port,
    `GET ${BASE}/gcodes/../../secret HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
  )
  assert.match(raw, /^HTTP\/1\.1 400 /)
})

test('with follow_links False only links inside of a root are followed', async () => {
  const files = { 'outside/x.gcode': 'secret', 'gcodes/sub/x.gcode': 'inside' }
  await using rig = await start(files, { conf: NO_LINKS })
  const { gcodes } = rig.paths
  symlinkSync(join(rig.dataPath, 'outside'), join(gcodes, 'dir'))
  symlinkSync(join(rig.dataPath, 'outside', 'x.gcode'), join(gcodes, 'file.gcode'))
  symlinkSync('/etc/passwd', join(gcodes, 'passwd'))
  symlinkSync(join(gcodes, 'loop'), join(gcodes, 'loop'))
  symlinkSync(join(gcodes, 'sub'), join(gcodes, 'inner'))
  for (const path of ['dir/x.gcode', 'file.gcode', 'passwd', 'loop', 'loop/x']) {
    const { status, body } = await get(rig, `gcodes/${path}`)
    assert.ok([400, 403, 404].includes(status), path)
    assert.ok(!body.includes('secret') && !body.includes('root:'))
  }
  assert.equal((await get(rig, 'gcodes/inner/x.gcode')).body, 'inside')
})

test('unauthenticated clients can read images and nothing else', async () => {
  const files = { 'gcodes/.thumbs/a-32x32.png': 'PNG', 'gcodes/a.jpg': 'JPG' }
  await using rig = await start(files, { authorization: 'trusted_clients: 10.0.0.1' })
  assert.equal((await get(rig, 'gcodes/.thumbs/a-32x32.png')).status, 200)
  assert.equal((await get(rig, 'gcodes/a.jpg')).status, 200)
  for (const path of [
    'gcodes/a.gcode',
    'config/moonraker.conf',
    'logs/moonraker.log',
    'gcodes/a.png/../a.gcode',
  ]) {
    const { status } = await get(rig, path)
    assert.ok(status === 401 || status === 400, path)
  }
})

test('server.files.list returns the files of a root with size and time', async () => {
  await using rig = await start({
    'gcodes/deep/er/b.GCODE': 'xy',
    'gcodes/notes.txt': 'not printable',
    'gcodes/.thumbs/c.gcode': 'hidden',
    'config/printer.cfg': '[printer]',
  })
  const list = async (query = '') => (await sendRequest(rig.port, `${BASE}/list${query}`)).json.result
  const modified = MODIFIED.getTime() / 1000
  const byPath = (a: { path: string }, b: { path: string }) => (a.path < b.path ? -1 : 1)
  assert.deepEqual((await list()).sort(byPath), [
    { path: 'a.gcode', modified, size: 10, permissions: 'rw' },
    { path: 'deep/er/b.GCODE', modified, size: 2, permissions: 'rw' },
  ])
  const config = await list('?root=config')
  assert.ok(config.some(({ path }: { path: string }) => path === 'printer.cfg'))
  assert.equal((await sendRequest(rig.port, `${BASE}/list?root=nosuch`)).status, 400)
})

test('server.files.roots returns the permissions', async () => {
  await using rig = await start()
  const { json } = await sendRequest(rig.port, `${BASE}/roots`)
  const roots = Object.fromEntries(
    json.result.map(({ name, permissions }: { name: string; permissions: string }) => [name, permissions]),
  )
  assert.deepEqual([roots.gcodes, roots.config, roots.logs], ['rw', 'rw', 'r'])
})
