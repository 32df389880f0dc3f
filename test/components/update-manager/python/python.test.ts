// Python packages by what pip has written about them, with a Python that only logs.
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { test } from 'node:test'
import { pick } from '../archive/web-app.ts'
import { UpdaterBench } from '../updater-bench.ts'

const COMMIT = '1234567890abcdef1234567890abcdef12345678'

const github = (repo: string) => ({
  url: `https://github.com/dummy/${repo}`,
  vcs_info: { vcs: 'git', commit_id: COMMIT },
})

/** An environment with one package. */
async function start(version: string, direct: object | null, script = 'echo "Successfully installed"') {
  const bench = await UpdaterBench.start()
  const info = `env/lib/python3.11/site-packages/Py.App-${version}.dist-info`
  bench.write(`${info}/METADATA`, `Metadata-Version: 2.1\nName: Py.App\nVersion: ${version}\n\nVersion: none`)
  if (direct !== null) bench.write(`${info}/direct_url.json`, JSON.stringify(direct))
  bench.write('env/bin/pip', '')
  bench.write(
    'env/bin/python',
    `#!/bin/sh\nshift 2\necho "$*" >> ${bench.path('calls')}\nSITE=${bench.path('env/lib/python3.11/site-packages')}\n` +
      `case "$1" in --version) echo "pip 25.2 from /x (python 3.11)";; *) ${script};; esac\n`,
  )
  for (const name of ['pip', 'python']) chmodSync(bench.path('env/bin', name), 0o755)
  const open = (options: Readonly<Record<string, string>> = {}) =>
    bench.open('python', { virtualenv: bench.path('env'), project_name: 'py-app[extra]', ...options })
  const calls = () => readFileSync(bench.path('calls'), 'utf8').trim().split('\n')
  return Object.assign(bench, { reopen: open, calls })
}

/** What pip does when it installs a version. */
const installs = (from: string, to: string) =>
  `mv "$SITE/Py.App-${from}.dist-info" "$SITE/Py.App-${to}.dist-info"; ` +
  `sed -i "s/^Version: ${from}/Version: ${to}/" "$SITE/Py.App-${to}.dist-info/METADATA"`

test('a package from a repository follows its releases', async () => {
  await using bench = await start('1.0.0', github('pygit'), installs('1.0.0', '1.1.0'))
  bench.releases.repos.set('dummy/pygit', [
    { tag: 'v1.2.0b1', prerelease: true, assets: {} },
    { tag: 'v1.1.0', assets: {} },
    { tag: 'v1.0.0', assets: {} },
  ])
  const updater = await bench.reopen()
  assert.deepEqual(
    pick(
      await bench.refreshed(updater),
      'owner',
      'repo_name',
      'remote_version',
      'current_hash',
      'remote_hash',
    ),
    {
      owner: 'dummy',
      repo_name: 'pygit',
      remote_version: 'v1.1.0',
      current_hash: COMMIT,
      remote_hash: 'update-available',
    },
  )
  const { lines, error } = await bench.update(updater)
  assert.equal(error, null)
  assert.ok(lines.includes('Python Package app: Updating Python Package py-app from GITHUB...'))
  assert.equal(
    bench.calls().at(-1),
    'install -U --upgrade-strategy eager py-app[extra] @ git+https://github.com/dummy/pygit@v1.1.0',
  )
  assert.deepEqual(pick(updater.status(), 'version', 'remote_hash', 'rollback_version'), {
    version: '1.1.0',
    remote_hash: COMMIT,
    rollback_version: '1.0.0',
  })
  const beta = await bench.reopen({ channel: 'beta' })
  assert.equal(pick(await bench.refreshed(beta), 'remote_version').remote_version, 'v1.2.0b1')
})

test('a rollback that is not on the disk finds the tag of the version', async () => {
  await using bench = await start('1.1.0', github('pygit'), installs('1.1.0', '1.0.0'))
  bench.releases.repos.set('dummy/pygit', [{ tag: 'v1.0.0', assets: {} }])
  const updater = await bench.reopen()
  updater.restore({ rollback_ref: '1.0.0', rollback_version: '1.0.0' })
  assert.equal((await bench.rollback(updater)).error, null)
  assert.match(bench.calls().at(-1) ?? '', /git\+https:\/\/github\.com\/dummy\/pygit@v1\.0\.0$/)
  assert.equal(pick(updater.status(), 'version').version, '1.0.0')
})

