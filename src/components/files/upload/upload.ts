// Uploads: streamed to a staging file in the root's file system, checked, made durable, and then renamed to the target.
import type { IncomingMessage } from 'node:http'
import { basename, dirname, join } from 'node:path'
import type { Core } from '../../../component/component.ts'
import { ConcurrencyLimit } from '../../../core/concurrency-limit.ts'
import { ApiError, messageOf } from '../../../core/errors.ts'
import type { Scope } from '../../../core/scope.ts'
import { isPrintActive } from '../../../klippy/printer.ts'
import type { Caller } from '../../../rpc/caller.ts'
import type { RawRequest } from '../../../rpc/registry.ts'
import type { PrintQueue } from '../../job-queue/service.ts'
import type { DiskCalls } from '../roots/disk-calls.ts'
import { fileError, withFileError } from '../roots/file-error.ts'
import type { PathLock } from '../roots/path-lock.ts'
import { asMissing } from '../roots/remote-disks.ts'
import {
  type Place,
  pathOfRoot,
  type Root,
  type Roots,
  rootMissing,
  rootPermissions,
} from '../roots/roots.ts'
import { StagedFile } from '../roots/staged-file.ts'
import type { StagingFolders } from '../roots/staging-folders.ts'
import type { WritablePlace, WriteAccess, WriteRequest } from '../roots/write-access.ts'
import type { ChangeNotifier, Requester } from '../tree/change-notifier.ts'
import { drainRequest } from './drain-request.ts'
import { unpackUfp } from './ufp.ts'
import { receiveForm, type UploadForm } from './upload-form.ts'

/** Uploads received at the same time, each with a few megabytes of memory, and uploads that wait. */
const MAX_RUNNING = 4
const MAX_QUEUED = 100
/** Bytes to keep free on the disk for the printer's logs and configuration. */
const KEPT_FREE = 16 * 1024 * 1024

/** The check before a file is made or overwritten. */
export const MAKE_FILE: WriteRequest = {
  change: 'content',
  readOnly: ({ name }) => new ApiError(403, `Files of root '${name}' may not be written`),
}

/** What uploads depend on. */
export interface UploadParts {
  readonly core: Core
  readonly roots: Roots
  readonly access: WriteAccess
  readonly lock: PathLock
  readonly changes: ChangeNotifier
  readonly staging: StagingFolders
  /** Throws ApiError 403 if Klipper prints the file or has it loaded. */
  readonly refuseLoaded: (place: Place) => void | Promise<void>
  /** Prepares a file of gcodes for printing. */
  readonly prepare: (path: string) => Promise<void>
  /** Null if there is no queue, or the configuration does not use it for uploads. */
  readonly queue: () => PrintQueue | null
  /** What of a file of gcodes does not fit the printer; null if that is not known. Does not reject. */
  readonly warningsOf: (path: string) => Promise<readonly string[] | null>
}

/** The reply to an upload. */
export interface UploadResult {
  readonly item: FileItem
  /** Only for gcodes. */
  readonly print_started?: boolean
  readonly print_queued?: boolean
  /** What of the file does not fit the printer; null if that is not known. Only where the form requests it. */
  readonly print_warnings?: readonly string[] | null
  readonly action: 'create_file' | 'modify_file'
}

/** Whether a file was printed or queued. */
export interface PrintOutcome {
  readonly print_started: boolean
  readonly print_queued: boolean
}

const NOT_PRINTED: PrintOutcome = { print_started: false, print_queued: false }

/** A received upload and the fields of its form. */
export interface Received {
  readonly result: UploadResult
  readonly fields: UploadForm['fields']
}

/** A file as replies and notifications describe it. */
export interface FileItem {
  readonly path: string
  readonly root: string
  readonly modified: number
  readonly size: number
  readonly permissions: string
}

/** A staging file with its target. */
interface StagedUpload {
  readonly place: WritablePlace
  readonly file: StagedFile
  /** The picture of a package. */
  readonly thumbnail: StagedFile | null
}

/** The HTTP request of an upload. */
type UploadRequest = Pick<RawRequest, 'req' | 'res' | 'caller'>

export class Uploads {
  readonly #parts: UploadParts
  readonly #limit = new ConcurrencyLimit({ what: 'uploads', maxRunning: MAX_RUNNING, maxQueued: MAX_QUEUED })

  constructor(parts: UploadParts) {
    this.#parts = parts
  }

