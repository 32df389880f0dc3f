// Power cuts on a disk that writes late, and a full disk, during updates and rollbacks of every type that has files, and
// while a configuration file is saved: afterwards each installation is the old or the new version, whole; what the server
// has reported as done is the new one; and an update can be run again. POWER_CUTS=300 runs more rounds.
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { dataPaths } from '../../../src/core/paths.ts'
import { GitRepos } from '../../support/git-repos.ts'
import { LazyDisk, withoutLazyDisk } from '../../support/lazy-disk/lazy-disk.ts'
import { ReleaseServer } from '../../support/release-server.ts'
import type { WebClient } from '../../support/web-client.ts'
import { Installations, NAMES, type Name } from './installations.ts'

const ROUNDS = Number(process.env.POWER_CUTS ?? 1)
/** Changes of the disk in an operation before one was counted. */
const FIRST_GUESS = 600
/** Files of the repository. */
const FILES = Array.from({ length: 40 }, (_, number) => `part${number % 3}/file${number}`)
const CONFIG = 'printer.cfg'

const TARGETS = ['git', 'web', 'python', 'config', 'zip', 'executable'] as const
type Target = (typeof TARGETS)[number]

const isPackaged = (target: Target): target is Name => (NAMES as readonly string[]).includes(target)

class Bench implements AsyncDisposable {
  readonly installations: Installations
  readonly disk: LazyDisk
  readonly #repos = new GitRepos()
  readonly #configFile: string
  #client: WebClient | null = null

  constructor(releases: ReleaseServer) {
    const repos = this.#repos
    this.installations = new Installations(
      releases,
      folder =>
        `[update_manager git]\ntype: git_repo\nis_system_service: False\npath: ${join(folder, 'git')}\n` +
        `origin: ${repos.path('app.git')}\n`,
    )
    const { folder } = this.installations
    this.#configFile = join(dataPaths(join(folder, 'data')).config, CONFIG)
    writeFileSync(this.#configFile, contentOf('1.0.0'))
    repos.create('source')
    this.#commit('1.0.0')
    repos.publish('source', 'app.git')
    repos.git('.', 'clone', '--quiet', '--no-hardlinks', repos.path('app.git'), join(folder, 'git'))
    mkdirSync(join(folder, 'git/mine'))
    writeFileSync(join(folder, 'git/mine/settings'), 'of the user')
    this.installations.publish('1.0.0')
    this.disk = new LazyDisk(folder)
  }

  #commit(version: string): void {
    for (const file of FILES) this.#repos.write('source', file, contentOf(version))
    this.#repos.commit('source', version)
  }

  publish(version: string): void {
    this.installations.publish(version)
    this.#commit(version)
    this.#repos.git('source', 'push', '--quiet', this.#repos.path('app.git'), 'master')
  }

  /** The version of a target, all of whose files are of that version. */
  wholeVersion(target: Target): string {
    if (isPackaged(target)) return this.installations.wholeVersion(target)
    if (target === 'config') return versionOf(readFileSync(this.#configFile, 'utf8'))
    const folder = join(this.installations.folder, 'git')
    const git = (...args: string[]) => this.#repos.git('.', '-C', folder, ...args)
    const version = git('show', '--no-patch', '--format=%s')
    for (const file of FILES) assert.equal(versionOf(readFileSync(join(folder, file), 'utf8')), version, file)
    assert.equal(git('status', '--porcelain'), '?? mine/')
    assert.equal(git('fsck', '--no-dangling', '--no-reflogs'), '')
    assert.equal(readFileSync(join(folder, 'mine/settings'), 'utf8'), 'of the user')
    return version
  }

  /** A client of the server; starts one if none runs. False if the power fails before it has repaired what it found. */
  async start(): Promise<boolean> {
    const started = this.installations.start(this.disk.environment)
    this.#client = (await Promise.race([started, this.installations.ended])) ?? null
    return this.#client !== null
  }

  /** Updates a target, or saves the file; null if the power fails before the reply. */
  async change(target: Target, version: string, isRollback: boolean): Promise<string | null> {
    const reply = target === 'config' ? this.#save(version) : this.#call(target, isRollback)
    return (await Promise.race([reply.catch(() => undefined), this.installations.ended])) ?? null
  }

  async #call(name: string, isRollback: boolean): Promise<string> {
    const method = isRollback ? 'machine.update.rollback' : 'machine.update.client'
    const { result, error } = await this.client.call(method, { name })
    return result ?? error.message
  }

  async #save(version: string): Promise<string> {
    const form = new FormData()
    form.set('root', 'config')
    form.set('file', new Blob([contentOf(version)]), CONFIG)
    const url = this.client.ws.url.replace('ws', 'http').replace('websocket', 'server/files/upload')
    const { ok, status } = await fetch(url, { method: 'POST', body: form })
    return ok ? 'ok' : `HTTP ${status}`
  }

