// How a Debian package becomes a file.
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { PackageTree } from '../../scripts/deb/package-tree.ts'

test('a build that is interrupted leaves no file with the name of a package', t => {
  const folder = mkdtempSync(join(tmpdir(), 'package-tree-'))
  const path = process.env.PATH
  t.after(() => {
    process.env.PATH = path
    rmSync(folder, { recursive: true, force: true })
  })
  const dpkg = `#!${process.execPath}\nrequire('node:fs').writeFileSync(process.argv.at(-1), 'half')\nprocess.exit(1)\n`
  writeFileSync(join(folder, 'dpkg-deb'), dpkg, { mode: 0o755 })
  process.env.PATH = `${folder}:${path}`
  using tree = new PackageTree()
  tree.write('usr/share/one', 'one')
  const fields = { Package: 'one', Version: '1', Architecture: 'all', Description: 'one' }
  const output = join(folder, 'release')
  assert.throws(() => tree.build({ fields, output, time: 0, compression: 'none' }), /dpkg-deb/)
  assert.deepEqual(readdirSync(output), ['one_1_all.deb.part'])
})
