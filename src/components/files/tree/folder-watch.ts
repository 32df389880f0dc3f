// Hears from the system when a folder changes. What it cannot hear of is looked at from time to time by the observer.
import { type FSWatcher, watch } from 'node:fs'

/** Why a folder cannot be watched. */
export type WatchProblem = 'limit' | 'other'

/**
 * Watches one folder, without those in it. `changed` gets the name that came, went or changed; null where that is not
 * known. Gives how to end it, or the problem. A folder that goes away ends its watch itself.
 */
export function watchFolder(
  path: string,
  changed: (name: string | null) => void,
): { readonly stop: () => void } | { readonly problem: WatchProblem } {
  let watcher: FSWatcher
  try {
    watcher = watch(path, { persistent: false })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return { problem: code === 'ENOSPC' || code === 'EMFILE' || code === 'ENFILE' ? 'limit' : 'other' }
  }
  watcher.on('change', (_event, name) => changed(typeof name === 'string' ? name : null))
  watcher.on('error', () => {
    watcher.close()
    changed(null)
  })
  return { stop: () => watcher.close() }
}
