// A server as it is installed: a bundle in a process of its own, which a test can kill.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { type DataPaths, dataPaths } from '../../src/core/paths.ts'
import { freePort } from './free-port.ts'
import { killProcess } from './kill-process.ts'
import { sendRequest } from './raw-http.ts'
import { serverBundle } from './server-bundle.ts'

const COMMAND = join(await serverBundle(), 'moonraker.cjs')

/** A server that listens. */
interface StartedServer {
  readonly child: ChildProcess
  readonly port: number
}

/**
 * Starts a server on a data folder whose configuration has the port 0; resolves when it listens. `started` receives the
 * process at once, `env` is added to the environment.
 */
export async function startServerProcess(
  data: string,
  { started, env }: { started?: (child: ChildProcess) => void; env?: Readonly<Record<string, string>> } = {},
): Promise<StartedServer> {
  const child = spawn(process.execPath, [COMMAND, '-d', data], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  })
  started?.(child)
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    const [, port] = /is up: http:\/\/127\.0\.0\.1:(\d+)/.exec(text) ?? []
    if (port !== undefined) resolve(Number(port))
  })
  child.on('close', () => reject(new Error(`the server has ended: ${text}`)))
  return { child, port: await promise }
}

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

  /** Writes the configuration. `conf` is further text of moonraker.conf. */
  static async prepare(conf = ''): Promise<ServerProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'server-process-'))
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
    const stdio = ['ignore' as const, 'ignore' as const, 'inherit' as const]
    this.#child = spawn(process.execPath, [COMMAND, '-d', this.paths.data], { stdio })
    return this.#child
  }

  /** Resolves when the server listens. */
  async listening(): Promise<void> {
    await atOnce(() => sendRequest(this.port, '/readyz'))
  }

  async kill(): Promise<void> {
    await killProcess(this.#child)
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
