// Kills a server and its git processes while it updates, rolls back and recovers: afterwards the repository is at the old or
// the new commit, whole, files of the user are there, and an update can be run again. KILL_ROUNDS=300 runs more rounds.
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { dataPaths } from '../../../src/core/paths.ts'
import { GitRepos } from '../../support/git-repos.ts'
import type { WebClient } from '../../support/web-client.ts'
import { startRepaired } from './crashing-server.ts'

const ROUNDS = Number(process.env.KILL_ROUNDS ?? 1)
/** Files in each version, so that a change takes a while. */
const FILES = 100
/** Milliseconds until the kill, at most. */
const LONGEST = 250

/** Two commits; each has files of its own, and changes all others. */
function publishVersions(repos: GitRepos): readonly [old: string, new: string] {
  const blob = (number: number, version: string) => `${version} ${number}\n`.repeat(200)
  const data = (text: string) => `data ${Buffer.byteLength(text)}\n${text}`
  const commit = (version: string, from: string) => {
    const files = Array.from({ length: FILES }, (_, number) => {
      const own = number % 5 === 0 ? version : 'shared'
      return `M 644 inline ${own}/file ${number}\n${data(blob(number, version))}`
    })
    const who = 'Ann <ann@test> 1700000000 +0000'
    return `commit refs/heads/master\ncommitter ${who}\n${data(version)}${from}\ndeleteall\n${files.join('')}\n`
  }
  mkdirSync(repos.path('app.git'))
  repos.git('app.git', 'init', '--quiet', '--bare')
  const input = commit('old', '') + commit('new', '')
  execFileSync('git', ['-C', repos.path('app.git'), 'fast-import', '--quiet'], { input, stdio: 'pipe' })
  return [repos.git('app.git', 'rev-parse', 'master~1'), repos.git('app.git', 'rev-parse', 'master')]
}

/** Kills the git processes whose folder is below `folder`, as a power cut does. */
function killGit(folder: string): void {
  for (const id of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
    try {
      const isGit = readFileSync(`/proc/${id}/comm`, 'utf8').startsWith('git')
      if (isGit && readlinkSync(`/proc/${id}/cwd`).startsWith(folder)) process.kill(Number(id), 'SIGKILL')
    } catch {
      // It has ended.
    }
  }
}

class Bench {
  readonly repos: GitRepos
  child: ChildProcess | null = null

  constructor(repos: GitRepos) {
    this.repos = repos
    const { config, configFile } = dataPaths(repos.path('data'))
    mkdirSync(config, { recursive: true })
    writeFileSync(
      configFile,
      '[server]\nhost: 127.0.0.1\nport: 0\nssl_port: 0\n[authorization]\ntrusted_clients: 127.0.0.1\n' +
        '[machine]\nprovider: none\n[announcements]\nenable_moonlight: False\n' +
        '[update_manager]\nenable_system_updates: False\n[update_manager app]\ntype: git_repo\n' +
        `is_system_service: False\npath: ${repos.path('app')}\norigin: ${repos.path('app.git')}\n`,
    )
  }

  /** Starts a server; resolves when it has repaired what it found. */
  start(): Promise<WebClient> {
    return startRepaired(this.repos.path('data'), child => {
      this.child = child
    })
  }

  async kill(withGit: boolean): Promise<void> {
    const { child } = this
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    if (withGit) killGit(this.repos.folder)
    await exited
  }
}

/** What is done in a round. A soft recovery of a clean repository changes nothing. */
const OPERATIONS = [
  ['client', { name: 'app' }],
  ['rollback', { name: 'app' }],
  ['client', { name: 'app' }],
  ['recover', { name: 'app', hard: true }],
  ['recover', { name: 'app' }],
] as const

test(`killed ${ROUNDS} times`, { timeout: 60_000 + ROUNDS * 30_000 }, async () => {
  using repos = new GitRepos()
  const versions = publishVersions(repos)
  repos.clone('app.git', 'app', versions[0])
  repos.write('app', 'mine/settings.txt', 'of the user\n')
  const bench = new Bench(repos)
  try {
    let client = await bench.start()
    for (let round = 0; round < ROUNDS; round += 1) {
      const [method, params] = OPERATIONS[round % OPERATIONS.length] as (typeof OPERATIONS)[number]
      const ended = client.call(`machine.update.${method}`, params)
      await Promise.race([setTimeout(randomInt(LONGEST)), ended])
      await bench.kill(randomInt(3) > 0)
      client[Symbol.dispose]()
      client = await bench.start()
      const state = `round ${round}, ${method}`
      assert.equal(repos.git('app', 'status', '--porcelain'), '?? mine/', state)
      assert.ok(versions.includes(repos.git('app', 'rev-parse', 'HEAD')), state)
      assert.equal(repos.read('app', 'mine/settings.txt'), 'of the user\n', state)
      assert.deepEqual(
        readdirSync(repos.folder).filter(name => name.endsWith('_repo_backup')),
        [],
        state,
      )
      const { result } = await client.call('machine.update.client', { name: 'app' })
      assert.equal(result, 'ok', state)
      assert.equal(repos.git('app', 'rev-parse', 'HEAD'), versions[1], state)
      // From here a rollback leads to the old commit, and the next update to the new one.
      repos.git('app', 'reset', '--quiet', '--hard', versions[randomInt(2)] as string)
      await client.call('machine.update.refresh')
    }
    assert.equal(repos.git('app', 'fsck', '--no-dangling'), '')
  } finally {
    await bench.kill(true)
  }
})
