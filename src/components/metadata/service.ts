// The metadata of G-code files, for other components.
import { service } from '../../component/service.ts'
import type { FileProcessors } from '../../core/file-processor.ts'

/** What is known of a G-code file, as clients receive it. */
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
  /** server.files.metadata. Rejects with ApiError 404 for a missing file. */
  metadata(filename: string): Promise<Metadata>
  /** server.files.metascan: reads the file again. Rejects with ApiError 404 for a missing file. */
  metascan(filename: string): Promise<Metadata>
  /** server.files.thumbnails: empty for missing files, and for files without thumbnails. */
  thumbnails(filename: string): Promise<ThumbnailInfo[]>
  /** Makes a file ready to be printed: it has been read, and rewritten if the configuration requires that. */
  prepare(filename: string): Promise<void>
  /**
   * Runs the background processors on a file before all others that wait, and resolves when they are done. Rejects with
   * ApiError 404 where there is no such file, and with another error if the file changes meanwhile.
   */
  process(filename: string): Promise<void>
  /** The data that a background processor stored for the present content of a file; undefined without any. */
  details(filename: string, processor: string): unknown
  /**
   * The data that extended listings add to files, as JSON texts of objects; nothing for files that were not read yet.
   * Called for a few hundred files at a time; must not read them.
   */
  known(paths: readonly string[]): ReadonlyMap<string, string>
}

/** The metadata of the files of the gcodes root. */
export const metadataService = service<MetadataSource>('metadata')

/** The registry of file processors. They run on each file that is read from their registration on. */
export const fileProcessorsService = service<FileProcessors>('file_processors')
