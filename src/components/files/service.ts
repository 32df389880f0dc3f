// The file manager, for other components.
import { service } from '../../component/service.ts'
import type { Registration } from '../../core/scope.ts'
import type { Caller } from '../../rpc/caller.ts'
import type { RawRequest } from '../../rpc/registry.ts'
import type { ArchiveFile } from './operations/zip.ts'
import type { PathLock } from './roots/path-lock.ts'
import type { ProtectedFolder } from './roots/protected-folders.ts'
import type { Place, Root, Roots } from './roots/roots.ts'
import type { DirectoryListing, FileEntry } from './tree/listing.ts'
import type { PrintOutcome, Received } from './upload/upload.ts'

/** The roots and their files. */
export interface FilesService {
  readonly roots: Roots
  readonly lock: PathLock
  /** Resolves when the roots can be listed. */
  readonly rootsKnown: Promise<void>
  /** `enable_object_processing` of [file_manager]. */
  readonly processesObjects: boolean
  /** Seconds: `default_metadata_parser_timeout` of [file_manager]. */
  readonly metadataTimeout: number
  /**
   * Announces a root whose folder `serveRoot` gets later: requests for it wait until its folder is checked, or the
   * registration is removed.
   */
  announceRoot(name: string): Registration
  /** Serves a folder as a root until it is removed. */
  serveRoot(root: Root): Registration
  /** Protects a folder from changes by clients until the registration is removed; they can read it. */
  protectFolder(folder: ProtectedFolder): Registration
  /**
   * Rejects with ApiError 403 if the server must not rewrite the file: Klipper prints it or has it loaded, or it is
   * read-only, for example a link out of its root.
   */
  refuseRewrite(place: Place): Promise<void>
  /** Runs `work` with an unused path in the file system of `place`; removes what is there afterwards. */
  withStagingPath<T>(place: Place, work: (path: string) => Promise<T>): Promise<T>
  /** Puts a durable file from `withStagingPath` at `place`, and notifies clients. The caller holds the lock of `place`. */
  publishFile(draft: string, place: Place): Promise<void>
  /** Deletes a file, and notifies clients. The caller holds the lock of `place`. */
  removeFile(place: Place): Promise<void>
  /** Puts files into an uncompressed archive at `place`; see `Archives.pack`. */
  archive(files: readonly ArchiveFile[], place: Place, signal: AbortSignal): Promise<void>
  list(root: string): Promise<readonly FileEntry[]>
  /** The space on the disk of a root, in bytes. Rejects with ApiError if the root is unknown or its disk does not respond. */
  diskUsage(root: string): Promise<DirectoryListing['disk_usage']>
  /** By the file's name. */
  readonly isGcodeName: (name: string) => boolean
}

/** Receives uploads and prints files. */
export interface UploadService {
  /** See `Uploads.receive`. */
  receive(request: Pick<RawRequest, 'req' | 'res' | 'caller'>): Promise<Received>
  /** Prints a file of gcodes, or adds it to the job queue if the configuration requires that. Does not reject. */
  print(path: string, caller: Caller): Promise<PrintOutcome>
}

/** The roots and their files. */
export const filesService = service<FilesService>('files')

/** Uploads, and printing what was uploaded. */
export const uploadService = service<UploadService>('uploads')
