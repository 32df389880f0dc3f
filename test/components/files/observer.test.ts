// Notifications of changes by other programs, and listings that show these changes.
import assert from 'node:assert/strict'
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { FileChange } from '../../../src/api/files.ts'
import { PathLock } from '../../../src/components/files/roots/path-lock.ts'
import { RemoteDisks } from '../../../src/components/files/roots/remote-disks.ts'
import { type Root, Roots } from '../../../src/components/files/roots/roots.ts'
import { Observer } from '../../../src/components/files/tree/observer.ts'
import { type Clock, systemClock } from '../../../src/core/clock.ts'
import { Log } from '../../../src/core/log.ts'
import { Warnings } from '../../../src/core/warnings.ts'
import { describeChange, NO_LINKS, openFileClient } from './file-client.ts'

const LONG_AGO = new Date('2020-01-01')

/** Applies a change to the paths of gcodes that a client knows. */
function applyTo(known: Set<string>, { action, item, source_item: source }: FileChange): void {
  if (item.root !== 'gcodes') return
  for (const path of action.startsWith('delete') ? [item.path] : [source?.path ?? []].flat()) {
    for (const other of known) if (`${other}/`.startsWith(`${path}/`)) known.delete(other)
  }
  if (!action.startsWith('delete')) known.add(item.path)
}

test('clients are notified of changes by other programs', async t => {
  await using fileClient = await openFileClient()
  const { at } = fileClient
  const step = (name: string, act: () => void, expected: string[]) =>
    t.test(name, async () => {
      act()
      assert.deepEqual(await fileClient.changes(), expected)
    })

  await step('a new file', () => writeFileSync(at('a.gcode'), 'G28'), ['create_file gcodes/a.gcode'])
  await step('a changed file', () => appendFileSync(at('a.gcode'), '\nG1'), ['modify_file gcodes/a.gcode'])
  await step('a renamed file', () => renameSync(at('a.gcode'), at('b.gcode')), [
    'move_file gcodes/a.gcode -> gcodes/b.gcode',
  ])
  await step('a folder with all that is in it', () => {
    mkdirSync(at('one', 'two'), { recursive: true })
    writeFileSync(at('one', 'two', 'c.gcode'), 'G28')
  }, ['create_dir gcodes/one'])
  await step('a file that moves into a folder', () => renameSync(at('b.gcode'), at('one', 'b.gcode')), [
    'move_file gcodes/b.gcode -> gcodes/one/b.gcode',
  ])
  await step('a renamed folder', () => renameSync(at('one'), at('uno')), [
    'move_dir gcodes/one -> gcodes/uno',
  ])
  await step('a file in a folder that was renamed', () => writeFileSync(at('uno', 'two', 'd.gcode'), ''), [
    'create_file gcodes/uno/two/d.gcode',
  ])
  await step('a file that moves out of a folder that is deleted then', () => {
    renameSync(at('uno', 'b.gcode'), at('b.gcode'))
    rmSync(at('uno'), { recursive: true })
  }, ['move_file gcodes/uno/b.gcode -> gcodes/b.gcode', 'delete_dir gcodes/uno'])
  await step('a file that moves into a folder that is made for it', () => {
    mkdirSync(at('new'))
    renameSync(at('b.gcode'), at('new', 'b.gcode'))
  }, ['create_dir gcodes/new', 'move_file gcodes/b.gcode -> gcodes/new/b.gcode'])
  await step(
    'a move to another root',
    () => renameSync(at('new'), join(fileClient.rig.paths.config, 'new')),
    ['move_dir gcodes/new -> config/new'],
  )
  await step('a file that is added and removed at once', () => {
    writeFileSync(at('short.gcode'), '')
    rmSync(at('short.gcode'))
  }, [])
  await step('a file replaced by another one is modified', () => {
    writeFileSync(at('e.gcode'), 'one')
    writeFileSync(at('.e.new'), 'other')
    renameSync(at('.e.new'), at('e.gcode'))
  }, ['create_file gcodes/e.gcode'])
  await step('a folder in the place of a file', () => {
    rmSync(at('e.gcode'))
    mkdirSync(at('e.gcode'))
  }, ['delete_file gcodes/e.gcode', 'create_dir gcodes/e.gcode'])
  await step('logs are not watched', () => writeFileSync(join(fileClient.rig.paths.logs, 'x.log'), ''), [])
  await step('a file that keeps its old time', () => {
    writeFileSync(at('old.gcode'), '')
    utimesSync(at('old.gcode'), LONG_AGO, LONG_AGO)
  }, ['create_file gcodes/old.gcode'])
})

