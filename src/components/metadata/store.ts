// Stores metadata in the database by path. It is a cache: the files can be read again.
import type { Namespaces } from '../../storage/index.ts'
import type { GcodeMetadata, ThumbnailEntry } from './types.ts'

/** Moonraker's namespace; its records are used as they are. */
const NAMESPACE = 'gcode_metadata'
/** Where Moonraker stores the version of the records: it discards records without that version when it starts. */
const VERSION_KEY = ['file_manager', 'metadata_version'] as const
const VERSION = 3
/** Our namespace: data that background processors store for a file, too large for every listing. */
const DETAILS = 'gcode_details'

/** The stored metadata of a file. */
export interface StoredMetadata extends GcodeMetadata {
  readonly thumbnails?: readonly ThumbnailEntry[]
  /** Seconds since the epoch; null before the first print. */
  readonly print_start_time: number | null
  /** Of the last print, as in the history. */
  readonly job_id: string | null
}

/** The data that processors store for a file, and for which content of it. */
export interface StoredDetails {
  readonly size: number
  readonly modified: number
  /** By the names of the processors. */
  readonly by: Readonly<Record<string, unknown>>
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
    if (this.#namespaces.find('moonraker', VERSION_KEY) === undefined) {
      await this.#namespaces.post('moonraker', VERSION_KEY, VERSION)
    }
    await this.#namespaces.post(NAMESPACE, [path], metadata)
  }

  /** The data that a file processor stored for the present content of the file; undefined without any. */
  details(path: string, processor: string): unknown {
    const found = this.#namespaces.find(DETAILS, [path]) as StoredDetails | undefined
    const known = this.get(path)
    const isCurrent = found?.size === known?.size && found?.modified === known?.modified
    return isCurrent ? found?.by?.[processor] : undefined
  }

  /** Replaces the data of all processors for a file. */
  async putDetails(path: string, details: StoredDetails): Promise<void> {
    await this.#namespaces.post(DETAILS, [path], details)
  }

  paths(): string[] {
    return this.#namespaces.keys(NAMESPACE)
  }

  /** The paths of everything in a folder, its folders included. */
  below(folder: string): string[] {
    return this.paths().filter(path => path.startsWith(`${folder}/`))
  }

  async remove(paths: readonly string[]): Promise<void> {
    for (const namespace of [NAMESPACE, DETAILS]) {
      const known = paths.filter(path => this.#namespaces.find(namespace, [path]) !== undefined)
      if (known.length > 0) await this.#namespaces.deleteAll(namespace, known)
    }
  }

  /** Moves the metadata of files that were moved: from their old paths to the new ones. */
  async move(moves: ReadonlyMap<string, string>): Promise<void> {
    for (const namespace of [NAMESPACE, DETAILS]) await this.#namespaces.rename(namespace, moves)
  }
}
