// The server's own number, from which the uids of configured webcams come.
import { randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Core } from '../../component.ts'
import { messageOf } from '../../core/errors.ts'

/** Where the original keeps it, below the data folder. */
const FILE = '.moonraker.uuid'

/**
 * Reads the number; where there is none yet, makes it. At once and not by a promise, so that the database, which keeps
 * the number as well and starts after this, finds the same.
 */
export function readInstanceId({ paths, storage, log }: Core): string {
  const file = join(paths.data, FILE)
  try {
    const written = readFileSync(file, 'utf8').trim()
    if (written !== '') return written
  } catch {
    // A new data folder has none.
  }
  const noted = storage.namespaces.find('moonraker', 'instance_id')
  const id = typeof noted === 'string' ? noted : randomUUID().replaceAll('-', '')
  try {
    writeFileSync(file, id, { mode: 0o644 })
  } catch (error) {
    log.warning(`the number of this server cannot be kept: ${messageOf(error)}`)
  }
  return id
}
