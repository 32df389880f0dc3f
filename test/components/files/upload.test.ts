import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { sendRequest } from '../../support/raw-http.ts'
import { startRig } from '../../support/rig.ts'
import { WebClient } from '../../support/web-client.ts'
import { NO_LINKS } from './file-client.ts'
import { BOUNDARY, formBody, type Part, postForm, upload } from './form.ts'
import { listFiles } from './list-files.ts'

const GCODE = 'G28\nG1 X10 Y10\n'
const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex')

test('the reply has the fields that clients read, and the notification follows', async () => {
  await using rig = await startRig({ printer: 'none' })
  using client = await WebClient.open(rig.url)
  const reply = await upload(rig.port, 'cube.gcode', GCODE, { root: 'gcodes', path: '', print: 'false' })
  assert.equal(reply.status, 201)
  const { modified } = reply.json.item
  const result = {
    item: { path: 'cube.gcode', root: 'gcodes', modified, size: GCODE.length, permissions: 'rw' },
    print_started: false,
    print_queued: false,
    action: 'create_file',
  }
  assert.deepEqual(reply.json, { ...result, result })
  assert.equal(modified, statSync(join(rig.paths.gcodes, 'cube.gcode')).mtimeMs / 1000)
  assert.equal(reply.headers.location, '/server/files/gcodes/cube.gcode')
  assert.match(reply.headers['content-type'] ?? '', /^application\/json/)
  const { params } = await client.notified('notify_filelist_changed')
  assert.deepEqual(params, [{ action: 'create_file', item: result.item }])
})

test('other roots have no print fields; a replaced file is modify_file there, create_file in gcodes', async () => {
  await using rig = await startRig({ printer: 'none' })
  const first = await upload(rig.port, 'a.cfg', '[x]\n', { root: 'config' })
  assert.deepEqual(Object.keys(first.json).sort(), ['action', 'item', 'result'])
  assert.equal(first.json.action, 'create_file')
  assert.equal((await upload(rig.port, 'a.cfg', '[yy]\n', { root: 'config' })).json.action, 'modify_file')
  assert.equal(readFileSync(join(rig.paths.config, 'a.cfg'), 'utf8'), '[yy]\n')
  await upload(rig.port, 'a.gcode', GCODE)
  assert.equal((await upload(rig.port, 'a.gcode', 'G1\n')).json.action, 'create_file')
  assert.equal(readFileSync(join(rig.paths.gcodes, 'a.gcode'), 'utf8'), 'G1\n')
})

test('fields may follow the file, and unknown fields are ignored', async () => {
  await using rig = await startRig({ printer: 'none' })
  const late = formBody([
    { filename: 'late.cfg', body: 'text' },
    { name: 'plateindex', body: '1' },
    { name: 'ROOT', body: 'nonsense' },
    { name: 'attachment', filename: 'x.bin', body: 'ignored' },
    { name: 'checksum', body: sha256('text').toUpperCase() },
    { name: 'path', body: 'made/for/it' },
    { name: 'root', body: 'Config' },
  ])
  const reply = await postForm(rig.port, late)
  assert.equal(reply.status, 201, reply.body)
  assert.deepEqual([reply.json.item.root, reply.json.item.path], ['config', 'made/for/it/late.cfg'])
  assert.deepEqual(listFiles(rig.paths.gcodes), [])
})

test('folders of `path` are made and notified; Cura sends // for none', async () => {
  await using rig = await startRig({ printer: 'none' })
  using client = await WebClient.open(rig.url)
  const cura = await upload(rig.port, 'cura.gcode', GCODE, { root: 'gcodes', path: '//', print: 'false' })
  assert.equal(cura.json.item.path, 'cura.gcode')
  const deep = await upload(rig.port, 'b c.gcode', GCODE, { path: '/one/./two//' })
  assert.equal(deep.json.item.path, 'one/two/b c.gcode')
  assert.equal(deep.headers.location, '/server/files/gcodes/one/two/b%20c.gcode')
  await client.notified('notify_filelist_changed', 3)
  const notified = client.frames.filter(({ method }) => method === 'notify_filelist_changed')
  assert.deepEqual(
    notified.map(({ params: [{ action, item }] }) => [action, item.path]),
    [
      ['create_file', 'cura.gcode'],
      ['create_dir', 'one'],
      ['create_file', 'one/two/b c.gcode'],
    ],
  )
  const within = await upload(rig.port, 'one/two/named.gcode', GCODE)
  assert.equal(within.json.item.path, 'one/two/named.gcode')
  const without = await upload(rig.port, 'none/named.gcode', GCODE)
  assert.equal(without.status, 400)
  assert.match(without.json.error.message, /folder of the upload does not exist: none/)
})

