// Folders that clients can read but not change, such as those of applications that the update manager keeps current.
import type { Registration } from '../../../core/scope.ts'
import { isWithin } from './path-lock.ts'

/** A folder that clients cannot change. */
export interface ProtectedFolder {
  /** Without links. */
  readonly path: string
  /** Its name in errors. */
  readonly name: string
}

export class ProtectedFolders {
  readonly #folders = new Set<ProtectedFolder>()

  /** Protects a folder until the registration is removed. */
  add(folder: ProtectedFolder): Registration {
    this.#folders.add(folder)
    return { remove: () => void this.#folders.delete(folder) }
  }

  /** The protected folder that contains `real`, a path without links. */
  containing(real: string): ProtectedFolder | undefined {
    return this.#find(({ path }) => isWithin(real, path))
  }

  /** A protected folder at or below `real`. */
  below(real: string): ProtectedFolder | undefined {
    return this.#find(({ path }) => isWithin(path, real))
  }

  #find(matches: (folder: ProtectedFolder) => boolean): ProtectedFolder | undefined {
    return [...this.#folders].find(matches)
  }
}
