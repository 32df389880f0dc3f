// How object processing is registered as a file processor.
import type { FileProcessorSpec } from '../../../core/file-processor.ts'

/** Runs after all other processors that rewrite, since it reads their changes. */
export const objectProcessor: FileProcessorSpec = {
  name: 'preprocess_cancellation',
  priority: 1000,
  stage: 'rewrite',
  module: 'components/metadata/objects/objects.processor',
  options: null,
  timeLimit: { seconds: 20, secondsPerMiB: 1 },
}
