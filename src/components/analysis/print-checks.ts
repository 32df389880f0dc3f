// What a print file does not fit in the printer: clients are notified when the print starts, or the print is refused.
import type { Core } from '../../component/component.ts'
import { binaryGcodePath } from '../../core/binary-gcode.ts'
import { ApiError } from '../../core/errors.ts'
import type { Analyses } from './analyses.ts'
import type { AnalysisSummary } from './record.ts'
import type { PrintWarnings } from './service.ts'

/** Seconds that callers wait for the analysis of a file. */
const ANALYSIS_TIMEOUT = 30

export class PrintChecks implements PrintWarnings {
  readonly #core: Core
  readonly #analyses: Analyses
  readonly #refuses: boolean
  /** The file of the last print, while its analysis is missing. */
  #unchecked: string | null = null

  /** `refuses` is whether a file with warnings is not printed. */
  constructor(core: Core, analyses: Analyses, refuses: boolean) {
    this.#core = core
    this.#analyses = analyses
    this.#refuses = refuses
  }

  /** A preparation of prints: the path stays as it is. Rejects with ApiError 400 for a file that is refused. */
  async check(path: string): Promise<string> {
    const summary = await (this.#refuses ? this.#analysed(path) : this.#known(path))
    if (this.#refuses && summary?.fits === false) {
      throw new ApiError(
        400,
        `The print is refused ([analysis] refuse_unfit_files): ${summary.warnings.join('; ')}`,
      )
    }
    this.#unchecked = summary === undefined ? path : null
    if (summary !== undefined) this.#notify(path, summary)
    return path
  }

  async warningsOf(path: string): Promise<readonly string[] | null> {
    return (await this.#analysed(path.replace(/^\/+/, '')))?.warnings ?? null
  }

  /** A file has a new analysis; its print may have started before. */
  analysed(filename: string, summary: AnalysisSummary): void {
    const path = this.#unchecked
    if (path === null || (path !== filename && binaryGcodePath(path) !== filename)) return
    this.#unchecked = null
    this.#notify(path, summary)
  }

  /** The print has ended. */
  ended(): void {
    this.#unchecked = null
  }

  #notify(filename: string, { warnings }: AnalysisSummary): void {
    if (warnings.length === 0) return
    for (const warning of warnings) this.#core.log.warning(`${filename}: ${warning}`)
    this.#core.connections.notify('notify_print_warnings', { filename, warnings: [...warnings] })
  }

  /** What is known of a file, or of the binary file that it was made from. */
  async #known(path: string): Promise<AnalysisSummary | undefined> {
    const summary = (name: string) => this.#analyses.summary(name).catch(() => undefined)
    const binary = binaryGcodePath(path)
    return (await summary(path)) ?? (binary === undefined ? undefined : await summary(binary))
  }

  /** The same for the present machine. A file that is not analysed in time is printed: checks must not stop the work. */
  async #analysed(filename: string): Promise<AnalysisSummary | undefined> {
    const { promise: givenUp, resolve } = Promise.withResolvers<void>()
    const timer = this.#core.clock.after(ANALYSIS_TIMEOUT, resolve)
    await Promise.race([this.#analyses.of(filename).catch(() => {}), givenUp])
    timer.stop()
    return await this.#known(filename)
  }
}
