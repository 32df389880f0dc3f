import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fromBuffer } from 'yauzl'
import { postJson } from '../../support/raw-http.ts'
import { type Rig, startRig } from '../../support/rig.ts'
import { WebClient } from '../../support/web-client.ts'
import { NO_LINKS } from './file-client.ts'
import { listFiles } from './list-files.ts'

/** The members of an archive: their names, and whether they are compressed. */
function membersOf(path: string): Promise<Record<string, { method: number; text: string }>> {
  return new Promise((resolve, reject) => {
    fromBuffer(readFileSync(path), { lazyEntries: true }, (error, zip) => {
      if (error !== null) return reject(error)
      const members: Record<string, { method: number; text: string }> = {}
      zip.on('error', reject)
      zip.on('end', () => resolve(members))
      zip.on('entry', entry => {
        zip.openReadStream(entry, async (failure, stream) => {
          if (failure !== null) return reject(failure)
          const chunks: Buffer[] = []
          for await (const chunk of stream) chunks.push(chunk as Buffer)
          members[entry.fileName] = {
            method: entry.compressionMethod,
            text: Buffer.concat(chunks).toString(),
          }
          zip.readEntry()
        })
      })
      zip.readEntry()
    })
  })
}

const namesOf = async (path: string) => Object.keys(await membersOf(path)).sort()

function fill(rig: Rig): void {
  mkdirSync(join(rig.paths.gcodes, 'sub', 'deeper'), { recursive: true })
  writeFileSync(join(rig.paths.gcodes, 'a.gcode'), 'G28\n'.repeat(1000))
  writeFileSync(join(rig.paths.gcodes, 'sub', 'b ü.gcode'), 'G1\n')
  writeFileSync(join(rig.paths.gcodes, 'sub', 'deeper', 'c.gcode'), 'G2\n')
  writeFileSync(join(rig.paths.config, 'printer.cfg'), '[printer]\n')
}

test('files and folders of several roots are archived, folders without their subfolders', async () => {
  await using rig = await startRig({ printer: 'none' })
  using client = await WebClient.open(rig.url)
  fill(rig)
  const items = ['config/printer.cfg', 'gcodes/sub', 'gcodes/a.gcode', 'gcodes/a.gcode', 'logs']
  const { result } = await client.call('server.files.zip', { dest: 'config/out.zip', items })
  const path = join(rig.paths.config, 'out.zip')
  const { size, modified, ...rest } = result.destination
  assert.equal(modified, statSync(path).mtimeMs / 1000)
  assert.deepEqual(rest, { root: 'config', path: 'out.zip', permissions: 'rw' })
  assert.equal(result.action, 'zip_files')
  assert.equal(size, readFileSync(path).length)
  const members = await membersOf(path)
  assert.deepEqual(Object.keys(members).sort(), [
    'config/printer.cfg',
    'gcodes/a.gcode',
    'gcodes/sub/b ü.gcode',
    'logs/moonraker.log',
  ])
  assert.deepEqual(members['gcodes/a.gcode'], { method: 8, text: 'G28\n'.repeat(1000) })
  const notified = await client.find(
    ({ method, params }) => method === 'notify_filelist_changed' && params[0].item.path === 'out.zip',
  )
  assert.deepEqual(notified.params, [{ action: 'create_file', item: result.destination }])
  assert.ok(client.frames.findIndex(({ id }) => id === 1) < client.frames.indexOf(notified))
})

test('the items may be one text, with commas between them', async () => {
  await using rig = await startRig({ printer: 'none' })
  fill(rig)
  const reply = await postJson(rig.port, '/server/files/zip?items=gcodes/a.gcode,config/moonraker.conf', {
    dest: 'config/out.zip',
  })
  assert.equal(reply.status, 200)
  assert.deepEqual(await namesOf(join(rig.paths.config, 'out.zip')), [
    'config/moonraker.conf',
    'gcodes/a.gcode',
  ])
})