test('names with any valid character', async () => {
  await using rig = await startRig({ printer: 'none' })
  const names = [
    'a b.gcode',
    'ü🚀.gcode',
    '%41.gcode',
    '#?&;+.gcode',
    "it's.gcode",
    '.hidden.gcode',
    'a\\b.gcode',
    `${'x'.repeat(249)}.gcode`,
  ]
  for (const name of names) {
    const reply = await upload(rig.port, name, name)
    assert.equal(reply.status, 201, `${name}: ${reply.body}`)
    assert.equal(reply.json.item.path, name)
    const back = await sendRequest(rig.port, reply.headers.location ?? '')
    assert.equal(back.body, name)
  }
  const quoted = await upload(rig.port, 'a%22b%0D%0Ac.gcode', 'x')
  assert.equal(quoted.json.item.path, 'a"b\r\nc.gcode')
  assert.equal((await sendRequest(rig.port, quoted.headers.location ?? '')).body, 'x')
})

test('text fields may have a file name, as httpx and requests send them', async () => {
  await using rig = await startRig({ printer: 'none' })
  const fields = { root: 'config', path: 'made', checksum: sha256('text'), print: 'false' }
  const texts = Object.entries(fields).map(([name, body]) => ({ name, filename: name, body }))
  const reply = await postForm(rig.port, formBody([...texts, { filename: 'a.cfg', body: 'text' }]))
  assert.equal(reply.status, 201, reply.body)
  assert.deepEqual([reply.json.item.root, reply.json.item.path], ['config', 'made/a.cfg'])
})

test('a form may have a preamble', async () => {
  await using rig = await startRig({ printer: 'none' })
  for (const preamble of ['\r\n', 'This is a multi-part message.\r\n\r\n', `x--${BOUNDARY}\r\n`]) {
    const body = Buffer.concat([Buffer.from(preamble), formBody([{ filename: 'a.gcode', body: preamble }])])
    const reply = await postForm(rig.port, body)
    assert.equal(reply.status, 201, reply.body)
    assert.equal(readFileSync(join(rig.paths.gcodes, 'a.gcode'), 'utf8'), preamble)
  }
})

test('blanks around a name are removed', async () => {
  await using rig = await startRig({ printer: 'none' })
  const reply = await upload(rig.port, ' a b.gcode ', GCODE)
  assert.equal(reply.json.item.path, 'a b.gcode')
  assert.deepEqual(listFiles(rig.paths.gcodes), ['a b.gcode'])
})

test('an empty file is stored', async () => {
  await using rig = await startRig({ printer: 'none' })
  const reply = await upload(rig.port, 'empty.gcode', '', { checksum: sha256('') })
  assert.equal(reply.status, 201)
  assert.equal(reply.json.item.size, 0)
})

test('invalid forms and targets return the right status and leave nothing', async () => {
  await using rig = await startRig({ printer: 'none' })
  mkdirSync(join(rig.paths.gcodes, 'folder.gcode'))
  const file = (filename: string): Part => ({ filename, body: GCODE })
  const cases: [string, Part[], number, RegExp][] = [
    ['wrong checksum', [{ name: 'checksum', body: 'deadbeef' }, file('a.gcode')], 422, /checksum mismatch/],
    [
      'late wrong checksum',
      [file('a.gcode'), { name: 'checksum', body: sha256('x') }],
      422,
      /checksum mismatch/,
    ],
    ['empty name', [file('')], 400, /no file name/],
    ['no name', [{ name: 'file', body: GCODE }], 400, /no file name/],
    ['blank name', [file('  ')], 400, /no file name/],
    ['a folder as name', [file('folder/')], 400, /no file name/],
    ['no file', [{ name: 'root', body: 'gcodes' }], 400, /no file/],
    ['only others', [{ name: 'upload', filename: 'a.gcode', body: GCODE }], 400, /no file/],
    [
      'no such root',
      [{ name: 'root', body: 'nosuch' }, file('a.gcode')],
      400,
      /Invalid root path \(nosuch\)/,
    ],
    ['late no such root', [file('a.gcode'), { name: 'root', body: 'nosuch' }], 400, /Invalid root path/],
    ['read-only root', [{ name: 'root', body: 'logs' }, file('a.log')], 403, /may not be written/],
    ['late read-only root', [file('a.log'), { name: 'root', body: 'logs' }], 403, /may not be written/],
    ['two files', [file('a.gcode'), file('b.gcode')], 400, /two files/],
    [
      'two roots',
      [{ name: 'root', body: 'gcodes' }, { name: 'root', body: 'config' }, file('a')],
      400,
      /two fields 'root'/,
    ],
    ['a long field', [{ name: 'path', body: 'x'.repeat(9000) }, file('a')], 400, /too long/],
    [
      'a large other field',
      [{ name: 'more', body: 'x'.repeat(300_000) }, file('a')],
      413,
      /in addition to its file/,
    ],
    ['a folder there', [file('folder.gcode')], 400, /folder has the name/],
    [
      'a file as folder',
      [{ name: 'path', body: 'moonraker.conf/x' }, { name: 'root', body: 'config' }, file('a')],
      404,
      /does not exist/,
    ],
    ['a long name', [file(`${'x'.repeat(256)}`)], 400, /./],
    [
      'filename*',
      [{ disposition: `form-data; name="file"; filename="a"; filename*=utf-8''b` }],
      400,
      /two different/,
    ],
  ]
  const before = listFiles(rig.dataPath)
  for (const [what, parts, status, message] of cases) {
    const reply = await postForm(rig.port, formBody(parts))
    assert.equal(reply.status, status, `${what}: ${reply.body}`)
    assert.match(reply.json.error.message, message, what)
    assert.deepEqual(listFiles(rig.dataPath), before, what)
  }
})

