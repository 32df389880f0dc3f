// Which packages an application needs: its files of every kind, conditions, and files that cannot be used.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fits } from '../../../src/components/update-manager/dependencies/package-condition.ts'
import {
  addedRequirements,
  readRequirements,
} from '../../../src/components/update-manager/dependencies/requirements.ts'

/** Reads the requirements of an application with some files. */
function application(t: TestContext, files: Readonly<Record<string, string>>) {
  const path = mkdtempSync(join(tmpdir(), 'requirements-'))
  t.after(() => rmSync(path, { recursive: true }))
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content)
  const read = (more: { readonly system?: string; readonly script?: string } = {}) =>
    readRequirements({ path, python: 'requirements.txt', system: null, script: null, node: true, ...more })
  return { path, read }
}

test('what was added or changed is installed', async t => {
  const { path, read } = application(t, {
    'requirements.txt': '# packages\nalpha==1 # the first\n-r more.txt\n\nbeta\n',
    'install.sh': 'PKGLIST="libone"\n  PKGLIST="$PKGLIST libtwo lib;three"\nOTHER="libfour"\n',
    'package-lock.json': '1',
  })
  const before = await read({ script: 'install.sh' })
  assert.deepEqual([...before.python], ['alpha==1', 'beta'])
  assert.deepEqual([...before.system], ['libone', 'libtwo'])
  writeFileSync(join(path, 'requirements.txt'), 'alpha==2\nbeta\n')
  writeFileSync(join(path, 'install.sh'), 'PKGLIST="libone libthree"\n')
  const after = await read({ script: 'install.sh' })
  assert.deepEqual(addedRequirements(before, after), {
    python: ['alpha==2'],
    system: ['libthree'],
    node: false,
  })
  writeFileSync(join(path, 'package-lock.json'), '2')
  assert.equal(addedRequirements(before, await read()).node, true)
  assert.equal(addedRequirements(null, after).python.length, 2)
})

test('files that cannot be used need nothing', async t => {
  const { path, read } = application(t, {
    'list.json': '["libone"]',
    'names.json': '{"debian":["-o Dir=/","$(reboot)",5,null,{"a":1}],"ubuntu":["--help"]}',
    'no.json': '{',
    'package-lock.json': '1',
  })
  for (const system of ['list.json', 'names.json', 'no.json', 'missing.json'])
    assert.deepEqual([...(await read({ system })).system], [], system)
  truncateSync(join(path, 'package-lock.json'), 17 * 1024 * 1024)
  assert.equal((await read()).nodeHash, null)
})

test('a pipe in the place of a file does not block', async t => {
  const { path, read } = application(t, {})
  execFileSync('mkfifo', [join(path, 'requirements.txt')])
  assert.deepEqual([...(await read()).python], [])
})

const debian = { id: 'debian', version: '12', likes: [], vendor: 'raspberry-pi' }
for (const [condition, expected] of [
  ["distro_id == 'debian'", true],
  ['distro_id != "debian"', false],
  ["distro_version >= '9'", true],
  ["distro_version < '12'", false],
  ["vendor == 'raspberry-pi' and distro_version == '11'", false],
  ["vendor == 'other' or distro_version <= '12'", true],
  // From left to right.
  ["vendor == 'raspberry-pi' or distro_id == 'x' and distro_version == '1'", false],
  ["distro_id == 'debian' xor vendor == 'x'", false],
  ['distro_id == debian', false],
  ["import_os == 'x'", false],
  ['', true],
] as const)
  test(`the condition ${JSON.stringify(condition)} is ${expected}`, () =>
    assert.equal(fits(condition, debian), expected))
