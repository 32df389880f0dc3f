// Runs the background processors on files whose metadata is stored: one file at a time, in a process of a low priority.
import type { Core } from '../../component/component.ts'
import type { FileProcessors } from '../../core/file-processor.ts'
import type { Place } from '../files/roots/roots.ts'
import type { FilesService } from '../files/service.ts'
import { factsOf, isSameFile } from './file-reader.ts'
import { ProcessorRuns } from './processor-runs.ts'
import { type AddOptions, type QueuedRead, ScanQueue } from './scan-queue.ts'
import type { MetadataStore } from './store.ts'
import { WorkerProcess } from './worker/worker-process.ts'

/** What the background depends on. */
export interface BackgroundParts {
  readonly core: Pick<Core, 'log' | 'events'>
  readonly files: FilesService
  readonly store: MetadataStore
  readonly processors: FileProcessors
  /** The place of a path below the gcodes root. */
  readonly resolve: (path: string) => Promise<Place>
}

export class Background {
  readonly #parts: BackgroundParts
  readonly #worker = new WorkerProcess(true)
  readonly #runs: ProcessorRuns
  readonly #queue = new ScanQueue(file => this.#process(file))

  constructor(parts: BackgroundParts) {
    this.#parts = parts
    const { core, files, processors } = parts
    this.#runs = new ProcessorRuns({ log: core.log, files, processors, worker: this.#worker })
  }

  /** Resolves when the processors have run on the present content of the file. Rejects if it changes meanwhile. */
  add(path: string, options?: AddOptions): Promise<void> {
    if (this.#parts.processors.list('background').length === 0) return Promise.resolve()
    return this.#queue.add(path, options)
  }

  /** Removes a file from the queue, or stops its processors. Returns whether there was something to do for it. */
  cancel(path: string): boolean {
    const isPending = this.#queue.has(path)
    this.#queue.cancel(path)
    return isPending
  }

  stop(): void {
    this.#queue.stop()
    this.#worker.stop()
  }

  async #process({ path, signal }: QueuedRead): Promise<void> {
    const { core, store, resolve } = this.#parts
    const place = await resolve(path)
    const before = store.get(path)
    if (!isSameFile(before, await factsOf(place.absolute))) throw new Error(`${path} has changed`)
    const { metadata, details } = await this.#runs.run('background', {
      place,
      metadata: { ...before },
      signal,
    })
    // The file may have been replaced while it was read, or its last print may have been added.
    const { size, modified } = before
    const now = store.get(path)
    if (!isSameFile(now, before) || !isSameFile(before, await factsOf(place.absolute)))
      throw new Error(`${path} has changed`)
    await store.putDetails(path, { size, modified, by: details })
    await store.put(path, { ...now, ...metadata })
    core.events.emit('metadata:processed', path)
  }
}