/** A disk that reads the facts of one path slowly. */
class SlowDisk extends RemoteDisks {
  readonly reached = Promise.withResolvers<void>()
  readonly mayRead = Promise.withResolvers<void>()
  path = ''

  override async run<T>(paths: readonly string[], call: () => Promise<T>): Promise<T> {
    if (paths.includes(this.path)) {
      this.reached.resolve()
      await this.mayRead.promise
    }
    return super.run(paths, call)
  }
}

test('a move is one notification also while a request reads its target', async t => {
  const path = mkdtempSync(join(tmpdir(), 'observer-'))
  t.after(() => rmSync(path, { recursive: true }))
  const at = (...parts: string[]) => join(path, ...parts)
  mkdirSync(at('one'))
  writeFileSync(at('a.gcode'), '')
  utimesSync(at('a.gcode'), LONG_AGO, LONG_AGO)
  const scheduled = Promise.withResolvers<() => void>()
  const clock: Clock = {
    ...systemClock,
    after: (_seconds, task) => {
      scheduled.resolve(task)
      return { stop: () => {} }
    },
  }
  const disks = new SlowDisk(clock)
  const roots = new Roots({ clock, disks })
  const root: Root = { name: 'gcodes', path, real: path, writable: true, observed: true }
  roots.add(root)
  roots.update(root)
  const notified = Promise.withResolvers<FileChange>()
  const log = new Log({ clock, file: null, structured: false, level: 'error', console: null })
  const observer = new Observer({
    roots,
    lock: new PathLock(),
    clock,
    log,
    warnings: new Warnings(),
    notify: notified.resolve,
    enabled: true,
    warnsOfLimit: true,
    rootLost: () => {},
  })
  await observer.open(root)
  renameSync(at('a.gcode'), at('one', 'a.gcode'))
  const notify = await scheduled.promise
  disks.path = at('one', 'a.gcode')
  const listing = observer.index.folders(root, () => true)
  await disks.reached.promise
  notify()
  setImmediate(disks.mayRead.resolve)
  assert.equal(describeChange(await notified.promise), 'move_file gcodes/a.gcode -> gcodes/one/a.gcode')
  await listing
  await observer.stop()
})

test('notifications of thumbnails follow those of their G-code files', async () => {
  await using fileClient = await openFileClient()
  const { at } = fileClient
  mkdirSync(at('.thumbs'))
  for (const name of ['a', 'b']) {
    writeFileSync(at('.thumbs', `${name}-32x32.png`), '')
    writeFileSync(at(`${name}.gcode`), 'G28')
  }
  const first = await fileClient.changes()
  assert.deepEqual(first.toSorted(), [
    'create_dir gcodes/.thumbs',
    'create_file gcodes/a.gcode',
    'create_file gcodes/b.gcode',
  ])
  assert.equal(first.at(-1), 'create_dir gcodes/.thumbs')
  copyFileSync(at('.thumbs', 'a-32x32.png'), at('.thumbs', 'c-32x32.png'))
  writeFileSync(at('c.gcode'), 'G28')
  assert.deepEqual(await fileClient.changes(), [
    'create_file gcodes/c.gcode',
    'create_file gcodes/.thumbs/c-32x32.png',
  ])
})

test('a file is notified when it is completely written', async () => {
  let now = systemClock.now()
  await using fileClient = await openFileClient({ clock: { ...systemClock, now: () => now } })
  const { at, client } = fileClient
  const notified = (name: string) => client.find(({ params: [change] = [{}] }) => change.item?.path === name)
  for (const other of ['a.gcode', 'b.gcode']) {
    appendFileSync(at('slow.gcode'), 'G28\n')
    utimesSync(at('slow.gcode'), now, now)
    writeFileSync(at(other), '')
    utimesSync(at(other), LONG_AGO, LONG_AGO)
    await notified(other)
  }
  now += 1
  const { params } = await notified('slow.gcode')
  assert.equal(params[0].item.size, 8)
  const names = client.frames.flatMap(({ params: [change] = [{}] }) => change.item?.path ?? [])
  assert.deepEqual(names, ['a.gcode', 'b.gcode', 'slow.gcode'])
})

