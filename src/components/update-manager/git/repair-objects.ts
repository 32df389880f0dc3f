// Repairs damaged objects of a repository: it sets the broken files aside, and fetches the objects again.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createInflate } from 'node:zlib'
import { type Git, GitError } from './git.ts'
import { IN_SUBMODULES } from './work-tree.ts'

/** Where broken files go, below `.git`. */
const ASIDE = 'broken-objects'

/**
 * Repairs the objects with those of `remote`. Resolves with whether the repository is whole then: objects of commits
 * that were never published cannot be fetched.
 */
export async function repairObjects(
  git: Git,
  remote: string,
  signal: AbortSignal,
  onLine: (line: string) => void,
): Promise<boolean> {
  try {
    await setBrokenAside(join(git.path, '.git'), signal)
    await git.transfer(['fetch', '--refetch', '--progress', remote], {
      signal,
      attempts: 2,
      idleSeconds: 300,
      onLine,
    })
    await git.text(['fsck', '--connectivity-only', '--no-dangling', '--no-progress'], signal)
    await git.text(['status', '--porcelain', IN_SUBMODULES], signal)
    return true
  } catch (error) {
    if (!(error instanceof GitError)) throw error
    onLine(error.output.split('\n')[0] ?? '')
    return false
  }
}

/** Moves the loose objects away whose content is not that of their names. */
async function setBrokenAside(gitFolder: string, signal: AbortSignal): Promise<void> {
  const objects = join(gitFolder, 'objects')
  for (const prefix of (await readdir(objects)).filter(name => /^[0-9a-f]{2}$/.test(name))) {
    for (const rest of await readdir(join(objects, prefix))) {
      signal.throwIfAborted()
      const file = join(objects, prefix, rest)
      if (!/^[0-9a-f]{38,62}$/.test(rest) || (await isWhole(file, prefix + rest))) continue
      await mkdir(join(gitFolder, ASIDE), { recursive: true })
      await rename(file, join(gitFolder, ASIDE, prefix + rest))
    }
  }
}

/** The name of an object is the hash of its content. */
async function isWhole(file: string, name: string): Promise<boolean> {
  const hash = createHash(name.length === 40 ? 'sha1' : 'sha256')
  try {
    await pipeline(createReadStream(file), createInflate(), hash)
    return hash.digest('hex') === name
  } catch {
    return false
  }
}
