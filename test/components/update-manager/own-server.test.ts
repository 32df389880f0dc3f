// Updates of this server from releases and in a git repository: the program as it is installed, a service manager that starts
// it again, and a new version that does not answer.
import assert from 'node:assert/strict'
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { dataPaths } from '../../../src/core/paths.ts'
import { freePort } from '../../support/free-port.ts'
import { GitRepos } from '../../support/git-repos.ts'
import { ReleaseServer } from '../../support/release-server.ts'
import { copyBundle } from '../../support/server-bundle.ts'
import { type Frame, WebClient } from '../../support/web-client.ts'
import { zipOf } from '../../support/zip-of.ts'
import { fakePrograms } from '../machine/fake-programs.ts'

const PACK = fileURLToPath(new URL('../../../scripts/release-archive.ts', import.meta.url))
/** Seconds that a new version has to answer in this test. */
const GUARD_SECONDS = '2'

/** A program that starts, but does not answer. */
const HANGS = "if (process.argv.includes('--version')) process.exit(0)\nsetInterval(() => {}, 1000)"

/** The guard of such a version is as useless. */
const BROKEN = { 'dist/moonraker.cjs': HANGS, 'dist/update-guard.cjs': 'process.exit(1)' }

const manifest = JSON.stringify({ name: 'moonraker-ts', version: '0.0.0' })
const info = (version: string) =>
  JSON.stringify({ project_name: 'moonraker-ts', project_owner: 'dummy', version })

class Bench {
  readonly folder = mkdtempSync(join(tmpdir(), 'own-release-'))
  readonly root = join(this.folder, 'server')
  readonly #port: number
  #child: ChildProcess | null = null
  #isStopped = false

  private constructor(port: number) {
    this.#port = port
  }

  /** `prepare` changes the installation before the server starts. */
  static async start(
    releases: ReleaseServer,
    prepare: (root: string) => void = () => undefined,
  ): Promise<Bench> {
    const bench = new Bench(await freePort())
    await copyBundle(join(bench.root, 'dist'))
    bench.write('server/package.json', manifest)
    bench.write('server/release_info.json', info('v1.0.0'))
    bench.write('server/node_modules/koffi/kept', 'mine')
    bench.write(
      dataPaths('data').configFile,
      `[server]\nhost: 127.0.0.1\nport: ${bench.#port}\nssl_port: 0\n[authorization]\ntrusted_clients: 127.0.0.1\n` +
        '[machine]\nprovider: systemd_cli\n[announcements]\nenable_moonlight: False\n' +
        `[update_manager]\nenable_system_updates: False\nrelease_api: ${releases.url}\n` +
        '[update_manager moonraker]\nchannel: stable\n',
    )
    prepare(bench.root)
    bench.#run()
    return bench
  }

  write(name: string, content: string): void {
    mkdirSync(dirname(join(this.folder, name)), { recursive: true })
    writeFileSync(join(this.folder, name), content)
  }

  /** The files of the server as those of an archive. */
  archive(version: string, replaced: Readonly<Record<string, string>>): Buffer {
    const entries = readdirSync(join(this.root, 'dist'), { recursive: true, withFileTypes: true })
    const files = entries
      .filter(entry => entry.isFile() && !entry.parentPath.endsWith('/cache'))
      .map(entry => join(entry.parentPath, entry.name).slice(this.root.length + 1))
    const content = (name: string) => replaced[name] ?? readFileSync(join(this.root, name))
    return zipOf([
      ...files.map(name => ({ name, content: content(name) })),
      { name: 'package.json', content: replaced['package.json'] ?? manifest },
      { name: 'release_info.json', content: info(version) },
    ])
  }

  /** Starts the program again whenever it has ended, as a service manager does. */
  #run(): void {
    if (this.#isStopped) return
    const args = [join(this.root, 'dist', 'moonraker.cjs'), '-d', join(this.folder, 'data')]
    const env = { ...process.env, MOONRAKER_TS_GUARD_SECONDS: GUARD_SECONDS }
    this.#child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'inherit'] })
    this.#child.on('exit', () => this.#run())
  }

  /** What `systemctl restart` does. */
  restart(): void {
    this.#child?.kill('SIGKILL')
  }

  /** A client of the server that runs now, when its update manager is ready. */
  async client(): Promise<WebClient> {
    for (;;) {
      try {
        const client = await WebClient.open(`http://127.0.0.1:${this.#port}`)
        for (;;) {
          const { error } = await client.call('machine.update.refresh')
          if (error === undefined) return client
          await setTimeout(20)
        }
      } catch {
        await setTimeout(20)
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true
    this.#child?.kill('SIGKILL')
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 })
    return Promise.resolve()
  }
}

async function ownVersion(client: WebClient): Promise<string> {
  const { result } = await client.call('machine.update.status')
  return result.version_info.moonraker.version
}

const lastLine = (client: WebClient): string =>
  client.frames.filter(({ method }: Frame) => method === 'notify_update_response').at(-1)?.params[0].message