  /**
   * Receives the upload in `req` for `caller`, and prints the file if the form requests that. Clients are notified when
   * `res` has been sent. Rejects with ApiError 400 for a damaged form or an invalid target, 403 for a file or root that
   * may not be written, 408 if the client stops sending, 413 if the file is too large, 422 for a wrong checksum, 503 if
   * too many uploads wait, 507 if the disk is full; then no file remains. Drains the request so that the client reads
   * the reply.
   */
  async receive({ req, res, caller }: UploadRequest): Promise<Received> {
    try {
      return await this.#limit.run(() => this.#receive({ req, res, caller }))
    } catch (error) {
      await drainRequest(req, this.#parts.core.clock)
      throw error
    }
  }

  async #receive({ req, res, caller }: UploadRequest): Promise<Received> {
    const form = await this.#receiveForm(req, caller)
    const { fields } = form
    try {
      checkDigest(form)
      const target = await this.#target(form, caller)
      const result = await this.#publish(await this.#unpack(form, target, caller), { caller, res })
      if (target.root.name !== 'gcodes') return { result, fields }
      const { path } = result.item
      const isWanted = (name: string) => fields.get(name)?.trim().toLowerCase() === 'true'
      const printed = isWanted('print') ? await this.print(path, caller) : NOT_PRINTED
      const warnings =
        isWanted('print') && isWanted('warnings')
          ? { print_warnings: await this.#parts.warningsOf(path) }
          : null
      return { result: { ...result, ...printed, ...warnings, action: result.action }, fields }
    } finally {
      await form.file.discard()
    }
  }

  #receiveForm(req: IncomingMessage, caller: Caller): Promise<UploadForm> {
    const { roots, staging, core } = this.#parts
    let root = roots.get('gcodes')
    return withFileError('the upload', () =>
      receiveForm(req, {
        maxBytes: core.maxUploadBytes,
        create: name => {
          root = this.#rootOf(name, caller)
          return createStagedFile(staging, root)
        },
        checkSpace: async remaining => {
          await roots.disks.checkLinks(root.path)
          await checkSpace(root, remaining, roots.calls)
        },
        clock: core.clock,
        othersWait: () => this.#limit.queued > 0,
      }),
    )
  }

  #rootOf(name: string | undefined, caller: Caller): Root {
    const { roots, access } = this.#parts
    const root = roots.get(name?.trim().toLowerCase() || 'gcodes')
    access.checkRoot(caller, root, MAKE_FILE)
    return root
  }

  /** A folder in the file's name must exist; the server makes a folder in the field `path`. */
  async #target({ fields, name }: UploadForm, caller: Caller): Promise<WritablePlace> {
    const { access } = this.#parts
    const root = this.#rootOf(fields.get('root'), caller)
    if (name.endsWith('/')) throw new ApiError(400, 'The upload has no file name')
    const place = await access.resolve(caller, root, `${fields.get('path') ?? ''}/${name}`, MAKE_FILE)
    const folder = dirname(place.absolute)
    if (name.replace(/^\/+/, '').includes('/') && !(await isFolder(folder, this.#parts.roots.calls))) {
      throw new ApiError(400, `The folder of the upload does not exist: ${dirname(place.relative)}`)
    }
    return place
  }

  /** Replaces a Cura package by the G-code in it. */
  async #unpack({ file }: UploadForm, place: WritablePlace, caller: Caller): Promise<StagedUpload> {
    const { root, relative } = place
    if (root.name !== 'gcodes' || !/\.ufp$/i.test(relative)) return { place, file, thumbnail: null }
    const { core, access, staging } = this.#parts
    const create = () => createStagedFile(staging, root)
    const unpacked = await unpackUfp(file.path, create, core.maxUploadBytes)
    const model = await access.resolve(caller, root, relative.replace(/\.ufp$/i, '.gcode'), MAKE_FILE)
    return { place: model, file: unpacked.model, thumbnail: unpacked.thumbnail }
  }

  #publish(upload: StagedUpload, requester: Requester): Promise<UploadResult> {
    const { lock, refuseLoaded } = this.#parts
    const { place, file, thumbnail } = upload
    const picture = thumbnail === null ? [] : [thumbnailPath(place.real)]
    return lock.run({ write: [place.real, ...picture] }, async () => {
      try {
        await refuseLoaded(place)
        return await withFileError(`${place.root.name}/${place.relative}`, () =>
          this.#moveToTarget(upload, requester),
        )
      } finally {
        await Promise.all([file.discard(), thumbnail?.discard()])
      }
    })
  }

  async #moveToTarget({ place, file, thumbnail }: StagedUpload, requester: Requester): Promise<UploadResult> {
    const { staging, changes, roots } = this.#parts
    const existing = await roots.calls.find(place.real)
    if (existing?.isDirectory()) throw new ApiError(400, 'A folder has the name of the upload')
    await makeFoldersDurably(dirname(place.real), roots.calls)
    if (thumbnail !== null) await this.#publishPicture(thumbnail.path, { place, file }, requester.caller)
    await staging.publish(file.path, place.real)
    const overwritten = existing !== undefined && place.root.name !== 'gcodes'
    const result = {
      item: await describe(place, roots),
      action: overwritten ? 'modify_file' : 'create_file',
    } as const
    await changes.afterReply(requester, result)
    return result
  }

  /**
   * Publishes the picture of a package with the time of its G-code file, by which the metadata component knows that they
   * belong together. A picture that cannot be written does not fail the upload.
   */
  async #publishPicture(
    path: string,
    { place, file }: Pick<StagedUpload, 'place' | 'file'>,
    caller: Caller,
  ): Promise<void> {
    const { access, staging, roots } = this.#parts
    const { calls } = roots
    try {
      const target = await access.resolve(caller, place.root, thumbnailPath(place.relative), MAKE_FILE)
      const { atimeMs, mtimeMs } = await calls.stat(file.path)
      await calls.utimes(path, atimeMs / 1000, mtimeMs / 1000)
      await makeFoldersDurably(dirname(target.real), calls)
      await staging.publish(path, target.real)
    } catch (error) {
      this.#parts.core.log.warning(`the picture of ${place.relative} was not stored: ${messageOf(error)}`)
    }
  }

  /** Prints a file of gcodes, or queues it if the configuration requires that. Does not reject. */
  async print(path: string, caller: Caller): Promise<PrintOutcome> {
    const { core } = this.#parts
    try {
      await this.#refuseBusy()
      await this.#parts.prepare(path)
      await core.printer.startPrint(path, caller.user?.username)
      return { print_started: true, print_queued: false }
    } catch (error) {
      const print_queued = await this.#enqueue(path)
      if (!print_queued) core.log.warning(`the uploaded file ${path} was not printed: ${messageOf(error)}`)
      return { print_started: false, print_queued }
    }
  }

  /** Klippy itself rejects a print only after the command that it runs, which may take minutes. */
  async #refuseBusy(): Promise<void> {
    const { status } = await this.#parts.core.printer.query({ print_stats: ['state'] })
    if (isPrintActive(status.print_stats?.state)) throw new ApiError(400, 'the printer is busy')
  }

  /** An error of the queue does not fail the upload. */
  async #enqueue(path: string): Promise<boolean> {
    const queue = this.#parts.queue()
    if (queue === null) return false
    try {
      await queue.enqueue([path])
      return true
    } catch (error) {
      this.#parts.core.log.warning(`the uploaded file ${path} was not queued: ${messageOf(error)}`)
      return false
    }
  }
}

