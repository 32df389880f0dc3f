// Installations of releases as they are found on the disk, and sections that cannot be used.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, renameSync, symlinkSync } from 'node:fs'
import { test } from 'node:test'
import { UpdaterBench } from '../updater-bench.ts'
import { pick, startWebApp as start } from './web-app.ts'

const invalid: readonly [title: string, files: Readonly<Record<string, string>>, status: object][] = [
  ['without an info', { 'app/a': '' }, { version: '?', warnings: ['Failed to validate installation'] }],
  [
    'with a broken info',
    { 'app/release_info.json': '{bad' },
    { version: '?', warnings: ['Failed to validate installation'] },
  ],
  [
    'with an incomplete info',
    { 'app/release_info.json': '{"project_name":"webapp","version":"v1"}' },
    { version: '?', warnings: ['Failed to validate installation'] },
  ],
  [
    'with a version only',
    { 'app/.version': 'v1.0.0\n' },
    { version: 'v1.0.0', warnings: ['Failed to validate installation'] },
  ],
]
for (const [title, files, expected] of invalid) {
  test(`an installation ${title} is not valid, and costs no request`, async () => {
    await using bench = await UpdaterBench.start()
    for (const [name, content] of Object.entries(files)) bench.write(name, content)
    const web = await bench.open('web', { path: bench.path('app'), repo: 'dummy/webapp' })
    const status = await bench.refreshed(web)
    assert.deepEqual(pick(status, 'is_valid', 'remote_version', ...Object.keys(expected)), {
      is_valid: false,
      remote_version: '?',
      ...expected,
    })
    assert.deepEqual(bench.releases.taken(), [])
    const { error } = await bench.update(web)
    assert.equal(error?.message, 'Web Client app: Invalid install detected, aborting update')
  })
}

test('a file in the place of the installation is not valid', async () => {
  await using bench = await UpdaterBench.start()
  bench.write('app', 'x')
  const web = await bench.open('web', { path: bench.path('app'), repo: 'dummy/webapp' })
  const path = bench.path('app')
  assert.deepEqual(pick(web.status(), 'warnings').warnings, [
    `Location at option 'path: ${path}' is not a directory.`,
    'Failed to validate installation',
  ])
})

test('an installation in a repository is not valid', async () => {
  await using bench = await start()
  mkdirSync(bench.path('.git'))
  const web = await bench.reopen()
  assert.deepEqual(pick(web.status(), 'warnings', 'version'), {
    warnings: [
      `Location at option 'path: ${bench.path('app')}' is within a git repo. Found .git folder at '${bench.path('.git')}'`,
      'Failed to validate installation',
    ],
    version: '?',
  })
})

test('Mainsail and Fluidd are known by their manifests', async () => {
  await using bench = await UpdaterBench.start()
  bench.write('app/.version', 'v2.0.1\n')
  bench.write('app/manifest.json', '{"name":"Mainsail"}')
  const web = await bench.open('web', { path: bench.path('app'), repo: 'dummy/webapp' })
  assert.deepEqual(pick(web.status(), 'is_valid', 'owner', 'repo_name', 'version', 'anomalies'), {
    is_valid: true,
    owner: 'mainsail-crew',
    repo_name: 'mainsail',
    version: 'v2.0.1',
    anomalies: [
      "Value at option 'repo: dummy/webapp' does not match detected repo 'mainsail-crew/mainsail', falling back to detected version.",
    ],
  })
})

test('a path with blanks, quotes, a line end and special characters', async () => {
  await using bench = await start()
  const name = `a "b" 'c'\n$(d) -e ü`
  renameSync(bench.path('app'), bench.path(name))
  bench.write(`${name}/mine ü"/x`, 'mine')
  const options = { path: bench.path(name), repo: 'dummy/webapp', persistent_files: 'mine ü"' }
  const web = await bench.open('web', options)
  await bench.refreshed(web)
  for (const [change, version] of [
    [() => bench.update(web), 'v1.1.0'],
    [() => bench.rollback(web), 'v1.0.0'],
  ] as const) {
    assert.equal((await change()).error, null)
    assert.equal(readFileSync(bench.path(name, 'index.html'), 'utf8'), version)
    assert.equal(readFileSync(bench.path(name, 'mine ü"/x'), 'utf8'), 'mine')
  }
})

test('an installation behind a link is replaced in its place', async () => {
  await using bench = await start()
  symlinkSync('app', bench.path('link'))
  const web = await bench.open('web', { path: bench.path('link'), repo: 'dummy/webapp' })
  await bench.refreshed(web)
  assert.equal((await bench.update(web)).error, null)
  assert.equal(bench.read('index.html'), 'v1.1.0')
  assert.ok(existsSync(bench.path('link', 'index.html')))
})

const rejected: readonly [title: string, options: Readonly<Record<string, string>>, message: RegExp][] = [
  [
    'a path that does not exist',
    { path: '/nowhere/app' },
    /^Invalid path for option `path` in section \[update_manager app\]: Path `\/nowhere\/app` does not exist$/,
  ],
  [
    'a repo without a slash',
    { repo: 'webapp' },
    /"repo: webapp" of section \[update_manager app\] is not OWNER\/NAME/,
  ],
  [
    'a release_info.json that stays',
    { persistent_files: 'release_info.json' },
    /^Invalid value for option 'persistent_files': 'release_info\.json' can not be persistent\.$/,
  ],
  [
    'a persistent file outside',
    { persistent_files: '../secrets' },
    /'\.\.\/secrets' is not a path in the installation/,
  ],
]
for (const [title, options, message] of rejected) {
  test(`a section with ${title} is rejected`, async () => {
    await using bench = await start(options)
    await assert.rejects(bench.reopen(), { name: 'ConfigError', message })
  })
}
