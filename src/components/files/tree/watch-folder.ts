// Watches one folder through the system's notifications (inotify). The observer polls what cannot be watched.
import { type FSWatcher, watch } from 'node:fs'

/** Why a folder cannot be watched. */
export type WatchProblem = 'limit' | 'other'

/**
 * Watches one folder, without its subfolders. Calls `changed` with the name that was added, removed or changed; null if
 * the system does not report the name. Returns a function that ends the watch, or the problem. The watch of a folder
 * that is removed ends by itself.
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
