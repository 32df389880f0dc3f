// Runs file processors one after the other, in the metadata worker. A processor that fails or takes too long loses only
// its own result: the file and the results of the others stay.
import { chmod, mkdir, realpath, rename, rm, stat, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Clock, Timer } from './clock.ts'
import { messageOf } from './errors.ts'
import {
  type FileProcessor,
  type FileProcessorSpec,
  type ProcessorResult,
  processorTimeLimit,
} from './file-processor.ts'
import { makeDurable } from './make-durable.ts'
import type { PlainData } from './plain-data.ts'

/** Seconds that a processor has to stop after its signal; then the chain continues without it. */
const GRACE = 2

/** A file and its processors. */
export interface ChainJob {
  /** The file, absolute; a link is followed. */
  readonly path: string
  /** The file's path below the gcodes root, for messages. */
  readonly shownPath: string
  /** The processors of one stage, in their order. */
  readonly processors: readonly FileProcessorSpec[]
  /** The metadata read so far; empty in the stage `rewrite`. */
  readonly metadata: Readonly<Record<string, unknown>>
  /** A folder for drafts, in the file system of the file; it is made unless all are in the background, and removed at the end. */
  readonly staging: string
  /** Ends the chain and drops the drafts. */
  readonly signal: AbortSignal
}

/** What the chain needs of the worker. */
export interface ChainParts {
  readonly clock: Clock
  /** Loads a processor's module; rejects if that fails. */
  readonly load: (module: string) => Promise<FileProcessor>
  /** Called before each processor, so that the server knows which one hangs when the worker does not answer. */
  readonly onStart?: (name: string, limitSeconds: number) => void
}

/** The result for a file. */
export interface ChainResult {
  /** Whether the file has new content. */
  readonly rewritten: boolean
  /** The processors for `file_processors` of the metadata, in their order. */
  readonly listed: readonly string[]
  /** The fields of all processors; of two with the same name the later wins. */
  readonly metadata: Readonly<Record<string, unknown>>
  /** What processors keep next to the metadata, by their names. */
  readonly details: Readonly<Record<string, PlainData>>
  /** For the log, each with the processor's name; contains the failures too. */
  readonly notes: readonly string[]
  /** For clients. */
  readonly warnings: readonly string[]
}

/**
 * Runs the processors. Each reads what the one before wrote; at the end the last draft replaces the file in one step,
 * with its mode and time of change. If another program has changed the file meanwhile, it stays unchanged.
 * Rejects with the reason of `signal`, or with the system's error if the file cannot be read or replaced.
 */
export async function runProcessors(job: ChainJob, parts: ChainParts): Promise<ChainResult> {
  const target = await realpath(job.path)
  const before = await stat(target)
  const results: [name: string, result: ProcessorResult][] = []
  let current = target
  const needsDrafts = job.processors.some(({ stage }) => stage !== 'background')
  if (needsDrafts) await mkdir(job.staging)
  try {
    for (const [index, spec] of job.processors.entries()) {
      job.signal.throwIfAborted()
      const output = join(job.staging, String(index))
      const result = await runOne(job, parts, { spec, path: current, output, bytes: before.size })
      if (result.rewritten === true && spec.stage === 'rewrite') current = output
      results.push([spec.name, result])
    }
    job.signal.throwIfAborted()
    const isReplaced = current !== target && (await replace(target, current, before))
    if (current !== target && !isReplaced) return collect([['', CHANGED_MEANWHILE]], false)
    return collect(results, isReplaced)
  } finally {
    if (needsDrafts) await rm(job.staging, { recursive: true, force: true })
  }
}

const CHANGED_MEANWHILE: ProcessorResult = { notes: ['the file changed meanwhile, it stays as it is'] }

interface Step {
  readonly spec: FileProcessorSpec
  readonly path: string
  readonly output: string
  readonly bytes: number
}

/** Runs one processor. Never rejects: what fails becomes a note. */
async function runOne(
  { shownPath, metadata, signal }: ChainJob,
  { clock, load, onStart }: ChainParts,
  { spec, path, output, bytes }: Step,
): Promise<ProcessorResult> {
  const limit = processorTimeLimit(spec, bytes)
  const ending = new AbortController()
  const abort = () => ending.abort(signal.reason)
  const timer = clock.after(limit, () =>
    ending.abort(new Error(`no result within ${Math.round(limit)} seconds`)),
  )
  signal.addEventListener('abort', abort)
  onStart?.(spec.name, limit)
  try {
    const input = { path, shownPath, output, metadata, options: spec.options, signal: ending.signal }
    const work = load(spec.module).then(process => process(input))
    return await withGrace(work, ending.signal, clock)
  } catch (error) {
    return { notes: [`failed: ${messageOf(ending.signal.reason ?? error)}`] }
  } finally {
    timer.stop()
    signal.removeEventListener('abort', abort)
  }
}

/** Settles with `work`, or rejects a while after `signal` is aborted: a processor may ignore its signal. */
async function withGrace<T>(work: Promise<T>, signal: AbortSignal, clock: Clock): Promise<T> {
  const { promise: givenUp, reject } = Promise.withResolvers<never>()
  let timer: Timer | undefined
  const onAbort = () => {
    timer = clock.after(GRACE, () => reject(signal.reason))
  }
  signal.addEventListener('abort', onAbort)
  try {
    return await Promise.race([work, givenUp])
  } finally {
    timer?.stop()
    signal.removeEventListener('abort', onAbort)
  }
}

type Before = Awaited<ReturnType<typeof stat>>

/** Replaces the file by a draft, durably. Returns false if the file is not the one that was read. */
async function replace(target: string, draft: string, before: Before): Promise<boolean> {
  await chmod(draft, Number(before.mode) & 0o7777)
  await utimes(draft, before.atime, before.mtime)
  await makeDurable(draft)
  const now = await stat(target).catch(() => undefined)
  if (now?.ino !== before.ino || now.size !== before.size || now.mtimeMs !== before.mtimeMs) return false
  await rename(draft, target)
  await makeDurable(dirname(target))
  return true
}

function collect(
  results: readonly [name: string, result: ProcessorResult][],
  rewritten: boolean,
): ChainResult {
  const line = (name: string, text: string) => (name === '' ? text : `${name}: ${text}`)
  return {
    rewritten,
    listed: results.filter(([, { listed }]) => listed === true).map(([name]) => name),
    metadata: Object.assign({}, ...results.map(([, { metadata }]) => metadata)),
    details: Object.fromEntries(
      results.flatMap(([name, { details }]) => (details === undefined ? [] : [[name, details]])),
    ),
    notes: results.flatMap(([name, { notes = [] }]) => notes.map(text => line(name, text))),
    warnings: results.flatMap(([, { warnings = [] }]) => warnings),
  }
}
