// The analyses of files: made for every file that is uploaded or changed, and on request.
import type { Core } from '../../component/component.ts'
import { ApiError } from '../../core/errors.ts'
import type { FileProcessors } from '../../core/file-processor.ts'
import type { PlainData } from '../../core/plain-data.ts'
import type { Registration } from '../../core/scope.ts'
import type { MetadataSource } from '../metadata/service.ts'
import { MachineSource } from './machine-source.ts'
import { type AnalysisDetails, type AnalysisSummary, PROCESSOR, readDetails } from './record.ts'

/** Processors of lower numbers, such as those of extensions, run before. */
const PRIORITY = 500
/** For a slow board that prints meanwhile; it needs a tenth of this here. No other file waits for it. */
const TIME_LIMIT = { seconds: 30, secondsPerMiB: 4 }

/** What analyses depend on. */
export interface AnalysesParts {
  readonly core: Core
  readonly metadata: MetadataSource
  readonly processors: FileProcessors
}

export class Analyses {
  readonly machine: MachineSource
  readonly #parts: AnalysesParts
  #registration: Registration | undefined

  constructor(parts: AnalysesParts) {
    this.#parts = parts
    this.machine = new MachineSource(parts.core, () => this.#register())
  }

  start(): void {
    this.#register()
  }

  stop(): void {
    this.#registration?.remove()
  }

  /** The analysis of a file, made now unless it is for the present machine. Rejects with ApiError. */
  async of(filename: string): Promise<AnalysisDetails> {
    const known = await this.known(filename)
    if (known?.machine_id === this.machine.options.facts.id) return known
    return await this.renew(filename)
  }

  /** Analyses a file again. Rejects with ApiError. */
  async renew(filename: string): Promise<AnalysisDetails> {
    const { metadata } = this.#parts
    await this.known(filename)
    await metadata.process(filename).catch(error => {
      if (error instanceof ApiError) throw error
      throw new ApiError(500, `The file ${filename} changed while it was analysed; try again`)
    })
    const now = await this.known(filename)
    if (now === undefined) throw new ApiError(500, `The file ${filename} cannot be analysed; see the log`)
    return now
  }

  /** The stored analysis of the present content of a file, for whatever machine. Rejects where there is no such file. */
  async known(filename: string): Promise<AnalysisDetails | undefined> {
    const { metadata } = this.#parts
    await metadata.metadata(filename).catch(() => {
      throw new ApiError(400, `GCode File '${filename}' does not exit in gcodes path`)
    })
    return readDetails(metadata.details(filename, PROCESSOR))
  }

  /** What clients see of it. */
  async summary(filename: string): Promise<AnalysisSummary | undefined> {
    const { analysis } = await this.#parts.metadata.metadata(filename)
    return analysis as AnalysisSummary | undefined
  }

  /** From now on files are analysed for the present machine. */
  #register(): void {
    this.#registration?.remove()
    this.#registration = this.#parts.processors.register({
      name: PROCESSOR,
      priority: PRIORITY,
      stage: 'background',
      module: 'components/analysis/print-analysis.processor',
      options: this.machine.options as unknown as PlainData,
      timeLimit: TIME_LIMIT,
    })
  }
}
