// The jobs of the metadata worker, as both processes see them. All inputs and results are plain JSON.
import type { FileProcessorSpec } from '../../../core/file-processor.ts'
import type { ChainResult } from '../../../core/processor-chain.ts'
import type { DecodedFrom } from '../binary/decode.ts'
import type { ScanResult, ThumbnailEntry } from '../types.ts'

/** What a file contains, as far as it was read. */
export interface FileFacts {
  readonly metadata: ScanResult['metadata']
  /** The pictures that the worker wrote. */
  readonly pictures: readonly ThumbnailEntry[]
  /** What was left out and why, for the log. */
  readonly notes: readonly string[]
}

/** A file to read. */
export interface ReadInput {
  readonly path: string
  /** Whether the file is the one whose pictures are stored: it has not changed. */
  readonly isKnown: boolean
}

/** What the chain of file processors runs on; see `ChainJob`. */
export interface ProcessInput {
  readonly path: string
  readonly shownPath: string
  readonly processors: readonly FileProcessorSpec[]
  readonly metadata: Readonly<Record<string, unknown>>
  readonly staging: string
}

/** A processor that starts now. */
export interface ProcessorStart {
  readonly name: string
  readonly limitSeconds: number
}

/** A file of binary G-code, and where its plain G-code is written; no file is there yet. */
export interface DecodeInput {
  readonly path: string
  readonly output: string
}

/** A job's input, what it reports on the way, and its result. */
export interface WorkerJobs {
  /** Reads a file and writes its pictures. Reports the metadata before it starts with the pictures. */
  readonly read: { readonly input: ReadInput; readonly progress: FileFacts; readonly result: FileFacts }
  /** Runs file processors. Reports each before it starts. */
  readonly process: {
    readonly input: ProcessInput
    readonly progress: ProcessorStart
    readonly result: ChainResult
  }
  /** Makes plain G-code of binary G-code. Reports the part that is done, from 0 to 1, every half second. */
  readonly decode: {
    readonly input: DecodeInput
    readonly progress: { readonly fraction: number }
    readonly result: DecodedFrom
  }
}

/** The name of a job. */
export type JobName = keyof WorkerJobs

/** Does one job. A rejection is reported with its message and code. */
export type JobHandler<J extends JobName> = (
  input: WorkerJobs[J]['input'],
  report: (progress: WorkerJobs[J]['progress']) => void,
  signal: AbortSignal,
) => Promise<WorkerJobs[J]['result']>

/** From the server to the worker. The server sends one request at a time. */
export interface JobRequest {
  readonly job: JobName
  readonly input: unknown
}

/** From the worker to the server. */
export type JobMessage =
  | { readonly kind: 'progress'; readonly value: unknown }
  | { readonly kind: 'result'; readonly value: unknown }
  | { readonly kind: 'failure'; readonly message: string; readonly code?: string }
