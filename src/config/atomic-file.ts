// Writes small files so that after a crash either the old or the new content is there, never half of it.
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

/**
 * Replaces `file` by `text`: a neighbour is written, made durable, and renamed over it. `mode` holds for a new file.
 * Throws what the file system throws, and leaves nothing behind then.
 */
export function replaceFile(file: string, text: string, mode: number): void {
  const folder = path.dirname(file)
  const draft = path.join(folder, `.${path.basename(file)}.${process.pid}.tmp`)
  try {
    writeDurably(draft, text, mode)
    renameSync(draft, file)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
  syncFolder(folder)
}

function writeDurably(file: string, text: string, mode: number): void {
  const handle = openSync(file, 'w', mode)
  try {
    writeFileSync(handle, text)
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

/** The new name of a file is durable only once its folder is. */
function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
