// Where the file manager gets from what it does not know itself: what a G-code file says of itself.
import { stat } from 'node:fs/promises'
import { ApiError } from '../../core/errors.ts'
import { mayHaveMetadata } from './gcode-name.ts'
import type { Roots } from './roots/roots.ts'

/** What is known of a G-code file, as clients get it (gcode-metadata.md). */
export type Metadata = Readonly<Record<string, unknown>>

/** A picture of a file. */
export interface ThumbnailInfo {
  /** Pixels. */
  readonly width: number
  readonly height: number
  /** Bytes. */
  readonly size: number
  /** Below the gcodes root. */
  readonly thumbnail_path: string
}

/** Paths are those below the gcodes root. */
export interface MetadataSource {
  /** server.files.metadata. Rejects with ApiError 404 where there is no such file. */
  metadata(filename: string): Promise<Metadata>
  /** server.files.metascan: reads the file anew. Rejects with ApiError 404 where there is no such file. */
  metascan(filename: string): Promise<Metadata>
  /** server.files.thumbnails: none for files that have none, or are not there. */
  thumbnails(filename: string): Promise<ThumbnailInfo[]>
  /** Makes a file ready to be printed: it has been read, and rewritten where the configuration asks for that. */
  prepare(filename: string): Promise<void>
  /**
   * What extended listings add to files, as the JSON text of an object each; nothing for files that were not read yet.
   * Asked for a few hundred at a time, and must not read them for it.
   */
  known(paths: readonly string[]): ReadonlyMap<string, string>
}

/** A source that knows of a file only what the file system knows. */
export function plainMetadata(roots: Roots): MetadataSource {
  const describe = async (filename: string, missing: string): Promise<Metadata> => {
    const place = await roots.resolve(roots.get('gcodes'), filename)
    const stats = mayHaveMetadata(filename) ? await stat(place.absolute).catch(() => undefined) : undefined
    if (stats?.isFile() !== true) throw new ApiError(404, missing)
    return { size: stats.size, modified: stats.mtimeMs / 1000, filename: place.relative }
  }
  return {
    metadata: filename => describe(filename, `Metadata not available for <${filename}>`),
    metascan: filename => describe(filename, `File '${filename}' does not exist`),
    thumbnails: () => Promise.resolve([]),
    prepare: () => Promise.resolve(),
    known: () => new Map(),
  }
}
