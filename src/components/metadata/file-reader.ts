// Reads one file: runs the rewriting processors, reads the result in the worker, runs the examining processors, and
// stores what was found. A step that fails loses only its own part.
import { randomUUID } from 'node:crypto'
import { stat } from 'node:fs/promises'
import type { Core } from '../../component/component.ts'
import type { FileProcessors } from '../../core/file-processor.ts'
import type { ChainResult } from '../../core/processor-chain.ts'
import type { Place } from '../files/roots/roots.ts'
import type { FilesService } from '../files/service.ts'
import { removePictures } from './picture-files.ts'
import { NO_RESULT, ProcessorRuns } from './processor-runs.ts'
import type { MetadataStore, StoredMetadata } from './store.ts'
import type { FileFacts } from './worker/jobs.ts'
import { WorkerLost, WorkerProcess } from './worker/worker-process.ts'

/** What reading depends on. */
export interface ReaderParts {
  readonly log: Core['log']
  readonly files: FilesService
  readonly store: MetadataStore
  readonly processors: FileProcessors
}

export class FileReader {
  readonly #parts: ReaderParts
  readonly #worker = new WorkerProcess()
  readonly #runs: ProcessorRuns

  constructor(parts: ReaderParts) {
    this.#parts = parts
    this.#runs = new ProcessorRuns({ ...parts, worker: this.#worker })
  }

  /** Ends the worker and its job. */
  stop(): void {
    this.#worker.stop()
  }

  /**
   * Reads a file of gcodes and stores its metadata. A file that the worker cannot finish is stored with the fields read
   * so far: it is not read again until it changes. Rejects with the error of the system if the file cannot be read, and
   * with the signal's reason.
   */
  async read(place: Place, signal: AbortSignal): Promise<void> {
    const rewritten = await this.#rewrite(place, signal)
    const facts = await this.#facts(place, signal)
    const examined = await this.#runs.run('examine', { place, metadata: { ...facts.metadata }, signal })
    for (const note of facts.notes) this.#parts.log.debug(`${place.relative}: ${note}`)
    await this.#store(place, facts, [rewritten, examined])
  }

  /** A file that Klipper has loaded, or that may not be written, stays as it is. */
  async #rewrite(place: Place, signal: AbortSignal): Promise<ChainResult> {
    const { files } = this.#parts
    if ((await files.roots.calls.lstat(place.absolute)).isSymbolicLink()) return NO_RESULT
    const isRefused = await files.refuseRewrite(place).then(
      () => false,
      () => true,
    )
    if (isRefused) return NO_RESULT
    return await files.lock.run({ write: [place.absolute] }, () =>
      this.#runs.run('rewrite', { place, metadata: {}, signal }),
    )
  }

  async #facts({ absolute, relative }: Place, signal: AbortSignal): Promise<FileFacts> {
    const { log, files, store } = this.#parts
    const isKnown = isSameFile(store.get(relative), await factsOf(absolute))
    let soFar: FileFacts | undefined
    try {
      return await this.#worker.run(
        'read',
        { path: absolute, isKnown },
        {
          timeoutSeconds: files.metadataTimeout,
          signal,
          onProgress: facts => {
            soFar = facts
            return undefined
          },
        },
      )
    } catch (error) {
      if (!(error instanceof WorkerLost) || signal.aborted) throw error
      log.warning(`the metadata of ${relative} is incomplete: ${error.message}`)
      return soFar ?? unreadFile(await factsOf(absolute))
    }
  }

  async #store(
    place: Place,
    { metadata, pictures }: FileFacts,
    chain: readonly ChainResult[],
  ): Promise<void> {
    const { store } = this.#parts
    const before = store.get(place.relative)
    const warnings = chain.flatMap(result => result.warnings)
    const listed = [...metadata.file_processors, ...chain.flatMap(result => result.listed)]
    await store.put(place.relative, {
      ...metadata,
      ...Object.assign({}, ...chain.map(result => result.metadata)),
      file_processors: [...new Set(listed)],
      ...(warnings.length > 0 && { warnings }),
      ...(pictures.length > 0 && { thumbnails: pictures }),
      ...lastPrint(before, metadata),
    })
    const now = new Set(pictures.map(picture => picture.relative_path))
    const old = before?.thumbnails?.filter(picture => !now.has(picture.relative_path)) ?? []
    await removePictures(place.absolute, old)
  }
}

/** Whether the stored metadata is that of the file. */
export function isSameFile(
  known: StoredMetadata | undefined,
  { size, modified }: Pick<StoredMetadata, 'size' | 'modified'>,
): known is StoredMetadata {
  return known?.size === size && known.modified === modified
}

/** The size and the time of a file, as its metadata has them. */
export async function factsOf(path: string): Promise<Pick<StoredMetadata, 'size' | 'modified'>> {
  const { size, mtimeMs } = await stat(path)
  return { size, modified: mtimeMs / 1000 }
}

/** A file that was not changed keeps the record of its last print. */
function lastPrint(
  before: StoredMetadata | undefined,
  metadata: FileFacts['metadata'],
): Pick<StoredMetadata, 'print_start_time' | 'job_id'> {
  if (!isSameFile(before, metadata)) return { print_start_time: null, job_id: null }
  return { print_start_time: before.print_start_time ?? null, job_id: before.job_id ?? null }
}

function unreadFile(file: Pick<StoredMetadata, 'size' | 'modified'>): FileFacts {
  const metadata = {
    ...file,
    uuid: randomUUID(),
    file_processors: [],
    slicer: 'Unknown',
    slicer_version: '?',
  }
  return { metadata, pictures: [], notes: [] }
}
