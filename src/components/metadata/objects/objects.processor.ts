// Object processing as a file processor.
import type { FileProcessor } from '../../../core/file-processor.ts'
import { processObjects } from './process.ts'

const process: FileProcessor = async ({ path, output, signal }) => {
  const result = await processObjects(path, output, signal)
  if (!result.processed) return {}
  return { rewritten: true, listed: true, notes: [`${result.objects.length} objects marked`] }
}

export default process
