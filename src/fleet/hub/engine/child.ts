// The engine as a child process of the hub: started, restarted after a failure, reloaded, stopped.
import { type ChildProcess, spawn } from 'node:child_process'
import type { Clock, Timer } from '../../../core/clock.ts'
import { messageOf, StartError } from '../../../core/errors.ts'
import { findProgram } from '../../../core/find-program.ts'
import { LineSplitter } from '../../../core/line-splitter.ts'
import type { Log } from '../../../core/log.ts'

const PROGRAM = 'nats-server'
/** Where Debian installs it, which is not in the PATH of every user. */
const SYSTEM_FOLDERS = ['/usr/sbin', '/usr/local/sbin']
/** Seconds until the next start after a failure; doubled each time. */
const FIRST_DELAY = 0.5
const MAX_DELAY = 30
/** An engine that has run for so many seconds has started well. */
const STABLE_SECONDS = 30
/** Seconds that it has to stop. */
const STOP_SECONDS = 10

/** What the child needs. */
export interface EngineChildParts {
  /** The path of nats-server. */
  readonly program: string
  readonly configFile: string
  readonly clock: Clock
  readonly log: Log
}

/** The path of nats-server, in one of `folders`. Rejects with StartError where it is not installed. */
export async function findEngine(
  folders = [...(process.env.PATH ?? '').split(':'), ...SYSTEM_FOLDERS],
): Promise<string> {
  const found = await findProgram(PROGRAM, folders.join(':'))
  if (found !== null) return found
  throw new StartError(
    `${PROGRAM} is not installed: apt install nats-server; or use the engine of another machine, with --engine and --creds`,
  )
}

export class EngineChild {
  readonly #parts: EngineChildParts
  #process: ChildProcess | null = null
  #delay = FIRST_DELAY
  #restart: Timer | null = null
  #stopped = false

  constructor(parts: EngineChildParts) {
    this.#parts = parts
  }

  /** The id of the running process; undefined while no process runs. */
  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** Starts the engine; it starts again whenever it ends. */
  start(): void {
    const { program, configFile, clock, log } = this.#parts
    const started = clock.monotonic()
    // A group of its own: Ctrl-C stops the hub, which stops the engine when nothing needs it any longer.
    const child = spawn(program, ['-c', configFile], { stdio: ['ignore', 'ignore', 'pipe'], detached: true })
    this.#process = child
    process.once('exit', this.#kill)
    // Its warnings are of its own speed: on a busy machine there are thousands.
    const lines = new LineSplitter(line => {
      const text = line.replace(/^\[\d+\] [\d/]+ [\d:.]+ /, '')
      if (/^\[(ERR|FTL)\]/.test(text)) log.warning(text)
      else log.debug(text)
    })
    child.stderr?.on('data', (part: Buffer) => lines.push(part))
    child.on('error', error => log.error(`${PROGRAM} cannot be run: ${messageOf(error)}`))
    child.once('close', (code, signal) => {
      this.#process = null
      process.off('exit', this.#kill)
      if (this.#stopped) return
      if (clock.monotonic() - started > STABLE_SECONDS) this.#delay = FIRST_DELAY
      log.warning(
        `${PROGRAM} has ended (${signal ?? `code ${code}`}); it starts again in ${this.#delay} seconds`,
      )
      this.#restart = clock.after(this.#delay, () => this.start())
      this.#delay = Math.min(this.#delay * 2, MAX_DELAY)
    })
  }

  /** The hub ends without a stop. */
  readonly #kill = () => void this.#process?.kill('SIGTERM')

  /** Makes the engine read its configuration again. */
  reload(): void {
    this.#process?.kill('SIGHUP')
  }

  /** Stops the engine, and waits for its end. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#restart?.stop()
    const child = this.#process
    if (child === null) return
    const ended = new Promise(resolve => child.once('close', resolve))
    child.kill('SIGTERM')
    const kill = this.#parts.clock.after(STOP_SECONDS, () => child.kill('SIGKILL'))
    await ended
    kill.stop()
  }
}
