// The server that is measured: ours, started from its bundle; another, started by a command; or one that runs already.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { endOfReply } from './http-load.ts'
import { sleep } from './load.ts'
import type { Options } from './options.ts'
import { RawConnection } from './raw-connection.ts'

const BUNDLE = fileURLToPath(new URL('../dist/moonraker.cjs', import.meta.url))
/** Seconds that a server has for its first answer. */
const START_LIMIT = 30
/** Seconds between two attempts to reach a server that starts. */
const PROBE_INTERVAL = 0.002

/** How the measured server is reached and started. */
export interface Target {
  readonly address: { readonly host: string; readonly port: number }
  /** The server's unix socket; null where it is not known. */
  readonly socketPath: string | null
  /** Where the server looks for Klippy; null where it is not known. */
  readonly klippySocket: string | null
  /** Null for a server that runs already. */
  readonly command: readonly string[] | null
  /** The process that is looked at; null where it is not known. */
  readonly pid: number | null
  /** Removes what was made for the server. */
  clean(): void
}

/** Our own server with a fresh data folder, or the server of the options. */
export async function targetOf(options: Options): Promise<Target> {
  const { host, port, socketPath, klippySocket, pid, start } = options
  if (port === null) return ownServer()
  const command = start === null ? null : ['/bin/sh', '-c', `exec ${start}`]
  return { address: { host, port }, socketPath, klippySocket, command, pid, clean: () => {} }
}

/** A build of our own server with a fresh data folder, with further sections in its configuration. */
export async function ownServer(more: readonly string[] = [], bundle = BUNDLE): Promise<Target> {
  if (!existsSync(bundle)) throw new Error(`${bundle} is missing: run 'npm run build' first`)
  const folder = mkdtempSync(join(tmpdir(), 'bench-'))
  const port = await freePort()
  const klippySocket = join(folder, 'klippy.sock')
  mkdirSync(join(folder, 'config'))
  const sections = [
    `[server]\nhost: 127.0.0.1\nport: ${port}\nklippy_uds_address: ${klippySocket}`,
    '[authorization]\ntrusted_clients:\n  127.0.0.1',
    ...more,
  ]
  writeFileSync(join(folder, 'config', 'moonraker.conf'), `${sections.join('\n\n')}\n`)
  return {
    address: { host: '127.0.0.1', port },
    socketPath: join(folder, 'comms', 'moonraker.sock'),
    klippySocket,
    command: [process.execPath, bundle, '-d', folder],
    pid: null,
    clean: () => rmSync(folder, { recursive: true, force: true }),
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const bound = server.address()
      server.close(() => resolve(typeof bound === 'object' && bound !== null ? bound.port : 0))
    })
  })
}

/** A server that was started, or null where it ran already. */
export interface Started {
  readonly pid: number | null
  /** Seconds from the start of the process to the first answer; null where it ran already. */
  readonly seconds: number | null
  readonly stop: () => Promise<void>
}

/** Starts the server and waits for its first answer. Rejects when none comes. */
export async function startTarget({ command, address, pid }: Target): Promise<Started> {
  if (command === null) {
    await firstAnswer(address, null)
    return { pid, seconds: null, stop: async () => {} }
  }
  const [program = '', ...args] = command
  const start = performance.now()
  const child = spawn(program, args, { stdio: 'ignore' })
  const stop = () => stopped(child)
  try {
    await firstAnswer(address, child)
  } catch (error) {
    await stop()
    throw error
  }
  return { pid: child.pid ?? null, seconds: (performance.now() - start) / 1000, stop }
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGTERM')
  const force = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await exit
  clearTimeout(force)
}

async function firstAnswer(address: Target['address'], child: ChildProcess | null): Promise<void> {
  const limit = performance.now() + START_LIMIT * 1000
  for (;;) {
    if (await answers(address)) return
    if (child !== null && child.exitCode !== null)
      throw new Error(`the server ended with code ${child.exitCode}`)
    if (performance.now() > limit) {
      throw new Error(`no answer from http://${address.host}:${address.port} within ${START_LIMIT} s`)
    }
    await sleep(PROBE_INTERVAL)
  }
}

function answers(address: Target['address']): Promise<boolean> {
  return new Promise(resolve => {
    const connection = new RawConnection(address, (bytes, start, end) => {
      const replyEnd = endOfReply(bytes, start, end)
      if (replyEnd === null) return start
      connection.close()
      resolve(true)
      return replyEnd
    })
    connection.onFailure(() => resolve(false))
    connection.write('GET /server/info HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
  })
}
