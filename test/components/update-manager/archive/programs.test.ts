// Programs from releases, in archives and as single files: the packages they need, their services, and the way back.
import assert from 'node:assert/strict'
import { chmodSync, readFileSync, rmSync, statSync } from 'node:fs'
import { test } from 'node:test'
import { zipOf } from '../../../support/zip-of.ts'
import { type FakePrograms, fakePrograms } from '../../machine/fake-programs.ts'
import { UpdaterBench } from '../updater-bench.ts'
import { pick } from './web-app.ts'

const info = (version: string, more: object = {}) =>
  JSON.stringify({ project_name: 'app', project_owner: 'dummy', version, ...more })

const NEEDS = { requirements: 'a\n', packages: ['libone'], lock: '1' }

/** The files of a program that needs packages. */
const filesOf = (version: string, { requirements, packages, lock }: typeof NEEDS) => ({
  'release_info.json': info(version),
  'app.py': version,
  'requirements.txt': requirements,
  'packages.json': JSON.stringify({ debian: packages, ubuntu: packages }),
  'package-lock.json': lock,
})

const release = (tag: string, needs: typeof NEEDS) => ({
  tag,
  assets: {
    'app.zip': zipOf(Object.entries(filesOf(tag, needs)).map(([name, content]) => ({ name, content }))),
  },
})

/** Programs that only log their calls. */
function programs(): FakePrograms {
  return fakePrograms({
    'apt-get': 'echo "apt-get $*" >> $HERE/calls; echo "Setting up"',
    'apt-cache': 'echo "libone - one"; echo "libtwo - two"',
    npm: 'echo "npm $* in $(basename $PWD)" >> $HERE/calls; echo "added 12 packages"',
  })
}

async function startZip() {
  const bench = await UpdaterBench.start()
  for (const [name, content] of Object.entries(filesOf('v1.0.0', NEEDS))) bench.write(`app/${name}`, content)
  bench.write('env/bin/pip', '')
  bench.write(
    'env/bin/python',
    `#!/bin/sh\necho "pip $3 $4 $5 $6" >> ${bench.path('pip-calls')}\n` +
      'case "$3" in --version) echo "pip 25.2 from /x (python 3.11)";; *) echo "Successfully installed";; esac\n',
  )
  for (const name of ['pip', 'python']) chmodSync(bench.path('env/bin', name), 0o755)
  bench.releases.repos.set('dummy/app', [
    release('v1.1.0', { requirements: 'a\nb==1.1\n', packages: ['libone', 'libtwo'], lock: '2' }),
  ])
  const open = () =>
    bench.open('zip', {
      path: bench.path('app'),
      repo: 'dummy/app',
      virtualenv: bench.path('env'),
      requirements: 'requirements.txt',
      system_dependencies: 'packages.json',
      enable_node_updates: 'True',
    })
  return Object.assign(bench, { reopen: open })
}

test('an update installs the packages that the new version needs, then restarts the service', async () => {
  await using bench = await startZip()
  using fakes = programs()
  const zip = await bench.reopen()
  await bench.refreshed(zip)
  const { lines, error } = await bench.update(zip)
  assert.equal(error, null)
  assert.deepEqual(
    lines.filter(line => !line.startsWith('Downloading ')),
    [
      'Zip Application app: Updating...',
      'Zip Application app: Downloading Release...',
      `Zip Application app: Download Complete, extracting release to '${bench.path('app')}'`,
      'Zip Application app: Installing system dependencies...',
      'Setting up',
      'Resolving packages...',
      'Setting up',
      'Zip Application app: Checking pip version...',
      'Zip Application app: Pip version up to date',
      'Zip Application app: Updating python packages...',
      'Successfully installed',
      'Zip Application app: Updating Node Packages...',
      'added 12 packages',
      '*Zip Application app: Update Finished...',
    ],
  )
  const calls = fakes.calls().map(call => call.replace(/ -o .*/, ''))
  assert.deepEqual(calls, ['apt-get update', 'apt-get install --yes libtwo', 'npm ci --only=prod in app'])
  assert.match(
    readFileSync(bench.path('pip-calls'), 'utf8'),
    new RegExp(`^pip install -U -r ${bench.path('app/requirements.txt')}$`, 'm'),
  )
  assert.deepEqual(bench.restarts, ['Zip Application app'])
  assert.equal(readFileSync(bench.path('app/app.py'), 'utf8'), 'v1.1.0')
})

test('packages that cannot be installed are reported, and the rest is installed', async () => {
  await using bench = await startZip()
  using _ = fakePrograms({
    'apt-get': 'echo "E: no network"; exit 100',
    'apt-cache': 'exit 1',
    npm: 'echo "npm ERR! code"; exit 1',
  })
  const zip = await bench.reopen()
  await bench.refreshed(zip)
  const { lines, error } = await bench.update(zip)
  assert.equal(error, null)
  assert.ok(lines.some(line => line.startsWith('Zip Application app: System packages were not updated: ')))
  assert.ok(lines.includes('Zip Application app: Updating python packages...'))
  assert.ok(lines.includes('Zip Application app: Node Package update failed'))
  assert.deepEqual(bench.restarts, ['Zip Application app'])
})

