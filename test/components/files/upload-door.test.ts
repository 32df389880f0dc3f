import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { FakeKlippy, Refusal } from '../../support/fake-klippy.ts'
import { ask, type Reply } from '../../support/raw-http.ts'
import { type Rig, startRig } from '../../support/rig.ts'
import { WebClient } from '../../support/web-client.ts'
import { fileForm, multipart, TYPE } from './form-text.ts'

const PATH = '/server/files/upload'
const GCODE = 'G28\nG1 X10\n'

const send = (rig: Rig, body: Buffer, type = TYPE): Promise<Reply> =>
  ask(rig.port, PATH, { verb: 'POST', headers: { 'Content-Type': type }, body })

const upload = (
  rig: Rig,
  name: string,
  fields: Record<string, string> = {},
  value: string | Buffer = GCODE,
) => send(rig, fileForm(name, value, fields))

function refused({ status }: Reply): void {
  assert.ok([400, 403, 404].includes(status), String(status))
}

/** All files below the data folder, apart from what the server writes itself. */
function filesOf(rig: Rig): string[] {
  const own = /^(\.moonraker|moonraker\.asvc|logs\/|config\/(\.?moonraker)|comms\/|database\/)/
  return readdirSync(rig.dataPath, { recursive: true, withFileTypes: true })
    .filter(entry => !entry.isDirectory())
    .map(entry => join(entry.parentPath, entry.name).slice(rig.dataPath.length + 1))
    .filter(path => !own.test(path))
    .sort()
}

test('an upload is answered as clients know it, and the others are told', async () => {
  await using rig = await startRig({ printer: 'none' })
  using client = await WebClient.open(rig.url)
  const reply = await upload(rig, 'a part.gcode', { plateindex: '1' })
  assert.equal(reply.status, 201)
  assert.equal(reply.headers.location, '/server/files/gcodes/a%20part.gcode')
  const { modified, ...item } = reply.json.item
  assert.deepEqual(item, { path: 'a part.gcode', root: 'gcodes', size: GCODE.length, permissions: 'rw' })
  assert.ok(modified > 1_600_000_000)
  assert.deepEqual(
    [reply.json.print_started, reply.json.print_queued, reply.json.action],
    [false, false, 'create_file'],
  )
  const { result, ...facts } = reply.json
  assert.deepEqual(result, facts)
  assert.equal(readFileSync(join(rig.paths.gcodes, 'a part.gcode'), 'utf8'), GCODE)
  const told = await client.notified('notify_filelist_changed')
  assert.deepEqual(told.params, [{ action: 'create_file', item: reply.json.item }])
})

test('bytes arrive as they are', async () => {
  await using rig = await startRig({ printer: 'none' })
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7919) % 256))
  assert.equal((await upload(rig, 'a.bin', { root: 'config' }, bytes)).status, 201)
  assert.deepEqual(readFileSync(join(rig.paths.config, 'a.bin')), bytes)
  const tricky = Buffer.from('\r\n--limi\r\n--lim\r\n\r\n-limit--\r\n\0\r\n')
  assert.equal((await upload(rig, 'b.bin', { root: 'config' }, tricky)).status, 201)
  assert.deepEqual(readFileSync(join(rig.paths.config, 'b.bin')), tricky)
})

test('overwriting is a creation for gcodes and a change for others', async () => {
  await using rig = await startRig({ printer: 'none' })
  for (const [root, action] of [
    ['gcodes', 'create_file'],
    ['config', 'modify_file'],
  ] as const) {
    assert.equal((await upload(rig, 'a.cfg', { root })).json.action, 'create_file')
    const again = await upload(rig, 'a.cfg', { root }, 'new')
    assert.equal(again.json.action, action)
    assert.equal(again.json.item.size, 3)
    assert.equal('print_started' in again.json, root === 'gcodes')
  }
})

test('folders are made, and paths may be written in many ways', async () => {
  await using rig = await startRig({ printer: 'none' })
  const cases: [string, string][] = [
    ['//', 'a.gcode'],
    ['', 'a.gcode'],
    ['/', 'a.gcode'],
    ['deep/er/', 'deep/er/a.gcode'],
    ['/deep//er', 'deep/er/a.gcode'],
    ['./x/.', 'x/a.gcode'],
    ['ü ☃', 'ü ☃/a.gcode'],
  ]
  for (const [path, expected] of cases) {
    const { status, json } = await upload(rig, 'a.gcode', { path })
    assert.deepEqual([status, json.item.path], [201, expected], path)
    assert.ok(existsSync(join(rig.paths.gcodes, expected)))
  }
})

