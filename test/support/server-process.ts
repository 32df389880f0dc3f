// A server as it is installed: a bundle in a process of its own, which a test can kill.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type DataPaths, dataPaths } from '../../src/core/paths.ts'
import { freePort } from './free-port.ts'

const BUILD = fileURLToPath(new URL('../../scripts/build.mjs', import.meta.url))

export class ServerProcess implements AsyncDisposable {
  readonly #folder: string
  readonly paths: DataPaths
  readonly port: number
  #child: ChildProcess | null = null

  private constructor(folder: string, port: number) {
    this.#folder = folder
    this.paths = dataPaths(join(folder, 'data'))
    this.port = port
  }

  /** Builds the bundle and writes the configuration. `conf` is further text of moonraker.conf. */
  static async prepare(conf = ''): Promise<ServerProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'server-process-'))
    await promisify(execFile)(process.execPath, [BUILD, join(folder, 'dist')])
    const server = new ServerProcess(folder, await freePort())
    const { config, gcodes, configFile } = server.paths
    for (const each of [config, gcodes]) mkdirSync(each, { recursive: true })
    writeFileSync(
      configFile,
      `[server]\nhost: 127.0.0.1\nport: ${server.port}\nssl_port: 0\n[authorization]\ntrusted_clients: 127.0.0.1\n` +
        `[machine]\nprovider: none\n[announcements]\nenable_moonlight: False\n${conf}\n`,
    )
    return server
  }

  /** Starts the process; does not wait until it listens. */
  start(): ChildProcess {
    const command = join(this.#folder, 'dist', 'moonraker.cjs')
    const stdio = ['ignore' as const, 'ignore' as const, 'inherit' as const]
    this.#child = spawn(process.execPath, [command, '-d', this.paths.data], { stdio })
    return this.#child
  }

  async kill(): Promise<void> {
    const child = this.#child
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** Errors of a connection to a server that does not listen yet. */
const NOT_LISTENING = ['ECONNREFUSED', 'ENOENT']

/** Calls `send` until the server accepts its connection. */
export async function atOnce<T>(send: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await send()
    } catch (error) {
      if (!NOT_LISTENING.includes((error as NodeJS.ErrnoException).code ?? '')) throw error
      await setTimeout(1)
    }
  }
}
