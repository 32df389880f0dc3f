// The server's own number, which tells one data folder from another: in a file, and in the database that goes with it.
import { randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Core } from '../../component.ts'
import { messageOf } from '../../core/errors.ts'

/** Where the original keeps it, below the data folder. */
const FILE = '.moonraker.uuid'
const NAMESPACE = 'moonraker'
const KEY = 'instance_id'

/** Makes the number where there is none; one that the database has is kept in the file too. */
export async function ensureInstanceId({ paths, storage: { namespaces }, log }: Core): Promise<void> {
  const file = join(paths.data, FILE)
  const noted = namespaces.find(NAMESPACE, KEY)
  const written = (await readFile(file, 'utf8').catch(() => '')).trim()
  const id = written || (typeof noted === 'string' ? noted : randomUUID().replaceAll('-', ''))
  try {
    if (written === '') await writeFile(file, id, { mode: 0o644 })
    if (noted !== id) await namespaces.post(NAMESPACE, KEY, id)
  } catch (error) {
    log.warning(`the number of this server cannot be kept: ${messageOf(error)}`)
  }
}