/** Serves `POST /server/files/upload`. */
export function serveUploads(parts: UploadParts, scope: Scope): Uploads {
  const uploads = new Uploads(parts)
  const path = '/server/files/upload'
  const handle = async ({ req, res, caller, sendJson }: RawRequest) => {
    const { result } = await uploads.receive({ req, res, caller })
    const prefix = (req.url ?? '').split(path)[0]
    const { root, path: name } = result.item
    res.setHeader(
      'Location',
      `${prefix}/server/files/${[root, ...name.split('/')].map(encodeURIComponent).join('/')}`,
    )
    // At the top for Mainsail and Mobileraker, under `result` for OrcaSlicer.
    sendJson({ ...result, result }, 201)
  }
  scope.use(parts.core.registry.serveRaw({ verbs: ['POST'], path, handle }))
  return uploads
}

/** Creates a staging file in the file system of `root`. It reports ApiError 404 if the root's folder is missing. */
export function createStagedFile(staging: StagingFolders, root: Root): StagedFile {
  return new StagedFile(staging, pathOfRoot(root), error => {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    return isMissing ? rootMissing(root) : fileError(error, root.name)
  })
}

async function checkSpace(root: Root, needed: number, calls: DiskCalls): Promise<void> {
  const found = await calls.statfs(pathOfRoot(root)).catch(asMissing)
  if (found === undefined) return
  const free = found.bavail * found.bsize
  if (needed + KEPT_FREE <= free) return
  const megabytes = (bytes: number) => `${Math.ceil(bytes / 1e6)} MB`
  throw new ApiError(
    507,
    `There is not enough space in root '${root.name}': the upload needs ${megabytes(needed)}, ${megabytes(free)} are free`,
  )
}

function checkDigest({ fields, digest }: UploadForm): void {
  const expected = fields.get('checksum')?.trim().toLowerCase()
  if (expected === undefined || expected === '' || expected === digest) return
  throw new ApiError(422, `File checksum mismatch: expected ${expected.slice(0, 100)}, got ${digest}`)
}

/** Makes a folder and those above it, durably. */
async function makeFoldersDurably(folder: string, calls: DiskCalls): Promise<void> {
  const first = await calls.mkdir(folder, { recursive: true })
  if (first === undefined) return
  for (let made = folder; made.length >= first.length; made = dirname(made)) {
    await calls.makeDurable(dirname(made))
  }
}

async function isFolder(path: string, calls: DiskCalls): Promise<boolean> {
  return (await calls.find(path))?.isDirectory() ?? false
}

/** The path of a package's picture; the metadata scan reads it there. */
function thumbnailPath(gcodePath: string): string {
  return join(dirname(gcodePath), '.thumbs', `${basename(gcodePath).replace(/\.[^.]*$/, '')}.png`)
}

/** Describes a file for replies and notifications. */
export async function describe({ root, relative, real }: Place, { calls }: Roots): Promise<FileItem> {
  const { mtimeMs, size } = await calls.stat(real)
  return {
    path: relative,
    root: root.name,
    modified: mtimeMs / 1000,
    size,
    permissions: rootPermissions(root),
  }
}
