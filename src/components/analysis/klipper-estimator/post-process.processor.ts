// Klipper Estimator as a file processor: it rewrites the print times of a copy, which replaces the file.
import { copyFile, open } from 'node:fs/promises'
import { commandFailure } from '../../../core/command-failure.ts'
import type { FileProcessor } from '../../../core/file-processor.ts'
import { runCommand } from '../../../core/run-command.ts'

/** The mark of a processed file is in its last bytes. */
const FOOTER = 64 * 1024
const MARK = /^; Processed by klipper_estimator v?\d/m

/** The input of the processor. */
export type PostProcessOptions = {
  readonly program: string
  readonly config: string
  readonly timeoutSeconds: number
}

const postProcess: FileProcessor = async ({ path, output, options, signal }) => {
  if (await isMarked(path)) return { listed: true }
  const { program, config, timeoutSeconds } = options as PostProcessOptions
  await copyFile(path, output)
  const args = ['--config_file', config, 'post-process', output]
  const result = await runCommand(program, args, { timeoutSeconds, lowPriority: true, signal })
  if (result.code !== 0) throw new Error(commandFailure('Klipper Estimator', result))
  return { rewritten: true, listed: true }
}

export default postProcess

async function isMarked(path: string): Promise<boolean> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const buffer = Buffer.alloc(Math.min(size, FOOTER))
    await file.read(buffer, 0, buffer.length, size - buffer.length)
    return MARK.test(buffer.toString('latin1'))
  } finally {
    await file.close()
  }
}
