// The job "process": runs file processors on a file. Each is a module of its own, which only this process loads.
import { existsSync } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { isBinaryGcodeName } from '../../../core/binary-gcode.ts'
import { systemClock } from '../../../core/clock.ts'
import type { FileProcessor } from '../../../core/file-processor.ts'
import { runProcessors } from '../../../core/processor-chain.ts'
import { decodeBinary } from '../binary/decode.ts'
import type { JobHandler } from './jobs.ts'

/** Where modules below src/ are: in the sources, or built next to the worker's program. */
const SOURCES = join(import.meta.dirname, '../../..')
const BUILT = join(import.meta.dirname, 'processors')

/** The time limit for making plain G-code of a binary file: so many seconds, and so many more for each MiB. */
const DECODE_SECONDS = 30
const DECODE_SECONDS_PER_MIB = 2

/** Runs the processors of one stage. Those in the background receive plain G-code, which is removed afterwards. */
export const processFile: JobHandler<'process'> = async (input, report, signal) => {
  const run = (path: string) =>
    runProcessors(
      { ...input, path, signal },
      { clock: systemClock, load, onStart: (name, limitSeconds) => report({ name, limitSeconds }) },
    )
  const isBackground = input.processors.some(({ stage }) => stage === 'background')
  if (!(isBackground && isBinaryGcodeName(input.shownPath))) return run(input.path)
  const { size } = await stat(input.path)
  report({ name: 'plain G-code', limitSeconds: DECODE_SECONDS + DECODE_SECONDS_PER_MIB * (size / 1024 ** 2) })
  const output = `${input.staging}.gcode`
  try {
    await decodeBinary({ path: input.path, output, onProgress: () => {}, signal })
    return await run(output)
  } finally {
    await rm(output, { force: true })
  }
}

async function load(module: string): Promise<FileProcessor> {
  const { default: processor } = (await import(pathOf(module))) as { default?: unknown }
  if (typeof processor !== 'function') throw new Error(`${module} has no function as its default export`)
  return processor as FileProcessor
}

function pathOf(module: string): string {
  if (isAbsolute(module)) return module
  const built = join(BUILT, `${module.replaceAll('/', '+')}.cjs`)
  return existsSync(built) ? built : join(SOURCES, `${module}.ts`)
}