test('store_only stores without compression, and the default name has the local time', async () => {
  await using rig = await startRig({ printer: 'none' })
  fill(rig)
  const reply = await postJson(rig.port, '/server/files/zip', { items: ['gcodes/a.gcode'], store_only: true })
  assert.equal(reply.status, 200)
  const { path, root } = reply.json.result.destination
  assert.equal(root, 'config')
  const [, ...digits] = /^collection-(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)\.zip$/.exec(path) ?? []
  const [year, month, day, hour, minute, second] = digits.map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const named = new Date(year, month - 1, day, hour, minute, second).getTime()
  assert.ok(Math.abs(named - reply.json.result.destination.modified * 1000) < 60_000, path)
  const members = await membersOf(join(rig.paths.config, path))
  assert.equal(members['gcodes/a.gcode']?.method, 0)
})

test('two archives of the same second have different names', async () => {
  await using rig = await startRig({ printer: 'none' })
  fill(rig)
  const replies = await Promise.all(
    [1, 2, 3].map(() => postJson(rig.port, '/server/files/zip', { items: ['gcodes/a.gcode'] })),
  )
  const paths = replies.map(({ json }) => json.result.destination.path as string)
  assert.equal(new Set(paths).size, 3, paths.join())
  const made = new Set(readdirSync(rig.paths.config).filter(name => name.endsWith('.zip')))
  assert.deepEqual(made, new Set(paths))
})

test('items may be percent-encoded, as Mainsail sends them', async () => {
  await using rig = await startRig({ printer: 'none' })
  fill(rig)
  writeFileSync(join(rig.paths.gcodes, '100%41.gcode'), '')
  writeFileSync(join(rig.paths.gcodes, '100A.gcode'), '')
  const items = ['gcodes/sub/b%20%C3%BC.gcode', 'gcodes%2Fa.gcode', 'gcodes/100%41.gcode']
  const { status, body } = await postJson(rig.port, '/server/files/zip', { dest: 'config/out.zip', items })
  assert.equal(status, 200, body)
  assert.deepEqual(await namesOf(join(rig.paths.config, 'out.zip')), [
    'gcodes/100%41.gcode',
    'gcodes/a.gcode',
    'gcodes/sub/b ü.gcode',
  ])
})

test('an archive replaces another one completely and does not contain itself', async () => {
  await using rig = await startRig({ printer: 'none' })
  fill(rig)
  const request = { dest: 'gcodes/sub/all.zip', items: ['gcodes/sub'] }
  for (const _ of [1, 2]) assert.equal((await postJson(rig.port, '/server/files/zip', request)).status, 200)
  assert.deepEqual(await namesOf(join(rig.paths.gcodes, 'sub', 'all.zip')), ['gcodes/sub/b ü.gcode'])
})

test('wrong items and destinations are rejected and leave nothing', async () => {
  await using rig = await startRig({ printer: 'none', conf: NO_LINKS })
  fill(rig)
  const outside = join(rig.dataPath, 'outside')
  mkdirSync(outside)
  writeFileSync(join(outside, 'secret'), 'x')
  symlinkSync(join(outside, 'secret'), join(rig.paths.gcodes, 'link'))
  const before = listFiles(rig.dataPath)
  const fine = ['gcodes/a.gcode']
  const cases: [object, number, RegExp][] = [
    [{}, 400, /No data for argument: items/],
    [{ items: [] }, 400, /at least one item/],
    [{ items: ['gcodes/none.gcode'] }, 400, /^No file\/directory exits at 'gcodes\/none.gcode'$/],
    [{ items: ['gcodes/%2e%2e/%2e%2e/etc/passwd'] }, 400, /./],
    [{ items: ['gcodes/100%.gcode'] }, 400, /exits at 'gcodes\/100%.gcode'/],
    [{ items: ['zzz/a'] }, 400, /Invalid root path \(zzz\)/],
    [{ items: ['gcodes/../database/moonraker-sql.db'] }, 400, /Invalid root path \(database\)/],
    [{ items: ['gcodes/../../etc/passwd'] }, 400, /./],
    [{ items: ['gcodes/link'] }, 404, /does not exist/],
    [{ items: fine, dest: 'logs/a.zip' }, 403, /may not be written/],
    [{ items: fine, dest: 'zzz/a.zip' }, 400, /Invalid root path/],
    [{ items: fine, dest: 'config' }, 400, /needs a name/],
    [{ items: fine, dest: 'config/a/' }, 400, /needs a name/],
    [{ items: fine, dest: 'config/none/a.zip' }, 400, /folder of the archive does not exist/],
    [{ items: fine, dest: 'gcodes/sub' }, 400, /folder has the name/],
    [{ items: fine, dest: 'gcodes/../../a.zip' }, 400, /./],
    [{ items: fine, dest: 'gcodes/link' }, 404, /does not exist/],
    [{ items: fine, dest: '' }, 400, /./],
  ]
  for (const [request, status, message] of cases) {
    const reply = await postJson(rig.port, '/server/files/zip', request)
    assert.equal(reply.status, status, `${JSON.stringify(request)}: ${reply.body}`)
    assert.match(reply.json.error.message, message)
  }
  assert.deepEqual(listFiles(rig.dataPath), before)
})

