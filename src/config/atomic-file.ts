// Replaces small files atomically: after a crash, a file has either its old or its new content.
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { makeDurableSync } from '../core/make-durable.ts'

/**
 * Replaces the content of `file` by `text`: writes a staging file, makes it durable and renames it. `mode` is that of the
 * new file. Throws errors of the file system, and removes the staging file then.
 */
export function replaceFile(file: string, text: string, mode: number): void {
  const folder = dirname(file)
  const staging = join(folder, `.${basename(file)}.${process.pid}.tmp`)
  try {
    writeFileSync(staging, text, { mode, flush: true })
    renameSync(staging, file)
  } catch (error) {
    rmSync(staging, { force: true })
    throw error
  }
  makeDurableSync(folder)
}
