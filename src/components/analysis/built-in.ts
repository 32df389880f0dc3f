// The endpoints with the built-in estimator: the times are those of the stored analysis.
import type { Estimate, EstimateParams, ProcessParams, ProcessReply } from '../../api/analysis.ts'
import { ApiError } from '../../core/errors.ts'
import { PACKAGE_VERSION } from '../../core/version.ts'
import type { Infer } from '../../schema/index.ts'
import type { Analyses } from './analyses.ts'
import { estimateReply } from './estimate-reply.ts'

export class BuiltInEstimator {
  readonly version = `moonraker-ts v${PACKAGE_VERSION}`
  readonly #analyses: Analyses

  constructor(analyses: Analyses) {
    this.#analyses = analyses
  }

  async estimate({ filename, estimator_config }: EstimateParams): Promise<Infer<typeof Estimate>> {
    refuseConfig(estimator_config)
    return estimateReply(await this.#analyses.of(filename))
  }

  /** The file stays as it is: the times are in its metadata. */
  async process({ filename, estimator_config, force }: ProcessParams): Promise<ProcessReply> {
    refuseConfig(estimator_config)
    const known = await this.#analyses.known(filename)
    const prev_processed = known?.machine_id === this.#analyses.machine.options.facts.id
    const bypassed = prev_processed && !force
    if (!bypassed) await this.#analyses.renew(filename)
    return { prev_processed, version: this.version, bypassed }
  }
}

function refuseConfig(config: string | undefined): void {
  if (config !== undefined) throw new ApiError(400, 'Klipper Estimator not available')
}
