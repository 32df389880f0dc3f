// Files of the user that an update keeps.
import assert from 'node:assert/strict'
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { keepFiles } from '../../../../src/components/update-manager/archive/tree.ts'

/** A running version and a new one; `write` and `read` take paths in them. */
function scene(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'tree-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const write = (name: string, text: string) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  write('old/index.html', 'old')
  write('new/index.html', 'new')
  return {
    folder,
    write,
    read: (name: string) => readFileSync(join(folder, name), 'utf8'),
    keep: (...names: string[]) => keepFiles(names, join(folder, 'old'), join(folder, 'new')),
  }
}

test('files and folders are kept, nested ones too', async t => {
  const { write, read, keep } = scene(t)
  write('old/config.json', 'mine')
  write('new/config.json', 'default')
  write('old/.theme/custom.css', 'mine')
  write('new/.theme/default.css', 'default')
  write('old/data/sub/k.txt', 'mine')
  write('old/data/other.txt', 'mine')
  await keep('config.json', '.theme', 'data/sub/k.txt', 'missing')
  assert.equal(read('new/config.json'), 'mine')
  assert.equal(read('new/.theme/custom.css'), 'mine')
  assert.throws(() => read('new/.theme/default.css'), { code: 'ENOENT' })
  assert.equal(read('new/data/sub/k.txt'), 'mine')
  assert.throws(() => read('new/data/other.txt'), { code: 'ENOENT' })
  assert.equal(read('new/index.html'), 'new')
  assert.equal(read('old/config.json'), 'mine')
})

test('links are kept as links', async t => {
  const { folder, write, keep } = scene(t)
  write('usb/sub/k.txt', 'mine')
  symlinkSync('../usb', join(folder, 'old/data'))
  symlinkSync('/etc/hostname', join(folder, 'old/link'))
  await keep('data/sub/k.txt', 'link')
  assert.equal(readlinkSync(join(folder, 'new/data')), '../usb')
  assert.equal(readlinkSync(join(folder, 'new/link')), '/etc/hostname')
})

test('a folder that the release has as a file is kept', async t => {
  const { write, read, keep } = scene(t)
  write('old/data/k.txt', 'mine')
  write('new/data', 'a file')
  await keep('data/k.txt')
  assert.equal(read('new/data/k.txt'), 'mine')
})
