// The server's own number, which tells one data folder from another: in a file, and in the database that goes with it.
import { randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../core/errors.ts'
import type { Namespaces } from './namespaces.ts'

/** Where the original keeps it, below the data folder. */
const FILE = '.moonraker.uuid'
const NAMESPACE = 'moonraker'
const KEY = 'instance_id'

/**
 * Reads the number, as a rule 32 hexadecimal digits; where there is none, makes it. One that only the file or only the
 * database has is kept in the other too.
 */
export function ensureInstanceId(
  dataFolder: string,
  namespaces: Namespaces,
  warn: (text: string) => void,
): string {
  const file = join(dataFolder, FILE)
  const complain = (error: unknown) => warn(`The number of this server cannot be kept: ${messageOf(error)}`)
  const noted = namespaces.find(NAMESPACE, KEY)
  const written = readText(file)
  const id = written || (typeof noted === 'string' ? noted : randomUUID().replaceAll('-', ''))
  try {
    if (written === '') writeFileSync(file, id, { mode: 0o644 })
  } catch (error) {
    complain(error)
  }
  if (noted !== id) namespaces.post(NAMESPACE, KEY, id).catch(complain)
  return id
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return ''
  }
}