test('fields may come after the file, and the root in any case', async () => {
  await using rig = await startRig({ printer: 'none' })
  const file = { name: 'file', value: 'x', filename: 'a.cfg' }
  const { status, json } = await send(rig, multipart(file, { name: 'root', value: 'CONFIG' }))
  assert.deepEqual([status, json.item.root], [201, 'config'])
})

test('a checksum is compared before anything is seen', async () => {
  await using rig = await startRig({ printer: 'none' })
  const right = createHash('sha256').update(GCODE).digest('hex')
  assert.equal((await upload(rig, 'a.gcode', { checksum: right.toUpperCase() })).status, 201)
  writeFileSync(join(rig.paths.gcodes, 'a.gcode'), 'old')
  const wrong = await upload(rig, 'a.gcode', { checksum: right.replace(/./, 'x') })
  assert.equal(wrong.status, 422)
  assert.match(wrong.json.error.message, /checksum mismatch/)
  assert.equal(readFileSync(join(rig.paths.gcodes, 'a.gcode'), 'utf8'), 'old')
  assert.deepEqual(filesOf(rig), ['gcodes/a.gcode'])
})

test('damaged forms are refused, and nothing is left of them', async () => {
  await using rig = await startRig({ printer: 'none' })
  const whole = fileForm('a.gcode', GCODE, { root: 'gcodes' })
  const file = (header: string) => multipart({ name: '', value: GCODE, header })
  const disposition = 'Content-Disposition: form-data; name="file"'
  const cases: [string, Buffer, string?][] = [
    ['no boundary', whole, 'multipart/form-data'],
    ['an empty boundary', whole, 'multipart/form-data; boundary='],
    ['another boundary', whole, 'multipart/form-data; boundary=other'],
    ['no form', Buffer.from('{}'), 'application/json'],
    ['no body', Buffer.alloc(0)],
    ['half of it', whole.subarray(0, -20)],
    ['no end of the form', whole.subarray(0, -6)],
    ['half a header', Buffer.from('--limit\r\nContent-Disposition: form-')],
    ['no file', multipart({ name: 'root', value: 'gcodes' })],
    ['no file name', file(disposition)],
    ['an empty file name', file(`${disposition}; filename=""`)],
    ['a blank file name', file(`${disposition}; filename="  "`)],
    ['no name at all', file(`${disposition}\r\nContent-Type: application/octet-stream`)],
    ['a folder as name', fileForm('..', GCODE)],
    ['a name of dots', fileForm('.', GCODE)],
    ['a long name', fileForm('x'.repeat(256), GCODE)],
    ['a bad root', fileForm('a.gcode', GCODE, { root: 'nosuch' })],
    ['a root above', fileForm('a.gcode', GCODE, { root: '../config' })],
    ['a path above', fileForm('a.gcode', GCODE, { path: '..' })],
    ['a path that goes up and down', fileForm('a.gcode', GCODE, { path: 'x/../../config' })],
    ['a path with NUL', fileForm('a.gcode', GCODE, { path: 'a\0b' })],
  ]
  for (const [name, body, type] of cases) {
    const { status, json } = await send(rig, body, type)
    assert.equal(status, 400, name)
    assert.ok(json.error.message.length > 5, name)
  }
  assert.deepEqual(filesOf(rig), [])
})

test('whatever path a name carries, the file stays in its folder', async () => {
  await using rig = await startRig({ printer: 'none' })
  const names = [
    '../../a.gcode',
    '/etc/a.gcode',
    'C:\\\\dir\\\\a.gcode',
    '..\\\\..\\\\a.gcode',
    'x/a.gcode',
    '%2e%2e%2fa.gcode',
    '..%252fa.gcode',
  ]
  const disposition = 'Content-Disposition: form-data; name="file"'
  const headers = [
    ...names.map(name => `${disposition}; filename="${name}"`),
    `${disposition}; filename="a.gcode"; filename*=UTF-8''..%2F..%2Fa.gcode`,
    `cOnTeNt-DiSpOsItIoN: form-data; FILENAME="../a.gcode"; NAME="file"`,
  ]
  for (const header of headers) {
    const { status } = await send(rig, multipart({ name: '', value: GCODE, header }))
    assert.ok(status === 201 || status === 400, header)
  }
  for (const path of filesOf(rig)) assert.match(path, /^gcodes\/[^/]*a\.gcode$/)
})

test('a root that is read-only may not be written', async () => {
  await using rig = await startRig({
    printer: 'none',
    conf: '[file_manager]\nenable_config_write_access: False',
  })
  for (const root of ['logs', 'config']) {
    const { status, json } = await upload(rig, 'a.cfg', { root })
    assert.deepEqual([status, json.error.message], [403, `Files of root '${root}' may not be written`])
  }
  assert.deepEqual(filesOf(rig), [])
})