test('the channel dev follows the commits of a branch', async () => {
  await using bench = await start('1.0.0.dev3+g12345678', github('pydev'))
  bench.releases.api = (_, response) => void response.end(JSON.stringify([{ sha: 'f'.repeat(40) }]))
  const updater = await bench.reopen({ channel: 'dev', primary_branch: 'main' })
  assert.deepEqual(
    pick(
      await bench.refreshed(updater),
      'branch',
      'version',
      'remote_version',
      'full_version_string',
      'remote_hash',
    ),
    {
      branch: 'main',
      version: '1.0.0-3',
      remote_version: '1.0.0-4',
      full_version_string: '1.0.0.dev3+g12345678',
      remote_hash: 'f'.repeat(40),
    },
  )
  assert.deepEqual(bench.releases.taken(), ['GET /repos/dummy/pydev/commits?per_page=1&sha=main'])
  bench.releases.api = (_, response) => void response.end(JSON.stringify([{ sha: COMMIT }]))
  assert.deepEqual(pick(await bench.refreshed(updater), 'remote_version', 'preview'), {
    remote_version: '1.0.0-3',
    preview: null,
  })
})

test('a package from another source is not updated', async () => {
  await using bench = await start('1.0.0', { url: 'file:///home/pi/pyapp', dir_info: {} })
  const updater = await bench.reopen()
  const status = pick(await bench.refreshed(updater), 'is_valid', 'warnings')
  assert.deepEqual(status, {
    is_valid: false,
    warnings: [
      'Package installed from source other than pypi or git: {"url":"file:///home/pi/pyapp","dir_info":{}}',
    ],
  })
  assert.deepEqual(await bench.update(updater), { lines: [], error: null })
  assert.deepEqual(await bench.rollback(updater), { lines: [], error: null })
})

test('a refresh that fails leaves the version that was known, and the environment', async () => {
  await using bench = await start('1.0.0', null, 'echo "ERROR: no network" >&2; exit 1')
  const updater = await bench.reopen()
  updater.restore({ upstream_version: '1.1.0' })
  assert.equal(pick(await bench.refreshed(updater), 'remote_version').remote_version, '1.1.0')
  assert.deepEqual(bench.calls(), ['install -U --quiet --dry-run --no-deps --report - py-app'])
  assert.match(bench.rig.log.join('\n'), /app: ERROR: no network/)
})

test('a change that a crash interrupted is undone by the next start', async () => {
  await using bench = await start('1.0.0', null)
  const { copyForChange } = await import('../../../../src/components/update-manager/archive/tree.ts')
  const { Replacement } = await import('../../../../src/components/update-manager/archive/replacement.ts')
  const replacement = new Replacement(bench.path('env'))
  mkdirSync(replacement.folder)
  await copyForChange(bench.path('env'), replacement.incoming, new AbortController().signal)
  const { ino } = statSync(replacement.incoming)
  bench.write('.env.update/journal.json', JSON.stringify({ kind: 'change', inode: String(ino) }))
  bench.write('env/lib/python3.11/site-packages/half.py', 'x')
  const updater = await bench.reopen()
  assert.equal(pick(updater.status(), 'version').version, '1.0.0')
  assert.throws(() => readFileSync(bench.path('env/lib/python3.11/site-packages/half.py')), {
    code: 'ENOENT',
  })
})

const rejected: readonly [title: string, options: Readonly<Record<string, string>>, message: RegExp][] = [
  [
    'a package that is not installed',
    { project_name: 'other' },
    /^Failed to find distribution info for project other$/,
  ],
  [
    'an option in the place of a name',
    { project_name: '--index-url=x' },
    /is not the name of a Python package/,
  ],
  ['an environment that does not exist', { virtualenv: '/nowhere' }, /^Invalid path for option `virtualenv`/],
]
for (const [title, options, message] of rejected) {
  test(`a section with ${title} is rejected`, async () => {
    await using bench = await start('1.0.0', null)
    await assert.rejects(bench.reopen(options), { name: 'ConfigError', message })
  })
}

test('a folder without pip is rejected', async () => {
  await using bench = await UpdaterBench.start()
  bench.write('env/readme', '')
  await assert.rejects(bench.open('python', { virtualenv: bench.path('env') }), {
    message: "[update_manager app]: Option 'virtualenv' must specify a valid the path to a Python virtualenv",
  })
})
