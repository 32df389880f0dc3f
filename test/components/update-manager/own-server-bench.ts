// This server as it is installed from a release, with a service manager that starts it again whenever it has ended.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { dataPaths } from '../../../src/core/paths.ts'
import { freePort } from '../../support/free-port.ts'
import type { ReleaseServer } from '../../support/release-server.ts'
import { copyBundle } from '../../support/server-bundle.ts'
import { WebClient } from '../../support/web-client.ts'
import { zipOf } from '../../support/zip-of.ts'

export const manifest = JSON.stringify({ name: 'moonraker-ts', version: '0.0.0' })
const info = (version: string) =>
  JSON.stringify({ project_name: 'moonraker-ts', project_owner: 'dummy', version })

/** How the server is set up. */
interface OwnServerOptions {
  readonly releases: ReleaseServer
  /** Seconds that a new version has to answer. */
  readonly guardSeconds: number
  /** Changes the installation before the server starts. */
  readonly prepare?: (root: string) => void
}

export class OwnServerBench implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'own-release-'))
  readonly root = join(this.folder, 'server')
  readonly #port: number
  readonly #guardSeconds: number
  #child: ChildProcess | null = null
  #isStopped = false

  private constructor(port: number, { guardSeconds }: OwnServerOptions) {
    this.#port = port
    this.#guardSeconds = guardSeconds
  }

  static async start(options: OwnServerOptions): Promise<OwnServerBench> {
    const { releases, prepare } = options
    const bench = new OwnServerBench(await freePort(), options)
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
    prepare?.(bench.root)
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
    const env = { ...process.env, MOONRAKER_TS_GUARD_SECONDS: String(this.#guardSeconds) }
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

export async function ownVersion(client: WebClient): Promise<string> {
  const { result } = await client.call('machine.update.status')
  return result.version_info.moonraker.version
}

/** In place of systemd-run: runs a command in the background. */
export const SYSTEMD_RUN = `
while [ "$1" != -- ]; do echo "$1" >> $HERE/calls; shift; done
shift
setsid "$@" > /dev/null 2>&1 &
`
