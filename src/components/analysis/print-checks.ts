// What a print file does not fit in the printer: clients are notified before the print, or the print is refused.
import type { Core } from '../../component/component.ts'
import { binaryGcodePath } from '../../core/binary-gcode.ts'
import { ApiError } from '../../core/errors.ts'
import type { Analyses } from './analyses.ts'
import type { AnalysisSummary } from './record.ts'

/** Seconds that a print waits for the analysis of its file where unfit files are refused. */
const ANALYSIS_TIMEOUT = 30

export class PrintChecks {
  readonly #core: Core
  readonly #analyses: Analyses
  readonly #refuses: boolean

  /** `refuses` is whether a file with warnings is not printed. */
  constructor(core: Core, analyses: Analyses, refuses: boolean) {
    this.#core = core
    this.#analyses = analyses
    this.#refuses = refuses
  }

  /** A preparation of prints: the path stays as it is. Rejects with ApiError 400 for a file that is refused. */
  async check(path: string): Promise<string> {
    const { fits, warnings } = await this.#checked(path)
    if (warnings.length === 0) return path
    if (this.#refuses && !fits) {
      throw new ApiError(400, `The print is refused ([analysis] refuse_unfit_files): ${warnings.join('; ')}`)
    }
    for (const warning of warnings) this.#core.log.warning(`${path}: ${warning}`)
    this.#core.connections.notify('notify_print_warnings', { filename: path, warnings })
    return path
  }

  /** What is known; where files are refused, of the present machine. */
  async #checked(path: string): Promise<{ fits: boolean; warnings: string[] }> {
    if (this.#refuses) await this.#analysed(path)
    const summary = (await this.#summary(path)) ?? (await this.#summary(binaryGcodePath(path)))
    return { fits: summary?.fits ?? true, warnings: [...(summary?.warnings ?? [])] }
  }

  async #summary(path: string | undefined): Promise<AnalysisSummary | undefined> {
    return path === undefined ? undefined : await this.#analyses.summary(path).catch(() => undefined)
  }

  /** A file that cannot be analysed in time is printed: the checks must not stop the printer's work. */
  async #analysed(filename: string): Promise<void> {
    const { promise: givenUp, resolve } = Promise.withResolvers<void>()
    const timer = this.#core.clock.after(ANALYSIS_TIMEOUT, resolve)
    await Promise.race([this.#analyses.of(filename).catch(() => {}), givenUp])
    timer.stop()
  }
}
