// File processors: steps that rewrite or examine each G-code file when its metadata is read. A component registers one
// as plain data, since it runs in the metadata worker, where only its module is loaded.
import type { PlainData } from './plain-data.ts'
import type { Registration } from './scope.ts'

/** How a component registers a file processor. All of it is plain data. */
export interface FileProcessorSpec {
  /** The name in `file_processors` of the metadata and in the log. */
  readonly name: string
  /** Lower numbers run first; equal ones in the order of registration. */
  readonly priority: number
  /**
   * `rewrite` runs before the metadata is read, and never for a file that Klipper has loaded. `examine` runs after it,
   * with the metadata, and leaves the file as it is. `background` does the same once the metadata is stored, with a
   * lower priority: no other file waits for it. Of binary G-code it receives the plain G-code.
   */
  readonly stage: 'rewrite' | 'examine' | 'background'
  /**
   * The module whose default export is a `FileProcessor`: its path below src/ without the ending `.ts`, such as
   * `components/mmu-server/placeholders.processor`, or an absolute path. Modules below src/ end in `.processor.ts`.
   */
  readonly module: string
  /** Passed to the processor as they are. */
  readonly options: PlainData
  /** The time limit: so many seconds, and so many more for each MiB of the file. */
  readonly timeLimit: { readonly seconds: number; readonly secondsPerMiB: number }
}

/** The input of a processor. */
export interface ProcessorInput {
  /** The file to read, absolute. Its name is not the one that clients know. */
  readonly path: string
  /** The file's path below the gcodes root, for messages. */
  readonly shownPath: string
  /** The path at which a `rewrite` processor writes the new content; no file exists there yet. */
  readonly output: string
  /** The metadata read so far; empty in the stage `rewrite`. */
  readonly metadata: Readonly<Record<string, unknown>>
  readonly options: PlainData
  /** Aborted at the time limit, and when the file changes or is deleted. */
  readonly signal: AbortSignal
}

/** The result of a processor. */
export interface ProcessorResult {
  /** Whether the new content is complete in `output`. */
  readonly rewritten?: boolean
  /** Whether the file has this processor's mark, now or from before: it is listed in `file_processors` then. */
  readonly listed?: boolean
  /** Fields for the file's metadata. */
  readonly metadata?: Readonly<Record<string, unknown>>
  /** Of a `background` processor: what is kept next to the metadata, for the component that registered it. */
  readonly details?: PlainData
  /** Lines for the log, and, as warnings, for clients. */
  readonly notes?: readonly string[]
  readonly warnings?: readonly string[]
}

/** One step; runs in the worker. After a rejection only the result of this step is missing. */
export type FileProcessor = (input: ProcessorInput) => ProcessorResult | Promise<ProcessorResult>

/** The time limit of a processor for a file of `bytes`, in seconds. */
export function processorTimeLimit({ timeLimit }: FileProcessorSpec, bytes: number): number {
  return timeLimit.seconds + timeLimit.secondsPerMiB * (bytes / 1024 ** 2)
}

/** The registered processors. */
export class FileProcessors {
  readonly #specs: FileProcessorSpec[] = []

  /** Adds a processor, for files that are read from now on. Throws if the name is taken. */
  register(spec: FileProcessorSpec): Registration {
    if (this.#specs.some(({ name }) => name === spec.name)) {
      throw new Error(`a file processor named '${spec.name}' is registered already`)
    }
    const next = this.#specs.findIndex(({ priority }) => priority > spec.priority)
    this.#specs.splice(next === -1 ? this.#specs.length : next, 0, spec)
    return { remove: () => this.#remove(spec) }
  }

  /** The processors of a stage, in the order in which they run. */
  list(stage: FileProcessorSpec['stage']): FileProcessorSpec[] {
    return this.#specs.filter(spec => spec.stage === stage)
  }

  #remove(spec: FileProcessorSpec): void {
    const index = this.#specs.indexOf(spec)
    if (index !== -1) this.#specs.splice(index, 1)
  }
}
