// Klipper Estimator with its configuration: which one it uses, and how one is written from Klipper's limits.
import { mkdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Core } from '../../../component/component.ts'
import { replaceFile } from '../../../config/atomic-file.ts'
import { ApiError, messageOf } from '../../../core/errors.ts'
import type { FileProcessors } from '../../../core/file-processor.ts'
import type { Registration } from '../../../core/scope.ts'
import type { FilesService } from '../../files/service.ts'
import type { Machine } from '../estimator/machine.ts'
import { estimatorConfiguration } from './configuration.ts'
import { EstimatorProgram, type ProgramOptions } from './program.ts'

const FOLDER = join('tools', 'klipper_estimator')
const DEFAULT_CONFIG = 'default_estimator_cfg.json'
/** Before object processing, which must see the lines that Klipper Estimator writes. */
const PRIORITY = 800

/** The options of [analysis] that are about Klipper Estimator. */
export interface EstimatorOptions {
  readonly platform: ProgramOptions['platform']
  readonly estimator_config?: string | undefined
  readonly auto_dump_default_config: boolean
  readonly estimator_timeout: number
  readonly enable_auto_analysis: boolean
}

/** What it depends on. */
export interface EstimatorParts {
  readonly core: Core
  readonly files: FilesService
  readonly processors: FileProcessors
  readonly options: EstimatorOptions
}

/** A configuration that was written. */
export interface DumpedConfig {
  dest_root: string | null
  dest_config_path: string
  klipper_estimator_config: Record<string, unknown>
}

export class KlipperEstimator {
  readonly program: EstimatorProgram
  readonly #parts: EstimatorParts
  readonly #folder: string
  #registration: Registration | undefined

  constructor(parts: EstimatorParts) {
    this.#parts = parts
    const { core, options } = parts
    this.#folder = join(core.paths.data, FOLDER)
    const { platform, estimator_timeout: timeoutSeconds } = options
    this.program = new EstimatorProgram({ folder: this.#folder, platform, timeoutSeconds })
  }

  get usesDefaultConfig(): boolean {
    return this.#parts.options.estimator_config === undefined
  }

  async start(): Promise<void> {
    const { core, options } = this.#parts
    const problem = await this.program.find()
    if (problem !== undefined) core.warnings.add(`[analysis]: Klipper Estimator cannot be used: ${problem}`)
    if (options.enable_auto_analysis && !this.program.isReady && problem === undefined) {
      core.warnings.add(
        `[analysis]: enable_auto_analysis needs the program ${this.program.name} in ${FOLDER}`,
      )
    }
    await this.#register()
  }

  stop(): void {
    this.#registration?.remove()
    this.program.stop()
  }

  /** Klipper is ready: its limits may have changed. */
  async klippyReady(machine: () => Machine | undefined): Promise<void> {
    const { core, options } = this.#parts
    if (!this.program.isReady) return
    const isWanted = options.auto_dump_default_config || !(await isFile(this.#defaultPath))
    try {
      if (isWanted) await this.dump(machine())
      await this.#register()
    } catch (error) {
      core.log.warning(`the configuration of Klipper Estimator cannot be written: ${messageOf(error)}`)
    }
  }

  /** Whether the configuration that is used without another one exists. */
  async hasConfig(): Promise<boolean> {
    return await this.configPath().then(
      () => true,
      () => false,
    )
  }

  /** The path of a configuration, of the usual one where `given` is left out. Rejects with ApiError 400. */
  async configPath(given = this.#parts.options.estimator_config): Promise<string> {
    if (given?.split('/').includes('..') === true) {
      throw new ApiError(400, "Invalid value for param 'estimator_config', '..' segments are not allowed")
    }
    const path = given === undefined ? this.#defaultPath : await this.#inConfigRoot(given)
    if (await isFile(path)) return path
    throw new ApiError(400, `Estimator config file '${given ?? DEFAULT_CONFIG}' does not exist`)
  }

  /** Writes a configuration below the config root, or the usual one. Rejects with ApiError. */
  async dump(machine: Machine | undefined, dest?: string): Promise<DumpedConfig> {
    if (dest?.split('/').includes('..') === true)
      throw new ApiError(400, "Parameter 'dest_config' may not contain '..' parts")
    if (machine === undefined)
      throw new ApiError(504, 'Klipper Estimator cannot dump configuration, Klippy not ready')
    const path = dest === undefined ? this.#defaultPath : await this.#inConfigRoot(dest)
    const config = estimatorConfiguration(machine)
    if (dest === undefined) await mkdir(this.#folder, { recursive: true })
    else await this.#checkTarget(path, dest)
    replaceFile(path, `${JSON.stringify(config, null, 2)}\n`, 0o644)
    return {
      dest_root: dest === undefined ? null : 'config',
      dest_config_path: dest ?? `${FOLDER}/${DEFAULT_CONFIG}`,
      klipper_estimator_config: config,
    }
  }

  get #defaultPath(): string {
    return join(this.#folder, DEFAULT_CONFIG)
  }

  async #inConfigRoot(path: string): Promise<string> {
    const { roots } = this.#parts.files
    return (await roots.resolve(roots.get('config'), path)).absolute
  }

  async #checkTarget(path: string, shown: string): Promise<void> {
    const folder = await stat(dirname(path)).catch(() => undefined)
    if (folder?.isDirectory() !== true)
      throw new ApiError(400, `The folder of '${shown}' does not exist in 'config'`)
    const target = await stat(path).catch(() => undefined)
    if (target !== undefined && !target.isFile()) throw new ApiError(400, `not a regular file: ${shown}`)
  }

  /** Files are rewritten from now on, if that is wanted and possible. */
  async #register(): Promise<void> {
    const { options, processors } = this.#parts
    if (!(options.enable_auto_analysis && this.program.isReady && (await this.hasConfig()))) return
    this.#registration?.remove()
    this.#registration = processors.register({
      name: 'klipper_estimator',
      priority: PRIORITY,
      stage: 'rewrite',
      module: 'components/analysis/klipper-estimator/post-process.processor',
      options: {
        program: this.program.path,
        config: await this.configPath(),
        timeoutSeconds: options.estimator_timeout,
      },
      timeLimit: { seconds: options.estimator_timeout, secondsPerMiB: 0 },
    })
  }
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() === true
}
