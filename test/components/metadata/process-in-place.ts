// Object processing of a file for tests, without the chain of file processors.
import { renameSync } from 'node:fs'
import { type ProcessResult, processObjects } from '../../../src/components/metadata/objects/process.ts'

/** Processes a file and replaces it by the result. */
export async function processInPlace(path: string, signal?: AbortSignal): Promise<ProcessResult> {
  const result = await processObjects(path, `${path}.new`, signal)
  if (result.processed) renameSync(`${path}.new`, path)
  return result
}
