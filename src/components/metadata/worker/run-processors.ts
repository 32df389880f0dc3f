// The job "process": runs file processors on a file. Each is a module of its own, which only this process loads.
import { existsSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { systemClock } from '../../../core/clock.ts'
import type { FileProcessor } from '../../../core/file-processor.ts'
import { runProcessors } from '../../../core/processor-chain.ts'
import type { JobHandler } from './jobs.ts'

/** Where modules below src/ are: in the sources, or built next to the worker's program. */
const SOURCES = join(import.meta.dirname, '../../..')
const BUILT = join(import.meta.dirname, 'processors')

/** Runs the processors of one stage. */
export const processFile: JobHandler<'process'> = (input, report, signal) =>
  runProcessors(
    { ...input, signal },
    { clock: systemClock, load, onStart: (name, limitSeconds) => report({ name, limitSeconds }) },
  )

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
