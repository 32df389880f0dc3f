// What stands in the cells of the tables, written and read.
import { parseStored } from '../core/exact-json.ts'
import type { Row } from './sqlite.ts'

/** A cell of JSON: the bytes of the text, as the original writes it. */
export function jsonCell(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value))
}

/** What a cell of JSON holds; undefined where it is empty or damaged, which must not hide the rest of its row. */
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
