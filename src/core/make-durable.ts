// A written or renamed file survives a power loss only once the file, and the folder that contains it, are synced.
import { closeSync, fsyncSync, openSync } from 'node:fs'
import { open } from 'node:fs/promises'

/** Errors of file systems that cannot sync folders: nothing more can be done there. */
const CANNOT_SYNC = ['EINVAL', 'ENOSYS', 'ENOTSUP']

/** Makes a file's content, or the names in a folder, durable. Rejects with the system's error. */
export async function makeDurable(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync().catch(ignoreUnsupported)
  } finally {
    await handle.close()
  }
}

/** The same for code that cannot wait. Throws the system's error. */
export function makeDurableSync(path: string): void {
  const handle = openSync(path, 'r')
  try {
    fsyncSync(handle)
  } catch (error) {
    ignoreUnsupported(error)
  } finally {
    closeSync(handle)
  }
}

function ignoreUnsupported(error: unknown): void {
  if (!CANNOT_SYNC.includes((error as NodeJS.ErrnoException).code ?? '')) throw error
}
