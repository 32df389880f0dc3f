// Writes small files so that after a crash either the old or the new content is there, never half of it.
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { makeDurableSync } from '../core/make-durable.ts'

/**
 * Replaces `file` by `text`: a neighbour is written, made durable, and renamed over it. `mode` holds for a new file.
 * Throws what the file system throws, and leaves nothing behind then.
 */
export function replaceFile(file: string, text: string, mode: number): void {
  const folder = path.dirname(file)
  const draft = path.join(folder, `.${path.basename(file)}.${process.pid}.tmp`)
  try {
    writeFileSync(draft, text, { mode, flush: true })
    renameSync(draft, file)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
  makeDurableSync(folder)
}
