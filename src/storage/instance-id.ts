// The instance id, which identifies a data folder: stored in a file and in the database.
import { randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../core/errors.ts'
import type { Namespaces } from './namespaces.ts'

/** The file that Moonraker uses, below the data folder. */
const FILE = '.moonraker.uuid'
const NAMESPACE = 'moonraker'
const KEY = 'instance_id'

/**
 * Reads the instance id, normally 32 hexadecimal digits, or creates it. Copies an id that exists in only one of the two
 * to the other; if they differ, the file wins.
 */
export function ensureInstanceId(
  dataFolder: string,
  namespaces: Namespaces,
  warn: (text: string) => void,
): string {
  const file = join(dataFolder, FILE)
  const warnOf = (error: unknown) =>
    warn(`The instance id of this server cannot be stored: ${messageOf(error)}`)
  const stored = namespaces.find(NAMESPACE, KEY)
  const written = readText(file)
  const id = written || (typeof stored === 'string' ? stored : randomUUID().replaceAll('-', ''))
  try {
    if (written === '') writeFileSync(file, id, { mode: 0o644 })
  } catch (error) {
    warnOf(error)
  }
  if (stored !== id) namespaces.post(NAMESPACE, KEY, id).catch(warnOf)
  return id
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return ''
  }
}
