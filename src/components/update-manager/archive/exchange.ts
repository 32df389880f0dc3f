// Exchanges two paths in one step of the file system: at no time is one of them missing.
import { getSystemErrorName } from 'node:util'

/** The paths are relative to the current folder, or absolute. */
const AT_FDCWD = -100
const RENAME_EXCHANGE = 2
/** The kernel or the file system cannot do it. */
const NOT_SUPPORTED = ['ENOSYS', 'EINVAL', 'EOPNOTSUPP']

/**
 * Exchanges what is at the two paths; both exist, on one file system. Resolves with false, without a change, where that
 * is not possible: it needs Linux with renameat2, a file system that supports it, and the optional package koffi. Rejects
 * with the error of the file system.
 */
export async function exchangePaths(a: string, b: string): Promise<boolean> {
  let rename: (from: number, a: string, to: number, b: string, flags: number) => number
  let code: () => number
  try {
    const { default: koffi } = await import('koffi')
    rename = koffi.load(null).func('int renameat2(int, const char *, int, const char *, unsigned int)')
    code = koffi.errno
  } catch {
    return false
  }
  if (rename(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) === 0) return true
  const name = getSystemErrorName(-code())
  if (NOT_SUPPORTED.includes(name)) return false
  throw Object.assign(new Error(`${name}: exchange ${a}, ${b}`), { code: name, syscall: 'renameat2' })
}
