// Stores metadata in the database by path. It is a cache: the files can be read again.
import type { Namespaces } from '../../storage/index.ts'
import type { GcodeMetadata, ThumbnailEntry } from './types.ts'

/** Moonraker's namespace; its records are used as they are. */
const NAMESPACE = 'gcode_metadata'

/** The stored metadata of a file. */
export interface StoredMetadata extends GcodeMetadata {
  readonly thumbnails?: readonly ThumbnailEntry[]
  /** Seconds since the epoch; null before the first print. */
  readonly print_start_time: number | null
  /** Of the last print, as in the history. */
  readonly job_id: string | null
}

export class MetadataStore {
  readonly #namespaces: Namespaces

  constructor(namespaces: Namespaces) {
    this.#namespaces = namespaces
    namespaces.keep(NAMESPACE)
  }

  get(path: string): StoredMetadata | undefined {
    const found = this.#namespaces.find(NAMESPACE, [path])
    return typeof found === 'object' && found !== null ? (found as StoredMetadata) : undefined
  }

  /** The same as JSON text, which listings send as it is. */
  texts(paths: readonly string[]): ReadonlyMap<string, string> {
    return this.#namespaces.texts(NAMESPACE, paths)
  }

  async put(path: string, metadata: StoredMetadata): Promise<void> {
    await this.#namespaces.post(NAMESPACE, [path], metadata)
  }

  paths(): string[] {
    return this.#namespaces.keys(NAMESPACE)
  }

  /** The paths of everything in a folder, its folders included. */
  below(folder: string): string[] {
    return this.paths().filter(path => path.startsWith(`${folder}/`))
  }

  async remove(paths: readonly string[]): Promise<void> {
    const known = paths.filter(path => this.get(path) !== undefined)
    if (known.length > 0) await this.#namespaces.deleteAll(NAMESPACE, known)
  }

  /** Moves the metadata of files that were moved: from their old paths to the new ones. */
  async move(moves: ReadonlyMap<string, string>): Promise<void> {
    await this.#namespaces.rename(NAMESPACE, moves)
  }
}
