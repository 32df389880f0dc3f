// This server as a git repository: an update builds the new version, and puts it in the place of the present one.
import assert from 'node:assert/strict'
import { mkdirSync, statSync } from 'node:fs'
import { after, test } from 'node:test'
import type { GitUpdater } from '../../../src/components/update-manager/git/git-updater.ts'
import { generalOptions } from '../../../src/components/update-manager/options.ts'
import { openOwnCheckout } from '../../../src/components/update-manager/self/own-checkout.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { readShape } from '../../../src/schema/index.ts'
import { GitRepos } from '../../support/git-repos.ts'
import { gitAt, refreshed, runOf } from './git-bench.ts'

const repos = new GitRepos()
after(() => repos[Symbol.dispose]())

/** The changes that a guard was prepared for, and the folders of those for which it was started. */
const prepared: object[] = []
const guarded: string[] = []

/** A build that writes a program with the version of the commit. */
const BUILD = `
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
const version = readFileSync('version.txt', 'utf8').trim()
mkdirSync(process.argv[2])
writeFileSync(process.argv[2] + '/moonraker.cjs', \`console.log('\${version}')\`)
`

/** A server that has a newer commit at its remote; \`change\` is made in that commit. */
async function opened(name: string, change: (source: string) => void): Promise<GitUpdater> {
  const source = `${name}-source`
  repos.create(source, 'main')
  repos.write(source, 'package.json', '{"name":"moonraker-ts"}')
  repos.write(source, 'scripts/build.mjs', BUILD)
  repos.write(source, '.gitignore', 'dist/\n.dist.update/\nnode_modules/\n')
  repos.write(source, 'version.txt', 'one\n')
  repos.commit(source, 'one')
  repos.publish(source, `${name}.git`)
  repos.clone(`${name}.git`, name)
  repos.write(name, 'dist/moonraker.cjs', 'present build')
  mkdirSync(repos.path(name, 'node_modules'))
  repos.write(source, 'version.txt', 'two\n')
  change(source)
  repos.commit(source, 'two')
  repos.git(source, 'push', '--quiet', repos.path(`${name}.git`), 'main')
  return open(name)
}

/** The updater of a repository. */
async function open(name: string): Promise<GitUpdater> {
  const updater = await openOwnCheckout(repos.path(name), {
    core: { clock: systemClock, debug: false },
    general: readShape(generalOptions, {}),
    git: gitAt('/'),
    options: undefined,
    guard: {
      async prepare(_folder, change) {
        prepared.push(change)
      },
      async start(folder) {
        guarded.push(folder)
      },
      async confirm() {},
    },
  })
  assert.ok(updater)
  assert.equal((await refreshed(updater as GitUpdater)).is_valid, true)
  return updater as GitUpdater
}

test('the new version is built before it takes the place', async () => {
  const updater = await opened('built', () => undefined)
  const { lines, error } = await runOf(run => updater.update(run))
  assert.equal(error, null, lines.join('\n'))
  assert.deepEqual(lines.slice(-4), [
    'Git Repo moonraker: Building...',
    'two',
    'Git Repo moonraker: restart',
    '*Git Repo moonraker: Update Finished...',
  ])
  assert.equal(repos.read('built', 'dist/moonraker.cjs'), "console.log('two')")
  const { ino } = statSync(repos.path('built', 'dist'))
  const change = { kind: 'folder', path: repos.path('built', 'dist'), inode: String(ino) }
  assert.deepEqual(prepared, [change])
  assert.deepEqual(guarded, [repos.path('built', '.dist.update')])
  assert.equal(repos.read('built', '.dist.update/previous/moonraker.cjs'), 'present build')
})

test('a version that cannot be built leaves the present one', async () => {
  const updater = await opened('broken', source =>
    repos.write(source, 'scripts/build.mjs', 'process.exit(1)'),
  )
  const { lines, error } = await runOf(run => updater.update(run))
  assert.match(
    error ?? '',
    /^The new version cannot be built: .*build\.mjs.* failed; the version before it goes on/,
  )
  assert.equal(lines.includes('Git Repo moonraker: restart'), false)
  assert.equal(repos.read('broken', 'dist/moonraker.cjs'), 'present build')
  const back = await runOf(run => updater.rollback(run))
  assert.equal(back.error, null, back.lines.join('\n'))
  assert.equal(repos.read('broken', 'dist/moonraker.cjs'), "console.log('one')")
})

test('a version that does not start leaves the present one', async () => {
  const updater = await opened('dead', source =>
    repos.write(source, 'version.txt', "') throw new Error('broken"),
  )
  assert.match((await runOf(run => updater.update(run))).error ?? '', /^The new version cannot be built/)
  assert.equal(repos.read('dead', 'dist/moonraker.cjs'), 'present build')
})

test('another program does not take the place of this server', async () => {
  const updater = await opened('other', source => repos.write(source, 'package.json', '{"name":"moonraker"}'))
  const { error } = await runOf(run => updater.update(run))
  assert.equal(error, 'The new version is not this server, moonraker-ts: it is not installed')
  assert.equal(repos.read('other', 'version.txt'), 'one\n')
})

test('a repository with the built server, as KIAUH installs it, is updated without a build', async () => {
  const source = 'kiauh-source'
  repos.create(source, 'main')
  repos.write(source, 'package.json', '{"name":"moonraker-ts"}')
  repos.write(source, 'dist/moonraker.cjs', 'one')
  repos.commit(source, 'one')
  repos.publish(source, 'kiauh.git')
  repos.clone('kiauh.git', 'kiauh')
  repos.write(source, 'dist/moonraker.cjs', 'two')
  repos.commit(source, 'two')
  repos.git(source, 'push', '--quiet', repos.path('kiauh.git'), 'main')
  const updater = await open('kiauh')
  const { lines, error } = await runOf(run => updater.update(run))
  assert.equal(error, null, lines.join('\n'))
  assert.deepEqual(lines.slice(-2), [
    'Git Repo moonraker: restart',
    '*Git Repo moonraker: Update Finished...',
  ])
  assert.equal(repos.read('kiauh', 'dist/moonraker.cjs'), 'two')
  const [to, from] = repos.git('kiauh', 'log', '--format=%H').trim().split('\n')
  assert.deepEqual(prepared.at(-1), { kind: 'commit', repository: repos.path('kiauh'), from, to })
  assert.equal(guarded.at(-1), repos.path('kiauh', '.dist.update'))
})
