// Runs jobs in a child process, so that the content of a file can neither block the server, nor fill its memory, nor
// end it. The process starts with the first job and ends a short time after the last one.
import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { JobMessage, JobName, JobRequest, WorkerJobs } from './jobs.ts'

/** The worker's program: in this folder, or built next to the bundle. */
const PROGRAMS = ['worker.ts', 'metadata-worker.cjs'].map(name => join(import.meta.dirname, name))
/** Milliseconds without a job after which the process ends. */
const IDLE = 2000
/** MiB of JavaScript objects; a worker that needs more ends. */
const HEAP = 128

/** The worker did not finish its job: the job took too long, or the process ended. */
export class WorkerLost extends Error {
  override readonly name: string = 'WorkerLost'
}

/** How a job runs. */
export interface RunOptions<J extends JobName> {
  readonly timeoutSeconds: number
  readonly signal: AbortSignal
  /** A number that it returns is a new timeout in seconds, from now on. */
  readonly onProgress?: (progress: WorkerJobs[J]['progress']) => number | undefined
}

/** A lower priority, so that a busy machine serves clients first; and little memory for young objects. */
const BACKGROUND = { niceness: 5, flags: ['--max-semi-space-size=4'] }

export class WorkerProcess {
  readonly #isBackground: boolean
  #child: ChildProcess | null = null
  #idle: NodeJS.Timeout | undefined
  #stopped = false

  /** `isBackground`: no client waits for the jobs. */
  constructor(isBackground = false) {
    this.#isBackground = isBackground
  }

  /**
   * Runs a job; the caller waits for its end before the next one. Rejects with the job's own error, which has the
   * `code` of an error of the system, with WorkerLost, or with the signal's reason.
   */
  async run<J extends JobName>(
    job: J,
    input: WorkerJobs[J]['input'],
    options: RunOptions<J>,
  ): Promise<WorkerJobs[J]['result']> {
    clearTimeout(this.#idle)
    const child = this.#child ?? (await this.#start())
    try {
      return await this.#resultOf(child, { job, input }, options)
    } finally {
      if (this.#child !== null) this.#endWhenIdle(this.#child)
    }
  }

  async #resultOf<J extends JobName>(
    child: ChildProcess,
    request: JobRequest,
    { timeoutSeconds, signal, onProgress }: RunOptions<J>,
  ): Promise<WorkerJobs[J]['result']> {
    signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<WorkerJobs[J]['result']>()
    const kill = (reason: unknown) => {
      reject(reason)
      this.#kill()
    }
    const startTimer = (seconds: number) =>
      setTimeout(
        () => kill(new WorkerLost(`no result within ${Math.round(seconds)} seconds`)),
        seconds * 1000,
      )
    let timer = startTimer(timeoutSeconds)
    const onMessage = (message: unknown) => {
      const received = message as JobMessage
      if (received.kind === 'result') resolve(received.value as WorkerJobs[J]['result'])
      else if (received.kind === 'failure')
        reject(Object.assign(new Error(received.message), received.code && { code: received.code }))
      else {
        const seconds = onProgress?.(received.value as WorkerJobs[J]['progress'])
        if (seconds === undefined) return
        clearTimeout(timer)
        timer = startTimer(seconds)
      }
    }
    const onExit = (code: number | null, by: NodeJS.Signals | null) =>
      reject(new WorkerLost(`the worker ended (${by ?? `exit code ${code}`})`))
    const onAbort = () => kill(signal.reason)
    child.on('message', onMessage).once('exit', onExit).once('error', reject)
    signal.addEventListener('abort', onAbort)
    try {
      child.send(request)
      return await promise
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      child.off('message', onMessage).off('exit', onExit).off('error', reject)
    }
  }

  /** Ends the process, and the job that it runs. No job can start afterwards. */
  stop(): void {
    this.#stopped = true
    clearTimeout(this.#idle)
    this.#kill()
  }

  async #start(): Promise<ChildProcess> {
    const { fork } = await import('node:child_process')
    if (this.#stopped) throw new WorkerLost('the server stops')
    const program = PROGRAMS.find(path => existsSync(path))
    if (program === undefined) throw new WorkerLost(`the worker's program is missing: ${PROGRAMS.at(-1)}`)
    const child = fork(program, [], {
      execArgv: [`--max-old-space-size=${HEAP}`, ...(this.#isBackground ? BACKGROUND.flags : [])],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    child.unref()
    child.channel?.unref()
    // An `error` event without a listener would end the server.
    child.on('error', () => this.#forget(child)).once('exit', () => this.#forget(child))
    if (this.#isBackground) await lowerPriority(child.pid)
    this.#child = child
    return child
  }

  #forget(child: ChildProcess): void {
    if (this.#child === child) this.#child = null
  }

  #kill(): void {
    const child = this.#child
    this.#child = null
    child?.kill('SIGKILL')
  }

  #endWhenIdle(child: ChildProcess): void {
    this.#idle = setTimeout(() => {
      this.#forget(child)
      if (child.connected) child.disconnect()
    }, IDLE).unref()
  }
}

/** The process may have ended, or the system may refuse it: then the priority stays. */
async function lowerPriority(pid: number | undefined): Promise<void> {
  const { setPriority } = await import('node:os')
  try {
    if (pid !== undefined) setPriority(pid, BACKGROUND.niceness)
  } catch {}
}
