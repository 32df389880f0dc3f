// A service as systemd runs it with `Type=notify`, `WatchdogSec`, `MemoryMax` and `Restart=always`: a process that does not
// report in time gets SIGABRT, one with too much memory SIGKILL, and whenever the process ends it is started again.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { NotifySocket } from './notify-socket.ts'

/** Milliseconds between two readings of the socket and of the memory. */
const PERIOD = 20

/** How the service is run. */
export interface ServiceOptions {
  /** The path of the socket for reports. */
  readonly socket: string
  /** Seconds without a report, after which the process is ended. */
  readonly watchdog: number
  /** Bytes of memory of its own, above which the process is ended. */
  readonly memoryMax: number
  /** Starts a process with these environment variables. */
  readonly start: (env: Readonly<Record<string, string>>) => ChildProcess
}

export class WatchedService implements AsyncDisposable {
  readonly #options: ServiceOptions
  readonly #socket: NotifySocket
  readonly #timer: NodeJS.Timeout
  #child: ChildProcess
  /** The time of the last report, in milliseconds; null until the process is ready. */
  #reported: number | null = null
  #isStopping = false
  /** How each process has ended: its signal or its code. */
  readonly ends: (NodeJS.Signals | number | null)[] = []

  constructor(options: ServiceOptions) {
    this.#options = options
    this.#socket = new NotifySocket(options.socket)
    this.#timer = setInterval(() => this.#check(), PERIOD)
    this.#child = this.#start()
  }

  #start(): ChildProcess {
    const { socket, watchdog, start } = this.#options
    this.#reported = null
    const child = start({ NOTIFY_SOCKET: socket, WATCHDOG_USEC: String(watchdog * 1e6) })
    child.once('exit', (code, signal) => {
      this.ends.push(signal ?? code)
      if (!this.#isStopping) this.#child = this.#start()
    })
    return child
  }

  #check(): void {
    if (memoryOf(this.#child) > this.#options.memoryMax) this.#child.kill('SIGKILL')
    const now = performance.now()
    const reports = this.#socket.received().filter(text => text === 'READY=1' || text === 'WATCHDOG=1')
    if (reports.length > 0) this.#reported = now
    if (this.#reported === null || now - this.#reported < this.#options.watchdog * 1000) return
    this.#reported = null
    this.#child.kill('SIGABRT')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true
    clearInterval(this.#timer)
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGKILL')
      await once(this.#child, 'exit')
    }
    this.#socket[Symbol.dispose]()
  }
}

/** The memory of a process that is in no file; 0 for one that has ended. */
function memoryOf({ pid }: ChildProcess): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}
