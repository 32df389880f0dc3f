// The free space of a disk: Klipper's log and the server's database need some of it too.
import { statfs } from 'node:fs/promises'
import { messageOf } from '../../core/errors.ts'

/** Whether the file system of `path` has at least `bytes` free. True if that is unknown. */
export async function hasSpace(path: string, bytes: number): Promise<boolean> {
  const found = await statfs(path).catch(() => undefined)
  return found === undefined || found.bavail * found.bsize >= bytes
}

/** The message about a full disk. `content` is what is on it. */
export function diskFull(content: string): string {
  return `the disk of ${content} is full (option min_free_space)`
}

/** What was wrong, for people. The system's message about a full disk contains paths of the machine. */
export function problemOf(error: unknown, content: string): string {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOSPC' || code === 'EDQUOT' ? diskFull(content) : messageOf(error)
}
