import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { makeFolders, makeFoldersSync } from '../../src/core/make-folders.ts'

const FOLDER = mkdtempSync(join(tmpdir(), 'make-folders-'))
after(() => rmSync(FOLDER, { recursive: true }))
writeFileSync(join(FOLDER, 'file'), '')

const WAYS: Readonly<Record<string, (path: string) => Promise<void>>> = {
  sync: async path => makeFoldersSync(path),
  async: makeFolders,
}

for (const [name, make] of Object.entries(WAYS)) {
  test(`${name}: makes what is missing, and leaves what exists`, async () => {
    const path = join(FOLDER, name, 'one', 'two')
    await Promise.all([make(path), make(path), make(join(FOLDER, name, 'one', 'three'))])
    await make(path)
    assert.ok(existsSync(path))
    assert.ok(existsSync(join(FOLDER, name, 'one', 'three')))
  })

  test(`${name}: a folder that cannot be made is an error of the file system`, async () => {
    const code = async (path: string) => make(path).then(String, ({ code }) => code)
    assert.equal(await code('/proc/no-such-folder/data'), 'ENOENT')
    assert.match(await code(join(FOLDER, 'file', 'data')), /^(ENOTDIR|EEXIST)$/)
    assert.equal(await code(join(FOLDER, 'file')), 'EEXIST')
  })
}

test('the given permissions are those of all new folders', () => {
  makeFoldersSync(join(FOLDER, 'private', 'keys'), 0o700)
  for (const name of ['private', 'private/keys'])
    assert.equal(statSync(join(FOLDER, name)).mode & 0o777, 0o700)
})
