// Uploads with unusual or malicious forms and targets, and the print after an upload.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { FakeKlippy, Refusal } from '../../support/fake-klippy.ts'
import type { Reply } from '../../support/raw-http.ts'
import { startRig } from '../../support/rig.ts'
import { NO_LINKS } from './file-client.ts'
import { BOUNDARY, formBody, postForm, upload } from './form.ts'
import { listFiles } from './list-files.ts'

const GCODE = 'G28\nG1 X10\n'

function refused({ status }: Reply): void {
  assert.ok([400, 403, 404].includes(status), String(status))
}

test('the bytes of a file do not change', async () => {
  await using rig = await startRig({ printer: 'none' })
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7919) % 256))
  assert.equal((await upload(rig.port, 'a.bin', bytes, { root: 'config' })).status, 201)
  assert.deepEqual(readFileSync(join(rig.paths.config, 'a.bin')), bytes)
  const tricky = Buffer.from(`\r\n--${BOUNDARY.slice(0, -1)}\r\n--for\r\n\r\n-${BOUNDARY}--\r\n\0\r\n`)
  assert.equal((await upload(rig.port, 'b.bin', tricky, { root: 'config' })).status, 201)
  assert.deepEqual(readFileSync(join(rig.paths.config, 'b.bin')), tricky)
})

test('folders in `path` are made, in any spelling', async () => {
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
    const { status, json } = await upload(rig.port, 'a.gcode', GCODE, { path })
    assert.deepEqual([status, json.item.path], [201, expected], path)
    assert.ok(existsSync(join(rig.paths.gcodes, expected)))
  }
})

test('a wrong checksum changes nothing', async () => {
  await using rig = await startRig({ printer: 'none' })
  const right = createHash('sha256').update(GCODE).digest('hex')
  assert.equal((await upload(rig.port, 'a.gcode', GCODE, { checksum: right.toUpperCase() })).status, 201)
  assert.equal((await upload(rig.port, 'a.gcode', GCODE, { checksum: '' })).status, 201)
  writeFileSync(join(rig.paths.gcodes, 'a.gcode'), 'old')
  const wrong = await upload(rig.port, 'a.gcode', GCODE, { checksum: right.replace(/./, 'x') })
  assert.equal(wrong.status, 422)
  assert.match(wrong.json.error.message, /checksum mismatch/)
  assert.equal(readFileSync(join(rig.paths.gcodes, 'a.gcode'), 'utf8'), 'old')
  assert.deepEqual(listFiles(rig.paths.gcodes), ['a.gcode'])
})

test('damaged forms are rejected and leave nothing', async () => {
  await using rig = await startRig({ printer: 'none' })
  const before = listFiles(rig.dataPath)
  const file = { filename: 'a.gcode', body: GCODE }
  const withField = (name: string, body: string) => formBody([{ name, body }, file])
  const cases: [string, Buffer, string?][] = [
    ['no boundary', formBody([file]), 'multipart/form-data'],
    ['an empty boundary', formBody([file]), 'multipart/form-data; boundary='],
    ['another boundary', formBody([file]), 'multipart/form-data; boundary=other'],
    ['no form', Buffer.from('{}'), 'application/json'],
    ['no body', Buffer.alloc(0)],
    ['half a header', Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-`)],
    [
      'no file name, but a type',
      formBody([{ headers: ['Content-Type: application/octet-stream'], body: GCODE }]),
    ],
    ['a root above', withField('root', '../config')],
    ['a path that goes up and down', withField('path', 'x/../../config')],
    ['a path with NUL', withField('path', 'a\0b')],
  ]
  for (const [name, body, type] of cases) {
    const { status, json } = await postForm(rig.port, body, type)
    assert.equal(status, 400, name)
    assert.ok(json.error.message.length > 5, name)
  }
  assert.deepEqual(listFiles(rig.dataPath), before)
})

test('a read-only root cannot be written', async () => {
  await using rig = await startRig({
    printer: 'none',
    conf: '[file_manager]\nenable_config_write_access: False',
  })
  const before = listFiles(rig.dataPath)
  for (const root of ['logs', 'config']) {
    const { status, json } = await upload(rig.port, 'a.cfg', GCODE, { root })
    assert.deepEqual([status, json.error.message], [403, `Files of root '${root}' may not be written`])
  }
  assert.deepEqual(listFiles(rig.dataPath), before)
})

test('with follow_links False nothing outside of the root is written', async () => {
  await using rig = await startRig({ printer: 'none', conf: NO_LINKS })
  mkdirSync(join(rig.paths.gcodes, 'folder.gcode'))
  assert.equal((await upload(rig.port, 'folder.gcode', GCODE)).status, 400)
  mkdirSync(join(rig.dataPath, 'outside'))
  writeFileSync(join(rig.dataPath, 'outside', 'precious'), 'old')
  symlinkSync(join(rig.dataPath, 'outside'), join(rig.paths.gcodes, 'out'))
  symlinkSync(join(rig.dataPath, 'outside', 'precious'), join(rig.paths.gcodes, 'link.gcode'))
  symlinkSync(join(rig.paths.gcodes, 'loop'), join(rig.paths.gcodes, 'loop'))
  refused(await upload(rig.port, 'a.gcode', GCODE, { path: 'out' }))
  refused(await upload(rig.port, 'link.gcode', GCODE))
  refused(await upload(rig.port, 'a.gcode', GCODE, { path: 'loop' }))
  refused(await upload(rig.port, 'loop', GCODE))
  assert.equal((await upload(rig.port, 'a.gcode', GCODE, { path: 'folder.gcode/deep' })).status, 201)
  refused(await upload(rig.port, 'b.gcode', GCODE, { path: 'folder.gcode/deep/a.gcode' }))
  assert.deepEqual(readdirSync(join(rig.dataPath, 'outside')), ['precious'])
  assert.equal(readFileSync(join(rig.dataPath, 'outside', 'precious'), 'utf8'), 'old')
})

test('an upload starts a print if requested, and succeeds if the print fails', async () => {
  await using klippy = await FakeKlippy.start()
  await using rig = await startRig({ klippySocket: klippy.path, ready: true })
  const started = await upload(rig.port, 'my %22part%22.gcode', GCODE, { print: 'true', path: 'a b' })
  assert.deepEqual([started.status, started.json.print_started], [201, true])
  const name = started.json.item.path
  assert.match(String((await klippy.waitFor('gcode/script')).script), /^SDCARD_PRINT_FILE FILENAME="a b\/my/)
  assert.ok(existsSync(join(rig.paths.gcodes, name)))
  klippy.answer('gcode/script', () => {
    throw new Refusal('SD busy')
  })
  const busy = await upload(rig.port, 'b.gcode', GCODE, { print: 'true' })
  assert.deepEqual([busy.status, busy.json.print_started], [201, false])
  const scripts = klippy.count('gcode/script')
  for (const fields of [{ print: 'false' }, { print: '' }, { print: 'true', root: 'config' }] as Record<
    string,
    string
  >[]) {
    assert.equal((await upload(rig.port, 'c.cfg', GCODE, fields)).status, 201)
  }
  assert.equal(klippy.count('gcode/script'), scripts)
})