async function assertTakenBack(client: WebClient): Promise<void> {
  const { result } = await client.call('server.info')
  assert.match(
    result.warnings.join('\n'),
    /The new version of this server did not answer within 2 s: the previous version is back/,
  )
}

/** Runs a command in the background, as systemd does. */
const SYSTEMD_RUN = `
while [ "$1" != -- ]; do echo "$1" >> $HERE/calls; shift; done
shift
setsid "$@" > /dev/null 2>&1 &
`

test('this server is updated, and a version that does not answer is taken back', async () => {
  using programs = fakePrograms({ systemctl: '', 'systemd-run': SYSTEMD_RUN })
  await using releases = await ReleaseServer.start()
  await using bench = await Bench.start(releases)
  const publish = (tag: string, archive: Buffer) =>
    releases.repos.set('dummy/moonraker-ts', [{ tag, assets: { 'moonraker-ts.zip': archive } }])

  publish('v1.1.0', bench.archive('v1.1.0', { 'package.json': '{"name":"moonraker"}' }))
  using first = await bench.client()
  assert.equal(await ownVersion(first), 'v1.0.0')
  const other = await first.call('machine.update.moonraker')
  assert.match(other.error.message, /^The release is not one of this server, moonraker-ts/)

  publish('v1.1.0', bench.archive('v1.1.0', { 'dist/moonraker.cjs': 'syntax error' }))
  await first.call('machine.update.refresh', { name: 'moonraker' })
  const broken = await first.call('machine.update.moonraker')
  assert.match(broken.error.message, /^The new version does not run: /)
  assert.equal(await ownVersion(first), 'v1.0.0')

  const file = join(bench.folder, 'moonraker-ts.zip')
  await promisify(execFile)(process.execPath, [PACK, 'dummy/moonraker-ts', 'v1.1.0', file, bench.root])
  publish('v1.1.0', readFileSync(file))
  await first.call('machine.update.refresh', { name: 'moonraker' })
  assert.equal((await first.call('machine.update.moonraker')).result, 'ok')
  assert.equal(lastLine(first), 'Zip Application moonraker: Update Finished...')
  bench.restart()
  using second = await bench.client()
  assert.equal(await ownVersion(second), 'v1.1.0')
  assert.equal(readFileSync(join(bench.root, 'node_modules/koffi/kept'), 'utf8'), 'mine')
  const trial = join(bench.folder, '.server.update/trial.json')
  while (existsSync(trial)) await setTimeout(20)

  publish('v1.2.0', bench.archive('v1.2.0', BROKEN))
  await second.call('machine.update.refresh', { name: 'moonraker' })
  assert.equal((await second.call('machine.update.moonraker')).result, 'ok')
  bench.restart()
  using third = await bench.client()
  assert.equal(await ownVersion(third), 'v1.1.0')
  await assertTakenBack(third)
  // The guard is a unit of its own: systemd ends the processes of a service with it.
  const unit = ['--no-ask-password', '--quiet', '--collect', `--uid=${process.getuid?.()}`]
  assert.deepEqual(programs.calls(), [...unit, ...unit])
})

/** Builds a program that starts, but does not answer. */
const BROKEN_BUILD = `
import { cpSync, writeFileSync } from 'node:fs'
cpSync('dist', process.argv[2], { recursive: true })
writeFileSync(process.argv[2] + '/moonraker.cjs', ${JSON.stringify(HANGS)})
writeFileSync(process.argv[2] + '/update-guard.cjs', 'process.exit(1)')
`

test('in a git repository, a build that does not answer is taken back', async () => {
  using _ = fakePrograms({ systemctl: '', 'systemd-run': 'exit 1', sudo: 'exit 1' })
  using repos = new GitRepos()
  await using releases = await ReleaseServer.start()
  await using bench = await Bench.start(releases, root => {
    repos.create('source', 'main')
    repos.write('source', 'package.json', manifest)
    repos.write('source', 'scripts/build.mjs', BROKEN_BUILD)
    repos.write('source', '.gitignore', '/dist/\n/.dist.update/\n/node_modules/\n/release_info.json\n')
    repos.commit('source', 'one')
    repos.tag('source', 'v1.0.0')
    repos.publish('source', 'remote.git')
    repos.clone('remote.git', 'clone')
    renameSync(repos.path('clone', '.git'), join(root, '.git'))
    execFileSync('git', ['-C', root, 'reset', '--quiet', '--hard'])
    repos.commit('source', 'two')
    repos.tag('source', 'v1.1.0')
    repos.git('source', 'push', '--quiet', repos.path('remote.git'), 'main', 'v1.1.0')
  })
  const program = () => readFileSync(join(bench.root, 'dist/moonraker.cjs'), 'utf8')
  const present = program()
  using first = await bench.client()
  const reply = await first.call('machine.update.upgrade', { name: 'moonraker' })
  assert.equal(reply.result, 'ok', JSON.stringify(reply))
  assert.equal(program(), HANGS)
  bench.restart()
  using second = await bench.client()
  assert.equal(program(), present)
  await assertTakenBack(second)
})