  get client(): WebClient {
    assert.ok(this.#client)
    return this.#client
  }

  /** Ends the power, if that has not happened yet, and switches it on again. */
  async cut(): Promise<void> {
    await this.installations.kill()
    this.#client?.[Symbol.dispose]()
    await this.disk.loseUnsynced()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.installations[Symbol.asyncDispose]()
    this.#client?.[Symbol.dispose]()
    this.disk[Symbol.dispose]()
    this.#repos[Symbol.dispose]()
  }
}

const contentOf = (version: string) => `${version}\n`.repeat(700)

function versionOf(content: string): string {
  const [version = ''] = content.split('\n')
  assert.equal(content, contentOf(version))
  return version
}

/** Changes that an operation on a target makes, where they have been counted. */
const usual = new Map<Target, number>()
const oneOfChanges = (target: Target) => randomInt(usual.get(target) ?? FIRST_GUESS)

const suite = { skip: withoutLazyDisk, timeout: 60_000 + ROUNDS * 30_000 }

test('installations survive power cuts and a full disk', suite, async t => {
  await using releases = await ReleaseServer.start()
  releases.quota = { ...releases.quota, remaining: 1_000_000 }
  await using bench = new Bench(releases)
  const { disk } = bench
  assert.ok(await bench.start())

  /** Publishes a version of everything; the result is the one that a target has, and the new one. */
  const prepare = async (target: Target, next: string) => {
    const before = bench.wholeVersion(target)
    bench.publish(next)
    await bench.client.call('machine.update.refresh')
    return before
  }
  const finish = async (target: Target, next: string, state: string) => {
    const isOld = bench.wholeVersion(target) !== next
    const { changes } = disk
    assert.equal(await bench.change(target, next, false), 'ok', state)
    if (isOld) usual.set(target, disk.changes - changes)
    assert.equal(bench.wholeVersion(target), next, state)
  }

  await t.test(`${ROUNDS} power cuts`, async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const target = TARGETS[round % TARGETS.length] as Target
      const next = `1.0.${round + 1}`
      const before = await prepare(target, next)
      // Every third time it is the way back to the version of before that is interrupted.
      const isRollback = target !== 'config' && round % 18 >= 12
      disk.cutAfter(oneOfChanges(target))
      const reply = await bench.change(target, next, isRollback)
      await bench.cut()
      // Every fourth time the power fails during the repair too.
      if (round % 4 === 3) disk.cutAfter(randomInt(300))
      if (!(await bench.start())) {
        await bench.cut()
        assert.ok(await bench.start())
      }
      disk.cutAfter(null)
      const state = `round ${round}, ${isRollback ? 'rollback' : 'change'} of ${target} from ${before}: ${reply}`
      const version = bench.wholeVersion(target)
      assert.ok(reply === null || reply === 'ok', state)
      if (!isRollback) assert.ok([before, next].includes(version), `${state} is at ${version}`)
      if (!isRollback && reply === 'ok') assert.equal(version, next, state)
      await finish(target, next, state)
    }
  })

  await t.test(`a disk that is full ${ROUNDS} times`, async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const target = TARGETS[(round + 3) % TARGETS.length] as Target
      const next = `2.0.${round}`
      const before = await prepare(target, next)
      disk.fullAfter(oneOfChanges(target))
      const reply = await bench.change(target, next, false)
      const wasFull = disk.isFull
      disk.fullAfter(null)
      const state = `round ${round}, change of ${target} from ${before}: ${reply}`
      assert.notEqual(reply, null, `${state}: the server has ended`)
      assert.ok(wasFull || reply === 'ok', state)
      // Where nothing could be written, a repository is restored when there is space.
      await bench.client.call('machine.update.refresh', { name: 'git' })
      assert.equal(bench.wholeVersion(target), reply === 'ok' ? next : before, state)
      await finish(target, next, state)
    }
  })
})
