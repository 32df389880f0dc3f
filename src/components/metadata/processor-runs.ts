// Runs the file processors of one stage on a file, in a worker. If a processor ends the worker, the others run again
// without it.
import { access } from 'node:fs/promises'
import type { Core } from '../../component/component.ts'
import { isBinaryGcodeName } from '../../core/binary-gcode.ts'
import { messageOf } from '../../core/errors.ts'
import type { FileProcessorSpec, FileProcessors } from '../../core/file-processor.ts'
import type { ChainResult } from '../../core/processor-chain.ts'
import type { Place } from '../files/roots/roots.ts'
import type { FilesService } from '../files/service.ts'
import { WorkerLost, type WorkerProcess } from './worker/worker-process.ts'

/** Seconds that the worker has to start. */
const START_LIMIT = 20
/** Seconds that it has to continue without a processor that exceeded its time limit. */
const GRACE = 3

/** The result where no processor ran. */
export const NO_RESULT: ChainResult = {
  rewritten: false,
  listed: [],
  metadata: {},
  details: {},
  notes: [],
  warnings: [],
}

/** What runs depend on. */
export interface RunParts {
  readonly log: Core['log']
  readonly files: FilesService
  readonly processors: FileProcessors
  readonly worker: WorkerProcess
}

/** A file, and the metadata that is known of it. */
export interface ProcessedFile {
  readonly place: Place
  readonly metadata: ChainResult['metadata']
  readonly signal: AbortSignal
}

export class ProcessorRuns {
  readonly #parts: RunParts

  constructor(parts: RunParts) {
    this.#parts = parts
  }

  /** Runs the processors of a stage. What fails is logged; rejects only with the signal's reason. */
  async run(
    stage: FileProcessorSpec['stage'],
    { place, metadata, signal }: ProcessedFile,
  ): Promise<ChainResult> {
    const { log, processors } = this.#parts
    let specs = processors.list(stage)
    while (specs.length > 0) {
      let running: string | undefined
      const onStart = (name: string) => {
        running = name
      }
      try {
        const result = await this.#runChain({ place, metadata, signal, specs, onStart })
        for (const note of result.notes) log.info(`${place.relative}: ${note}`)
        for (const warning of result.warnings) log.warning(`${place.relative}: ${warning}`)
        return result
      } catch (error) {
        if (signal.aborted) throw signal.reason
        if (!(await exists(place.absolute))) {
          log.debug(`${place.relative} was removed before its file processors had ended`)
          break
        }
        const failed = running === undefined ? 'file processors' : `file processor ${running}`
        log.warning(`${place.relative}: the ${failed} failed: ${messageOf(error)}`)
        // The others run without the one that the worker did not survive.
        const others = specs.filter(({ name }) => name !== running)
        if (!(error instanceof WorkerLost) || others.length === specs.length) break
        specs = others
      }
    }
    return NO_RESULT
  }

  #runChain(
    run: ProcessedFile & {
      readonly specs: readonly FileProcessorSpec[]
      readonly onStart: (name: string) => void
    },
  ): Promise<ChainResult> {
    const { place, metadata, signal, specs, onStart } = run
    const { absolute, relative } = place
    const { files, worker } = this.#parts
    const process = (staging: string) =>
      worker.run(
        'process',
        { path: absolute, shownPath: relative, processors: specs, metadata, staging },
        {
          timeoutSeconds: START_LIMIT,
          signal,
          onProgress: ({ name, limitSeconds }) => {
            onStart(name)
            return limitSeconds + GRACE
          },
        },
      )
    // A folder for drafts shows in the listing of the gcodes folder: no file appears there without need.
    const needsDrafts = specs.some(({ stage }) => stage !== 'background') || isBinaryGcodeName(relative)
    return needsDrafts ? files.withStagingPath(place, process) : process('')
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