test('listings show changes by other programs at once', async () => {
  await using fileClient = await openFileClient()
  const { at } = fileClient
  mkdirSync(at('a', 'b'), { recursive: true })
  writeFileSync(at('a', 'b', 'x.gcode'), 'G28')
  const paths = async () => ((await fileClient.call('list')) as { path: string }[]).map(({ path }) => path)
  assert.deepEqual(await paths(), ['a/b/x.gcode'])
  renameSync(at('a', 'b'), at('c'))
  assert.deepEqual(await paths(), ['c/x.gcode'])
  rmSync(at('c'), { recursive: true })
  assert.deepEqual(await paths(), [])
  const known = new Set<string>()
  await fileClient.changes()
  for (const { method, params } of fileClient.client.frames) {
    if (method === 'notify_filelist_changed') applyTo(known, params[0])
  }
  assert.deepEqual([...known], ['a'], 'the notifications lead to the same files, however many there are')
})

test('links within a root are listed, and their targets are walked once', async () => {
  await using fileClient = await openFileClient({ conf: NO_LINKS })
  const { at, rig } = fileClient
  mkdirSync(at('real'))
  writeFileSync(at('real', 'x.gcode'), 'G28')
  symlinkSync(at('real'), at('alias'))
  symlinkSync(at('real', 'x.gcode'), at('y.gcode'))
  symlinkSync(at('.'), at('real', 'loop'))
  symlinkSync('self.gcode', at('self.gcode'))
  symlinkSync(rig.paths.config, at('out'))
  symlinkSync(join(rig.paths.config, 'moonraker.conf'), at('conf.gcode'))
  symlinkSync('/nowhere', at('nowhere.gcode'))
  const listed = (await fileClient.call('list')) as { path: string }[]
  assert.deepEqual(
    listed.map(({ path }) => path),
    ['real/x.gcode', 'y.gcode'],
  )
  const names = async (path: string) => {
    const { dirs, files } = (await fileClient.call('get_directory', { path })) as {
      dirs: { dirname: string }[]
      files: { filename: string }[]
    }
    return [...dirs.map(({ dirname }) => dirname), ...files.map(({ filename }) => filename)].sort()
  }
  assert.deepEqual(await names('gcodes'), ['alias', 'real', 'y.gcode'])
  assert.deepEqual(await names('gcodes/alias'), ['loop', 'x.gcode'])
  assert.deepEqual(await names('gcodes/alias/loop/alias'), ['loop', 'x.gcode'])
})

test('with file_system_observer none there are no notifications of other programs, and listings are correct', async () => {
  await using fileClient = await openFileClient({ conf: '[file_manager]\nfile_system_observer: none' })
  writeFileSync(fileClient.at('a.gcode'), 'G28')
  const first = (await fileClient.call('list')) as { size: number }[]
  assert.deepEqual(
    first.map(({ size }) => size),
    [3],
  )
  appendFileSync(fileClient.at('a.gcode'), 'G28')
  const again = (await fileClient.call('list')) as { size: number }[]
  assert.deepEqual(
    again.map(({ size }) => size),
    [6],
  )
  await fileClient.call('post_directory', { path: 'gcodes/made' })
  const { params } = await fileClient.client.notified('notify_filelist_changed')
  assert.equal(params[0].item.path, 'made')
})

test('an unreadable folder is listed as empty', { skip: process.getuid?.() === 0 }, async () => {
  await using fileClient = await openFileClient()
  mkdirSync(fileClient.at('closed'))
  writeFileSync(fileClient.at('closed', 'x.gcode'), '')
  chmodSync(fileClient.at('closed'), 0)
  assert.deepEqual(await fileClient.call('list'), [])
  chmodSync(fileClient.at('closed'), 0o700)
})

test('folders that are changed and removed at the same moment end the scan', async () => {
  await using fileClient = await openFileClient()
  const { at } = fileClient
  for (let round = 0; round < 5; round += 1) {
    mkdirSync(at('a', 'b', 'c'), { recursive: true })
    assert.deepEqual(await fileClient.changes(), ['create_dir gcodes/a'])
    for (const folder of ['a', 'a/b', 'a/b/c']) writeFileSync(at(folder, 'x.gcode'), 'G28')
    rmSync(at('a'), { recursive: true })
    assert.deepEqual(await fileClient.changes(), ['delete_dir gcodes/a'])
  }
})
