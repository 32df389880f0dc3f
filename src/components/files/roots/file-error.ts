// Maps the system's error codes to errors for the caller: a status, and a text that names the path as clients do.
import { ApiError } from '../../../core/errors.ts'

/** By the system's code. Texts that clients know from Moonraker start as they do there. */
const MEANINGS: Readonly<Record<string, readonly [status: number, text: string]>> = {
  ENOENT: [400, 'No such file or directory'],
  EEXIST: [400, 'File exists'],
  ENOTEMPTY: [400, 'Directory not empty'],
  ENOTDIR: [400, 'Not a directory'],
  EISDIR: [400, 'Is a directory'],
  ENAMETOOLONG: [400, 'File name too long'],
  ELOOP: [400, 'Too many levels of symbolic links'],
  EINVAL: [400, 'Invalid argument'],
  EACCES: [403, 'Permission denied'],
  EPERM: [403, 'Operation not permitted'],
  EROFS: [403, 'Read-only file system'],
  EBUSY: [403, 'In use by the system'],
  ENOSPC: [507, 'No space left on the disk'],
  EDQUOT: [507, 'No space left in the disk quota'],
  EFBIG: [507, 'The file is too large for this file system'],
}

/**
 * Converts an error of the system at `shown` (root and path, as clients write them) to an ApiError. Returns other
 * errors unchanged.
 */
export function fileError(error: unknown, shown: string): unknown {
  const { code = '' } = (error ?? {}) as NodeJS.ErrnoException
  const meaning = MEANINGS[code]
  if (error instanceof ApiError || meaning === undefined) return error
  return new ApiError(meaning[0], `${meaning[1]}: '${shown}'`, { cause: error })
}

/** Runs `operation` and converts its errors with `fileError`. */
export async function withFileError<T>(shown: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation()
  } catch (error) {
    throw fileError(error, shown)
  }
}
