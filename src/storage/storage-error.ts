// Translates SQLite's errors into errors for the person who reads them.
import { ApiError, messageOf } from '../core/errors.ts'

/** Primary result codes of SQLite (its documentation, "Result and Error Codes"). */
const BUSY = 5
const LOCKED = 6
const READ_ONLY = 8
const IO_ERROR = 10
const CORRUPT = 11
const FULL = 13
const FORMAT = 24
const NOT_A_DATABASE = 26
/** The extended code for shared memory that cannot grow: in WAL mode the first error on a full disk. */
const IO_ERROR_SHM_SIZE = 4874

/** SQLite's extended result code of an error of node:sqlite; null for others. */
function resultCode(error: unknown): number | null {
  const code = (error as { errcode?: unknown } | null)?.errcode
  return typeof code === 'number' ? code : null
}

/** Whether the content of the file is damaged, rather than the disk, the permissions or another program. */
export function isDamage(error: unknown): boolean {
  const original = error instanceof ApiError ? error.cause : error
  const code = resultCode(original)
  return code !== null && [CORRUPT, FORMAT, NOT_A_DATABASE].includes(code & 0xff)
}

/** Whether another program has locked the file. */
export function isBusy(error: unknown): boolean {
  const code = resultCode(error instanceof ApiError ? error.cause : error)
  return code !== null && [BUSY, LOCKED].includes(code & 0xff)
}

/** The ApiError for an error of node:sqlite; other errors unchanged. */
export function storageError(error: unknown): unknown {
  const code = resultCode(error)
  if (code === null) return error
  const [status, text] = meaning(code) ?? [500, `The database failed: ${messageOf(error)}`]
  return new ApiError(status, text, { cause: error })
}

function meaning(code: number): [status: number, text: string] | null {
  if (code === IO_ERROR_SHM_SIZE) return meaning(FULL)
  switch (code & 0xff) {
    case FULL:
      return [507, 'The disk is full: nothing was written to the database. Free some space and try again']
    case READ_ONLY:
      return [503, 'The database is read-only: nothing was written']
    case BUSY:
    case LOCKED:
      return [503, 'The database is in use by another program: nothing was written. Stop that program']
    case IO_ERROR:
      return [
        500,
        'The disk of the database failed: read the system log, and copy your files to another disk',
      ]
    case CORRUPT:
    case FORMAT:
    case NOT_A_DATABASE:
      return [
        500,
        'The database file is damaged: restart the server, which keeps a copy of it and restores a backup',
      ]
  }
  return null
}