test('an archive of a folder skips links out of the root, loops and special files', async () => {
  await using rig = await startRig({ printer: 'none', conf: NO_LINKS })
  fill(rig)
  const { gcodes } = rig.paths
  symlinkSync('/etc/passwd', join(gcodes, 'passwd'))
  symlinkSync('loop', join(gcodes, 'loop'))
  symlinkSync('a.gcode', join(gcodes, 'inside.gcode'))
  execFileSync('mkfifo', [join(gcodes, 'pipe')])
  const reply = await postJson(rig.port, '/server/files/zip', { items: ['gcodes'], dest: 'config/a.zip' })
  assert.equal(reply.status, 200, reply.body)
  assert.deepEqual(await namesOf(join(rig.paths.config, 'a.zip')), ['gcodes/a.gcode', 'gcodes/inside.gcode'])
  const single = await postJson(rig.port, '/server/files/zip', { items: ['gcodes/pipe'] })
  assert.equal(single.status, 400)
})

test('odd dates, empty files and more files than an archive may hold', async () => {
  await using rig = await startRig({ printer: 'none' })
  const { gcodes, config } = rig.paths
  writeFileSync(join(gcodes, 'old'), 'x')
  utimesSync(join(gcodes, 'old'), new Date(0), new Date(0))
  writeFileSync(join(gcodes, 'empty'), '')
  const few = await postJson(rig.port, '/server/files/zip', { items: ['gcodes'], dest: 'config/a.zip' })
  assert.equal(few.status, 200, few.body)
  assert.deepEqual(await namesOf(join(config, 'a.zip')), ['gcodes/empty', 'gcodes/old'])
  const folder = join(rig.dataPath, 'many')
  mkdirSync(folder)
  for (let count = 0; count < 10_000; count += 1) writeFileSync(join(folder, `${count}`), '')
  renameSync(folder, join(gcodes, 'many'))
  // Files that are found twice count twice: looking at them takes time.
  const items = ['gcodes/many', 'gcodes/many/1']
  const many = await postJson(rig.port, '/server/files/zip', { items, dest: 'config/b.zip' })
  assert.equal(many.status, 400)
  assert.match(many.json.error.message, /at most 10000 files/)
})

test('a disk that is too full is detected before the first byte', async () => {
  await using rig = await startRig({ printer: 'none' })
  writeFileSync(join(rig.paths.gcodes, 'huge'), '')
  truncateSync(join(rig.paths.gcodes, 'huge'), 2 ** 43)
  const reply = await postJson(rig.port, '/server/files/zip', { items: ['gcodes/huge'] })
  assert.equal(reply.status, 507)
  assert.deepEqual(
    readdirSync(rig.paths.config).filter(name => name.endsWith('.zip') || name === '.uploads'),
    [],
  )
})
