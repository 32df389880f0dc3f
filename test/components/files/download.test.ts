import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { sendRequest } from '../../support/raw-http.ts'
import { startRig } from '../../support/rig.ts'

test('the content types that clients need to show files', async () => {
  await using rig = await startRig({ printer: 'none' })
  const types: [string, RegExp][] = [
    ['a.gcode', /^text\/plain; charset=utf-8$/],
    ['a.cfg', /^text\/plain/],
    ['klippy.log.2026-01-31', /^text\/plain/],
    ['moonraker.log.1', /^text\/plain/],
    ['.moonraker.conf', /^text\/plain/],
    ['custom.css', /^text\/css/],
    ['default.json', /^application\/json/],
    ['readme.md', /^text\/markdown/],
    ['a.png', /^image\/png$/],
    ['a.svg', /^image\/svg\+xml/],
    ['a.zip', /^application\/zip$/],
    ['a.mp4', /^video\/mp4$/],
    ['unknown', /^application\/octet-stream$/],
  ]
  for (const [name, type] of types) {
    writeFileSync(join(rig.paths.config, name), '1')
    const { status, headers } = await sendRequest(rig.port, `/server/files/config/${name}?timestamp=1`)
    assert.equal(status, 200, name)
    assert.match(headers['content-type'] ?? '', type, name)
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.match(String(headers['content-security-policy']), /default-src 'none'.*sandbox/)
    assert.match(String(headers['content-disposition']), /^attachment; /)
    assert.deepEqual(
      [headers.etag, headers['accept-ranges'], headers['cache-control']],
      [undefined, 'bytes', 'no-cache'],
    )
  }
})

test('folders and special files return 403, missing files 404', async () => {
  await using rig = await startRig({ printer: 'none' })
  mkdirSync(join(rig.paths.gcodes, 'sub'))
  execFileSync('mkfifo', [join(rig.paths.gcodes, 'pipe')])
  const cases: [string, number][] = [
    ['gcodes/sub', 403],
    ['gcodes/sub/', 403],
    ['gcodes/', 403],
    ['gcodes/pipe', 403],
    ['gcodes/none.gcode', 404],
    ['gcodes/sub/none/a', 404],
    ['gcodes/.uploads/a', 403],
    ['zzz/a', 404],
    ['gcodes', 404],
  ]
  for (const [path, status] of cases) {
    const reply = await sendRequest(rig.port, `/server/files/${path}`)
    assert.equal(reply.status, status, `${path}: ${reply.body}`)
    assert.equal(reply.json.error.code, status)
  }
})

test('several ranges, or an invalid range, return the whole file', async () => {
  await using rig = await startRig({ printer: 'none' })
  writeFileSync(join(rig.paths.gcodes, 'a.gcode'), '0123456789')
  for (const Range of ['bytes=0-1,4-5', 'lines=1-2']) {
    const reply = await sendRequest(rig.port, '/server/files/gcodes/a.gcode', { headers: { Range } })
    assert.deepEqual([reply.status, reply.body], [200, '0123456789'], Range)
  }
})

/** The file of a descriptor of this process. */
function target(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    return ''
  }
}

test('the server closes the file when the client disconnects', async () => {
  await using rig = await startRig({ printer: 'none' })
  writeFileSync(join(rig.paths.gcodes, 'a.gcode'), Buffer.alloc(30_000_000))
  const socket = connect(rig.port, '127.0.0.1')
  socket.write('GET /server/files/gcodes/a.gcode HTTP/1.1\r\nHost: a\r\n\r\n')
  await once(socket, 'data')
  const open = () => readdirSync('/proc/self/fd').some(fd => target(fd).endsWith('a.gcode'))
  assert.ok(open())
  socket.destroy()
  while (open()) await new Promise(resolve => setImmediate(resolve))
})