test('a rollback installs only what the previous version needs in addition', async () => {
  await using bench = await startZip()
  using fakes = programs()
  const zip = await bench.reopen()
  await bench.refreshed(zip)
  await bench.update(zip)
  const before = fakes.calls().length
  const { lines, error } = await bench.rollback(zip)
  assert.equal(error, null)
  assert.deepEqual(fakes.calls().slice(before), ['npm ci --only=prod in app'])
  assert.equal(lines.at(-1), '*Zip Application app: Rollback Complete')
  assert.equal(readFileSync(bench.path('app/app.py'), 'utf8'), 'v1.0.0')
})

test('the packages of a new version are installed after a crash', async () => {
  await using bench = await startZip()
  using fakes = programs()
  // The folder is the new one already, and the record of the update is still there.
  const notes: unknown[] = []
  const zip = await bench.reopen()
  await bench.refreshed(zip)
  bench.onNote = details => notes.push(details)
  await bench.update(zip)
  const before = fakes.calls().length
  const restarted = await bench.reopen()
  assert.equal(await bench.repair(restarted, notes[0]), 'version v1.1.0 is installed, and complete')
  const calls = fakes.calls().slice(before)
  assert.deepEqual(calls.at(-1), 'npm ci --only=prod in app')
  assert.equal(calls.length, 3)
})

async function startExecutable() {
  const bench = await UpdaterBench.start()
  bench.write('app/release_info.json', info('v1.0.0', { asset_name: 'tool-linux', kept: 1 }))
  bench.write('app/tool-linux', 'v1.0.0')
  bench.write('app/log.txt', 'mine')
  bench.releases.repos.set('dummy/app', [
    { tag: 'v1.1.0', assets: { 'first.zip': Buffer.from('zip'), 'tool-linux': Buffer.from('v1.1.0') } },
    { tag: 'v1.0.0', assets: { 'first.zip': Buffer.from('zip'), 'tool-linux': Buffer.from('v1.0.0') } },
  ])
  const open = () => bench.open('executable', { path: bench.path('app'), repo: 'dummy/app' })
  const read = (name: string) => readFileSync(bench.path('app', name), 'utf8')
  return Object.assign(bench, { reopen: open, read })
}

test('an executable and its version are replaced, other files stay', async () => {
  await using bench = await startExecutable()
  const tool = await bench.reopen()
  await bench.refreshed(tool)
  const { lines, error } = await bench.update(tool)
  assert.equal(error, null)
  assert.equal(lines[0], 'Executable app: Updating...')
  assert.equal(bench.read('tool-linux'), 'v1.1.0')
  assert.equal(statSync(bench.path('app/tool-linux')).mode & 0o777, 0o754)
  assert.deepEqual(JSON.parse(bench.read('release_info.json')), {
    project_name: 'app',
    project_owner: 'dummy',
    version: 'v1.1.0',
    asset_name: 'tool-linux',
    kept: 1,
  })
  assert.equal(bench.read('log.txt'), 'mine')
  assert.deepEqual(bench.restarts, ['Executable app'])
})

test('an executable returns to its previous version, from the disk and from the release', async () => {
  await using bench = await startExecutable()
  const tool = await bench.reopen()
  await bench.refreshed(tool)
  await bench.update(tool)
  bench.releases.taken()
  assert.equal((await bench.rollback(tool)).error, null)
  assert.deepEqual(bench.releases.taken(), [])
  assert.equal(bench.read('tool-linux'), 'v1.0.0')
  assert.deepEqual(pick(tool.status(), 'version', 'rollback_version'), {
    version: 'v1.0.0',
    rollback_version: 'v1.0.0',
  })
  bench.write('app/release_info.json', info('v1.1.0', { asset_name: 'tool-linux' }))
  const other = await bench.reopen()
  other.restore({ rollback_version: 'v1.0.0', rollback_repo: 'dummy/app' })
  rmSync(bench.path('.app.update'), { recursive: true })
  assert.equal((await bench.rollback(other)).error, null)
  assert.match(bench.releases.taken().at(-1) ?? '', /v1\.0\.0\/tool-linux$/)
})

test('another asset is no replacement for an executable', async () => {
  await using bench = await startExecutable()
  bench.releases.repos.set('dummy/app', [{ tag: 'v1.1.0', assets: { 'first.zip': Buffer.from('zip') } }])
  const tool = await bench.reopen()
  await bench.refreshed(tool)
  assert.equal((await bench.update(tool)).error?.message, 'Executable app: Invalid download url')
})

const invalid: readonly [title: string, info: object, warning: string][] = [
  ['without an asset', {}, "Executable types require the 'asset_name' field in release_info.json"],
  [
    'whose file is missing',
    { asset_name: 'gone' },
    'File gone not found in configured path for executable type',
  ],
  [
    'whose file is elsewhere',
    { asset_name: '../tool' },
    'File ../tool not found in configured path for executable type',
  ],
]
for (const [title, more, warning] of invalid) {
  test(`an executable ${title} is not valid`, async () => {
    await using bench = await startExecutable()
    bench.write('app/release_info.json', info('v1.0.0', more))
    const tool = await bench.reopen()
    assert.deepEqual(pick(tool.status(), 'is_valid', 'warnings'), {
      is_valid: false,
      warnings: [warning, 'Failed to validate installation'],
    })
  })
}
