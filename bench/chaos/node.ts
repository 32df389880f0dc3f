// A program of a chaos run on its node: started, killed, and started again. It writes to a log of its own.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, type WriteStream } from 'node:fs'
import { killProcess } from '../../test/support/kill-process.ts'
import { Network } from './network.ts'

/** What runs where. */
export interface NodeParts {
  readonly name: string
  readonly command: readonly string[]
  readonly logFile: string
  /** Whether `request` reaches it. */
  readonly answers?: boolean
  /** Receives the text of its standard output. */
  readonly onOutput?: (text: string) => void
  /** Receives what ends a program by itself: it should run until it is killed. */
  readonly onProblem: (text: string) => void
}

export class Node {
  readonly #parts: NodeParts
  readonly #log: WriteStream
  #child: ChildProcess | null = null
  #isKilled = false

  constructor(parts: NodeParts) {
    this.#parts = parts
    this.#log = createWriteStream(parts.logFile, { flags: 'a' })
  }

  get name(): string {
    return this.#parts.name
  }

  get isRunning(): boolean {
    return this.#child !== null
  }

  start(): void {
    if (this.#child !== null) return
    const { name, command, answers = false, onOutput, onProblem } = this.#parts
    const [program = '', ...args] = Network.on(name, command)
    const channel = answers ? (['ipc'] as const) : []
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe', ...channel] })
    this.#child = child
    this.#isKilled = false
    this.#log.write(`--- started, process ${child.pid}\n`)
    child.stdout?.on('data', (part: Buffer) => {
      this.#log.write(part)
      onOutput?.(part.toString())
    })
    child.stderr?.on('data', (part: Buffer) => this.#log.write(part))
    child.once('exit', (code, signal) => {
      this.#child = null
      this.#log.write(`--- ended, ${signal ?? `code ${code}`}\n`)
      if (!this.#isKilled) onProblem(`${name} has ended by itself: ${signal ?? `code ${code}`}`)
    })
  }

  async kill(): Promise<void> {
    this.#isKilled = true
    await killProcess(this.#child)
  }

  /** Sends a word to the program, and resolves with its answer. */
  async request<T>(word: string): Promise<T> {
    if (this.#child === null) throw new Error(`${this.name} does not run`)
    const answer = once(this.#child, 'message')
    this.#child.send(word)
    return (await answer)[0] as T
  }
}
