// Writes and reads the cells of tables.
import { parseStored } from '../core/exact-json.ts'
import type { Row } from './sqlite.ts'

/** The cell for a JSON value: the bytes of its text, as Moonraker writes it. */
export function jsonCell(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value))
}

/** The value of a JSON cell; undefined if it is empty or damaged, so that the rest of the row remains readable. */
export function jsonOf(cell: Row[string] | undefined): unknown {
  if (cell === null || cell === undefined) return undefined
  try {
    return parseStored(cell instanceof Uint8Array ? Buffer.from(cell).toString() : String(cell))
  } catch {
    return undefined
  }
}

/** The text, or null for anything else. */
export function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
