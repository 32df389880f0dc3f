// The free space of a disk: Klipper's log and the server's database need some of it too.
import { statfs } from 'node:fs/promises'

/** Whether the file system of `path` has at least `bytes` free. True if that is unknown. */
export async function hasSpace(path: string, bytes: number): Promise<boolean> {
  const found = await statfs(path).catch(() => undefined)
  return found === undefined || found.bavail * found.bsize >= bytes
}
