// The program Klipper Estimator: where it is, its version, and its commands. One command runs at a time.
import { join } from 'node:path'
import type { Estimate } from '../../../api/analysis.ts'
import { commandFailure } from '../../../core/command-failure.ts'
import { ApiError, messageOf } from '../../../core/errors.ts'
import { findProgram } from '../../../core/find-program.ts'
import { type CommandResult, runCommand } from '../../../core/run-command.ts'
import { SerialQueue } from '../../../core/serial-queue.ts'
import type { Infer } from '../../../schema/index.ts'
import { isPlainObject } from '../../../schema/index.ts'

/** Seconds that the program has to print its version. */
const VERSION_TIMEOUT = 10
/** Bytes of an estimate: a layer takes about 50. */
const MAX_ESTIMATE = 16 * 1024 * 1024

/** Where the program is, and how long it may run. */
export interface ProgramOptions {
  /** tools/klipper_estimator of the data folder. */
  readonly folder: string
  readonly platform: 'rpi' | 'linux' | 'osx' | 'auto'
  readonly timeoutSeconds: number
}

export class EstimatorProgram {
  /** The name of the program's file; `unknown` for a processor that it does not exist for. */
  readonly name: string
  readonly #path: string
  readonly #timeoutSeconds: number
  readonly #queue = new SerialQueue()
  readonly #stopping = new AbortController()
  #version: string | null = null

  constructor({ folder, platform, timeoutSeconds }: ProgramOptions) {
    const build = platform === 'auto' ? buildForThisMachine() : platform
    this.name = build === null ? 'unknown' : `klipper_estimator_${build}`
    this.#path = join(folder, this.name)
    this.#timeoutSeconds = timeoutSeconds
  }

  get isReady(): boolean {
    return this.#version !== null
  }

  /** As v3.7.3; ? while the program is not ready. */
  get version(): string {
    return this.#version ?? '?'
  }

  get path(): string {
    return this.#path
  }

  /** Looks for the program. Returns why one that is there cannot be used. */
  async find(): Promise<string | undefined> {
    if ((await findProgram(this.#path)) === null) return undefined
    try {
      const { stdout } = await this.#run(['--version'], VERSION_TIMEOUT)
      this.#version = /^klipper_estimator (v[\d.]+)/.exec(stdout)?.[1] ?? null
      return this.#version === null ? `${this.name} is not Klipper Estimator` : undefined
    } catch (error) {
      return messageOf(error)
    }
  }

  /** The times of a file. Rejects with ApiError. */
  async estimate(config: string, file: string): Promise<Infer<typeof Estimate>> {
    const { stdout } = await this.#checked(['--config_file', config, 'estimate', '-f', 'json', file])
    const sequences = readSequences(stdout)
    const [first] = sequences
    if (first === undefined) throw new ApiError(400, 'The file contains no moves')
    return first as Infer<typeof Estimate>
  }

  /** Rewrites the print times in a file, and marks it. Rejects with ApiError. */
  async postProcess(config: string, file: string): Promise<void> {
    await this.#checked(['--config_file', config, 'post-process', file])
  }

  /** Ends a command that runs. */
  stop(): void {
    this.#stopping.abort(new ApiError(503, 'The server stops'))
  }

  async #checked(args: readonly string[]): Promise<CommandResult> {
    if (!this.isReady) throw new ApiError(400, 'Klipper Estimator not available')
    const result = await this.#run(args, this.#timeoutSeconds).catch(error => {
      throw error instanceof ApiError
        ? error
        : new ApiError(500, `Klipper Estimator failed: ${messageOf(error)}`)
    })
    if (result.code !== 0)
      throw new ApiError(500, `Klipper Estimator failed: ${this.#withoutPaths(result, args)}`)
    return result
  }

  #run(args: readonly string[], timeoutSeconds: number): Promise<CommandResult> {
    const { signal } = this.#stopping
    const options = { timeoutSeconds, keepBytes: MAX_ESTIMATE, lowPriority: true, signal }
    return this.#queue.run(() => runCommand(this.#path, args, options))
  }

  /** The program's messages contain paths of this host. */
  #withoutPaths(result: CommandResult, args: readonly string[]): string {
    const text = commandFailure(this.name, result)
    return args.filter(arg => arg.startsWith('/')).reduce((rest, path) => rest.replaceAll(path, '…'), text)
  }
}

function buildForThisMachine(): 'rpi' | 'linux' | 'osx' | null {
  if (process.platform === 'darwin') return 'osx'
  if (process.platform !== 'linux') return null
  if (process.arch === 'x64') return 'linux'
  return process.arch === 'arm' || process.arch === 'arm64' ? 'rpi' : null
}

function readSequences(text: string): unknown[] {
  try {
    const reply = JSON.parse(text) as unknown
    if (isPlainObject(reply) && Array.isArray(reply.sequences)) return reply.sequences
  } catch {}
  throw new ApiError(500, 'Klipper Estimator failed: its output is not an estimate')
}