test('a file may be as large as allowed, and no larger', async () => {
  await using rig = await startRig({ printer: 'none', server: 'max_upload_size: 1' })
  assert.equal((await upload(rig, 'a.gcode', {}, 'x'.repeat(2 ** 20))).status, 201)
  const over = await upload(rig, 'b.gcode', {}, 'x'.repeat(2 ** 20 + 1))
  assert.equal(over.status, 413)
  assert.match(over.json.error.message, /'max_upload_size' in section \[server\]/)
  assert.equal(
    (
      await ask(rig.port, PATH, {
        verb: 'POST',
        headers: { 'Content-Type': TYPE, 'Content-Length': '99999999', Expect: '100-continue' },
      })
    ).status,
    413,
  )
  assert.deepEqual(filesOf(rig), ['gcodes/a.gcode'])
})

test('an upload that is broken off leaves nothing behind', async () => {
  await using rig = await startRig({ printer: 'none' })
  const body = fileForm('a.gcode', 'x'.repeat(200_000))
  const socket = connect(rig.port, '127.0.0.1')
  await once(socket, 'connect')
  const head = `POST ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: ${TYPE}\r\nContent-Length: ${body.length}\r\n\r\n`
  socket.write(Buffer.concat([Buffer.from(head), body.subarray(0, 100_000)]))
  let refusal = ''
  socket.on('data', text => {
    refusal += text
  })
  while (filesOf(rig).length === 0) {
    assert.equal(refusal, '')
    await new Promise(setImmediate)
  }
  socket.destroy()
  while (filesOf(rig).length > 0) await new Promise(setImmediate)
  assert.equal((await upload(rig, 'a.gcode')).status, 201)
  assert.deepEqual(filesOf(rig), ['gcodes/a.gcode'])
})

test('a folder or a link out of the root is not written', async () => {
  await using rig = await startRig({ printer: 'none' })
  mkdirSync(join(rig.paths.gcodes, 'folder.gcode'))
  assert.equal((await upload(rig, 'folder.gcode')).status, 400)
  mkdirSync(join(rig.dataPath, 'outside'))
  writeFileSync(join(rig.dataPath, 'outside', 'precious'), 'old')
  symlinkSync(join(rig.dataPath, 'outside'), join(rig.paths.gcodes, 'out'))
  symlinkSync(join(rig.dataPath, 'outside', 'precious'), join(rig.paths.gcodes, 'link.gcode'))
  symlinkSync(join(rig.paths.gcodes, 'loop'), join(rig.paths.gcodes, 'loop'))
  refused(await upload(rig, 'a.gcode', { path: 'out' }))
  refused(await upload(rig, 'link.gcode'))
  refused(await upload(rig, 'a.gcode', { path: 'loop' }))
  refused(await upload(rig, 'loop'))
  assert.equal((await upload(rig, 'a.gcode', { path: 'folder.gcode/deep' })).status, 201)
  refused(await upload(rig, 'b.gcode', { path: 'folder.gcode/deep/a.gcode' }))
  assert.deepEqual(readdirSync(join(rig.dataPath, 'outside')), ['precious'])
  assert.equal(readFileSync(join(rig.dataPath, 'outside', 'precious'), 'utf8'), 'old')
})

test('a print begins where it is asked for, and its failure fails no upload', async () => {
  await using klippy = await FakeKlippy.start()
  await using rig = await startRig({ klippySocket: klippy.path, ready: true })
  const started = await upload(rig, 'my %22part%22.gcode', { print: 'true', path: 'a b' })
  assert.deepEqual([started.status, started.json.print_started], [201, true])
  const name = started.json.item.path
  assert.match(String((await klippy.waitFor('gcode/script')).script), /^SDCARD_PRINT_FILE FILENAME="a b\/my/)
  assert.ok(existsSync(join(rig.paths.gcodes, name)))
  klippy.answer('gcode/script', () => {
    throw new Refusal('SD busy')
  })
  const busy = await upload(rig, 'b.gcode', { print: 'true' })
  assert.deepEqual([busy.status, busy.json.print_started], [201, false])
  const asked = klippy.count('gcode/script')
  for (const fields of [{ print: 'false' }, { print: '' }, { print: 'true', root: 'config' }] as Record<
    string,
    string
  >[]) {
    assert.equal((await upload(rig, 'c.cfg', fields)).status, 201)
  }
  assert.equal(klippy.count('gcode/script'), asked)
})
