import assert from 'node:assert/strict'
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openPanel } from './file-panel.ts'

const LONG_AGO = new Date('2020-01-01')

test('what other programs do to files is announced', async t => {
  await using panel = await openPanel()
  const { at } = panel
  const step = (name: string, act: () => void, expected: string[]) =>
    t.test(name, async () => {
      act()
      assert.deepEqual(await panel.news(), expected)
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
  await step('a move to another root', () => renameSync(at('new'), join(panel.rig.paths.config, 'new')), [
    'move_dir gcodes/new -> config/new',
  ])
  await step('what comes and goes in between is not told', () => {
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
  await step('logs are not watched', () => writeFileSync(join(panel.rig.paths.logs, 'x.log'), ''), [])
  await step('a file that keeps its old time', () => {
    writeFileSync(at('old.gcode'), '')
    utimesSync(at('old.gcode'), LONG_AGO, LONG_AGO)
  }, ['create_file gcodes/old.gcode'])
})

test('thumbnails are announced after the G-code files that they belong to', async () => {
  await using panel = await openPanel()
  const { at } = panel
  mkdirSync(at('.thumbs'))
  for (const name of ['a', 'b']) {
    writeFileSync(at('.thumbs', `${name}-32x32.png`), '')
    writeFileSync(at(`${name}.gcode`), 'G28')
  }
  const first = await panel.news()
  assert.deepEqual(first.toSorted(), [
    'create_dir gcodes/.thumbs',
    'create_file gcodes/a.gcode',
    'create_file gcodes/b.gcode',
  ])
  assert.equal(first.at(-1), 'create_dir gcodes/.thumbs')
  copyFileSync(at('.thumbs', 'a-32x32.png'), at('.thumbs', 'c-32x32.png'))
  writeFileSync(at('c.gcode'), 'G28')
  assert.deepEqual(await panel.news(), [
    'create_file gcodes/c.gcode',
    'create_file gcodes/.thumbs/c-32x32.png',
  ])
})

test('a file is told of when it is written to its end', async () => {
  await using panel = await openPanel()
  const path = panel.at('slow.gcode')
  writeFileSync(path, 'G28\n')
  for (let part = 0; part < 8; part += 1) {
    await new Promise(resolve => {
      setTimeout(resolve, 100)
    })
    appendFileSync(path, 'G1 X1\n')
  }
  assert.deepEqual(await panel.news(), ['create_file gcodes/slow.gcode'])
  const { params } = panel.client.frames.find(
    ({ params: [change] = [{}] }) => change.item?.path === 'slow.gcode',
  )
  assert.equal(params[0].item.size, 4 + 8 * 6)
})

test('listings show at once what other programs did', async () => {
  await using panel = await openPanel()
  const { at } = panel
  mkdirSync(at('a', 'b'), { recursive: true })
  writeFileSync(at('a', 'b', 'x.gcode'), 'G28')
  const paths = async () => ((await panel.call('list')) as { path: string }[]).map(({ path }) => path)
  assert.deepEqual(await paths(), ['a/b/x.gcode'])
  renameSync(at('a', 'b'), at('c'))
  assert.deepEqual(await paths(), ['c/x.gcode'])
  rmSync(at('c'), { recursive: true })
  assert.deepEqual(await paths(), [])
  assert.deepEqual(await panel.news(), ['create_dir gcodes/a'])
})

test('links within a root are followed where they end and walked once; others are not there', async () => {
  await using panel = await openPanel()
  const { at, rig } = panel
  mkdirSync(at('real'))
  writeFileSync(at('real', 'x.gcode'), 'G28')
  symlinkSync(at('real'), at('alias'))
  symlinkSync(at('real', 'x.gcode'), at('y.gcode'))
  symlinkSync(at('.'), at('real', 'loop'))
  symlinkSync('self.gcode', at('self.gcode'))
  symlinkSync(rig.paths.config, at('out'))
  symlinkSync(join(rig.paths.config, 'moonraker.conf'), at('conf.gcode'))
  symlinkSync('/nowhere', at('nowhere.gcode'))
  const listed = (await panel.call('list')) as { path: string }[]
  assert.deepEqual(
    listed.map(({ path }) => path),
    ['real/x.gcode', 'y.gcode'],
  )
  const names = async (path: string) => {
    const { dirs, files } = (await panel.call('get_directory', { path })) as {
      dirs: { dirname: string }[]
      files: { filename: string }[]
    }
    return [...dirs.map(({ dirname }) => dirname), ...files.map(({ filename }) => filename)].sort()
  }
  assert.deepEqual(await names('gcodes'), ['alias', 'real', 'y.gcode'])
  assert.deepEqual(await names('gcodes/alias'), ['loop', 'x.gcode'])
  assert.deepEqual(await names('gcodes/alias/loop/alias'), ['loop', 'x.gcode'])
})

test('with file_system_observer none nothing is announced but what clients do, and listings are true', async () => {
  await using panel = await openPanel({ conf: '[file_manager]\nfile_system_observer: none' })
  writeFileSync(panel.at('a.gcode'), 'G28')
  const first = (await panel.call('list')) as { size: number }[]
  assert.deepEqual(
    first.map(({ size }) => size),
    [3],
  )
  appendFileSync(panel.at('a.gcode'), 'G28')
  const again = (await panel.call('list')) as { size: number }[]
  assert.deepEqual(
    again.map(({ size }) => size),
    [6],
  )
  await panel.call('post_directory', { path: 'gcodes/made' })
  const { params } = await panel.client.notified('notify_filelist_changed')
  assert.equal(params[0].item.path, 'made')
})

test('a folder that may not be read is empty', { skip: process.getuid?.() === 0 }, async () => {
  await using panel = await openPanel()
  mkdirSync(panel.at('closed'))
  writeFileSync(panel.at('closed', 'x.gcode'), '')
  chmodSync(panel.at('closed'), 0)
  assert.deepEqual(await panel.call('list'), [])
  chmodSync(panel.at('closed'), 0o700)
})

test('folders that change and go at the same moment keep nobody busy', async () => {
  await using panel = await openPanel()
  const { at } = panel
  for (let round = 0; round < 5; round += 1) {
    mkdirSync(at('a', 'b', 'c'), { recursive: true })
    assert.deepEqual(await panel.news(), ['create_dir gcodes/a'])
    for (const folder of ['a', 'a/b', 'a/b/c']) writeFileSync(at(folder, 'x.gcode'), 'G28')
    rmSync(at('a'), { recursive: true })
    assert.deepEqual(await panel.news(), ['delete_dir gcodes/a'])
  }
})
