// Changes of a printer's record: name, site, labels, maintenance.
import { ApiError } from '../../../core/errors.ts'
import { MAX_VALUE_BYTES, type PrinterRecord } from '../../contract/index.ts'
import type { Store } from '../store/store.ts'

const MAX_TEXT = 100
const MAX_LABELS = 50
const TRIES = 5

/** What may be changed. */
export interface PrinterChanges {
  readonly name?: string | undefined
  readonly site?: string | undefined
  readonly labels?: Record<string, string> | undefined
  readonly maintenance?: boolean | undefined
}

/**
 * Changes the record of a printer. Rejects with ApiError: 400 for values that are too long, 404 for a printer that has
 * not joined, 503.
 */
export async function changePrinter(
  { records, directory }: Pick<Store, 'records' | 'directory'>,
  id: string,
  changes: PrinterChanges,
): Promise<void> {
  checkPrinter(changes)
  const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined))
  for (let tries = 0; tries < TRIES; tries += 1) {
    const stored = await records.read(id)
    if (stored === null) throw new ApiError(404, 'No printer with this id has joined the fleet')
    const value: PrinterRecord = { ...stored.value, ...given }
    const revision = await records.write(id, { value, expected: stored.revision })
    if (revision === null) continue
    directory.noteRecord(id, { value, revision })
    return
  }
  throw new ApiError(503, 'The printer changes all the time: try again')
}

/** Throws ApiError 400 for values that are too long for the record of a printer. */
export function checkPrinter({ name, site, labels }: PrinterChanges): void {
  if (name !== undefined && (name.trim() === '' || name.length > MAX_TEXT))
    throw new ApiError(400, `name: 1 to ${MAX_TEXT} characters`)
  if (site !== undefined && site.length > MAX_TEXT)
    throw new ApiError(400, `site: at most ${MAX_TEXT} characters`)
  if (labels === undefined) return
  const isLong = JSON.stringify(labels).length > MAX_VALUE_BYTES / 2
  if (Object.keys(labels).length > MAX_LABELS || isLong)
    throw new ApiError(400, `labels: at most ${MAX_LABELS}, with ${MAX_VALUE_BYTES / 2} characters`)
}