test('names that lead out of the root are rejected and change nothing outside', async () => {
  await using rig = await startRig({ printer: 'none', conf: NO_LINKS })
  const outside = join(rig.dataPath, 'outside')
  mkdirSync(outside)
  symlinkSync(outside, join(rig.paths.gcodes, 'link'))
  symlinkSync(join(outside, 'new.gcode'), join(rig.paths.gcodes, 'dangling.gcode'))
  const before = listFiles(rig.dataPath)
  const names = [
    '../evil.gcode',
    '../../evil.gcode',
    'a/../../evil.gcode',
    '..',
    '.',
    'a\0b.gcode',
    '/etc/evil.gcode',
    'link/evil.gcode',
    'dangling.gcode',
    '..\\evil.gcode',
    '..%2fevil.gcode',
    '..%252fevil.gcode',
    '．．/evil.gcode',
    '.uploads/evil.gcode',
  ]
  for (const name of names) {
    const reply = await upload(rig.port, name, 'x')
    assert.ok([400, 403, 404].includes(reply.status), `${name}: ${reply.status} ${reply.body}`)
    assert.deepEqual(listFiles(rig.dataPath), before, name)
  }
  for (const path of ['..', '../config', 'a/../..', 'link', '..\\..', '%2e%2e', '.uploads', 'link/../..']) {
    const reply = await upload(rig.port, 'evil.gcode', 'x', { path })
    assert.ok([400, 403, 404].includes(reply.status), `${path}: ${reply.status} ${reply.body}`)
    assert.deepEqual(listFiles(rig.dataPath), before, path)
  }
})

test('a body damaged at any byte is rejected, or the file is exactly what was sent', async () => {
  await using rig = await startRig({ printer: 'none' })
  const content = `G1\r\n--${BOUNDARY.slice(0, 8)}\r\nG2`
  const whole = formBody([
    { name: 'root', body: 'gcodes' },
    { filename: 'a.gcode', body: content },
  ])
  const start = whole.indexOf(content)
  for (let at = 0; at < whole.length - 2; at += 1) {
    const body = Buffer.from(whole)
    body[at] = (body[at] as number) ^ 0x55
    const reply = await postForm(rig.port, body)
    const inFile = at >= start && at < start + content.length
    const found = listFiles(rig.paths.gcodes)
    assert.deepEqual(
      found.length,
      reply.status === 201 ? 1 : 0,
      `byte ${at}: ${reply.status}, ${found.join()}`,
    )
    if (reply.status === 201) {
      const sent = inFile ? body.subarray(start, start + content.length) : Buffer.from(content)
      assert.deepEqual(readFileSync(join(rig.paths.gcodes, reply.json.item.path)), sent, `byte ${at}`)
      rmSync(join(rig.paths.gcodes, reply.json.item.path))
    } else assert.ok([400, 413, 422].includes(reply.status), `byte ${at}: ${reply.status}`)
  }
})

test('a truncated body is rejected', async () => {
  await using rig = await startRig({ printer: 'none' })
  const body = formBody([
    { name: 'root', body: 'gcodes' },
    { filename: 'a.gcode', body: GCODE },
  ])
  for (let length = 0; length < body.length - 2; length += 7) {
    const reply = await postForm(rig.port, body.subarray(0, length))
    assert.equal(reply.status, 400, `the first ${length} bytes`)
    assert.deepEqual(listFiles(rig.paths.gcodes), [])
  }
})
