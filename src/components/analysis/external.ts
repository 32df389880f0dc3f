// The endpoints with the program Klipper Estimator.
import { stat } from 'node:fs/promises'
import type { Estimate, EstimateParams, ProcessParams, ProcessReply } from '../../api/analysis.ts'
import { ApiError } from '../../core/errors.ts'
import type { Infer } from '../../schema/index.ts'
import type { Place } from '../files/roots/roots.ts'
import type { FilesService } from '../files/service.ts'
import type { MetadataSource } from '../metadata/service.ts'
import type { KlipperEstimator } from './klipper-estimator/estimator.ts'

/** The name in `file_processors` of the metadata. */
const MARK = 'klipper_estimator'

/** What it depends on. */
export interface ExternalParts {
  readonly estimator: KlipperEstimator
  readonly metadata: MetadataSource
  readonly files: FilesService
}

export class ExternalEstimator {
  readonly #parts: ExternalParts

  constructor(parts: ExternalParts) {
    this.#parts = parts
  }

  get version(): string {
    return this.#parts.estimator.program.version
  }

  async estimate({ filename, estimator_config }: EstimateParams): Promise<Infer<typeof Estimate>> {
    const { estimator } = this.#parts
    const place = await this.#place(filename)
    return await estimator.program.estimate(await estimator.configPath(estimator_config), place.absolute)
  }

  /** Rewrites the file, which Klipper must not have loaded; its metadata is read again then. */
  async process({ filename, estimator_config, force }: ProcessParams): Promise<ProcessReply> {
    const { estimator, files, metadata } = this.#parts
    const place = await this.#place(filename)
    const { file_processors } = await metadata.metadata(place.relative)
    const prev_processed = Array.isArray(file_processors) && file_processors.includes(MARK)
    const bypassed = prev_processed && !force
    if (!bypassed) {
      const config = await estimator.configPath(estimator_config)
      await files.refuseRewrite(place)
      await files.lock.run({ write: [place.absolute] }, () =>
        estimator.program.postProcess(config, place.absolute),
      )
      await metadata.metadata(place.relative)
    }
    return { prev_processed, version: this.version, bypassed }
  }

  async #place(filename: string): Promise<Place> {
    const { roots, isGcodeName } = this.#parts.files
    const place = await roots.resolve(roots.get('gcodes'), filename)
    const stats = isGcodeName(filename) ? await stat(place.absolute).catch(() => undefined) : undefined
    if (stats?.isFile() === true) return place
    throw new ApiError(400, `GCode File '${filename}' does not exit in gcodes path`)
  }
}
