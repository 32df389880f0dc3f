// Uploads: streamed to a hidden file in the target's file system, checked, made durable, and only then visible.
import { mkdir, stat, statfs } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { basename, dirname, join } from 'node:path'
import type { Core } from '../../../component/component.ts'
import { ConcurrencyLimit } from '../../../core/concurrency-limit.ts'
import { ApiError, messageOf } from '../../../core/errors.ts'
import { makeDurable } from '../../../core/make-durable.ts'
import type { Scope } from '../../../core/scope.ts'
import { isPrintActive } from '../../../klippy/printer.ts'
import type { Caller } from '../../../rpc/caller.ts'
import type { RawRequest } from '../../../rpc/registry.ts'
import type { PrintQueue } from '../../job-queue/service.ts'
import { fileError, told } from '../roots/file-error.ts'
import { demandWriting } from '../roots/permissions.ts'
import { type Place, type Root, type Roots, rootPermissions } from '../roots/roots.ts'
import { StagedFile } from '../roots/staged-file.ts'
import type { HiddenFolders } from '../roots/staging-folder.ts'
import type { TreeLock } from '../roots/tree-lock.ts'
import type { Changes } from '../tree/changes.ts'
import { drainRequest } from './drain-request.ts'
import { unpackUfp } from './ufp.ts'
import { receiveForm, type UploadForm } from './upload-form.ts'

/** Uploads that are received at a time, each in a few megabytes of memory, and that wait for it. */
const MAX_RUNNING = 4
const MAX_QUEUED = 100
/** Bytes that stay free on the disk, for the printer's own logs and configuration. */
const KEPT_FREE = 16 * 1024 * 1024

/** What uploads depend on. */
export interface UploadParts {
  readonly core: Core
  readonly roots: Roots
  readonly lock: TreeLock
  readonly changes: Changes
  readonly hidden: HiddenFolders
  /** Throws ApiError 403 where Klipper prints the file or has it loaded. */
  readonly refuseLocked: (place: Place) => void | Promise<void>
  /** Makes a file of gcodes ready to be printed. */
  readonly prepare: (path: string) => Promise<void>
  /** Null where there is none, or the configuration does not want it for uploads. */
  readonly queue: () => PrintQueue | null
}

/** The reply to an upload (API document, "File upload"). */
export interface UploadResult {
  readonly item: FileItem
  /** These two only for gcodes. */
  readonly print_started?: boolean
  readonly print_queued?: boolean
  readonly action: 'create_file' | 'modify_file'
}

/** What became of the wish to print a file. */
export interface Printed {
  readonly print_started: boolean
  readonly print_queued: boolean
}

const NOT_PRINTED: Printed = { print_started: false, print_queued: false }

/** An upload that has arrived, and the fields of its form. */
export interface Received {
  readonly result: UploadResult
  readonly fields: UploadForm['fields']
}

/** A file as replies and notifications name it. */
export interface FileItem {
  readonly path: string
  readonly root: string
  readonly modified: number
  readonly size: number
  readonly permissions: string
}

/** A file on its way to its place. */
interface Arrival {
  readonly place: Place
  readonly file: StagedFile
  /** The picture of a package; it goes beside the file. */
  readonly thumbnail: StagedFile | null
}

/** What an upload comes in. */
type UploadRequest = Pick<RawRequest, 'req' | 'res' | 'caller'>

export class Uploads {
  readonly #parts: UploadParts
  readonly #limit = new ConcurrencyLimit({ what: 'uploads', maxRunning: MAX_RUNNING, maxQueued: MAX_QUEUED })

  constructor(parts: UploadParts) {
    this.#parts = parts
  }

  /**
   * Receives the upload that `req` is, on behalf of `caller`, and prints the file if the form says so. The change is
   * announced when `res` has been sent. Rejects with ApiError 400 for a damaged form or a bad target, 403 for a file
   * or a root that may not be written, 408, 413 for a file that is too large, 422 for a wrong checksum, 503, 507 for a
   * full disk; then nothing is left of it. What the client still sends is taken in, so that it reads the answer.
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
      const result = await this.#place(await this.#unpack(form, target), res)
      if (target.root.name !== 'gcodes') return { result, fields }
      const wanted = fields.get('print')?.trim().toLowerCase() === 'true'
      const printed = wanted ? await this.print(result.item.path, caller) : NOT_PRINTED
      return { result: { ...result, ...printed, action: result.action }, fields }
    } finally {
      await form.hidden.discard()
    }
  }

  #receiveForm(req: IncomingMessage, caller: Caller): Promise<UploadForm> {
    const { roots, hidden, core } = this.#parts
    let root = roots.get('gcodes')
    return told('the upload', () =>
      receiveForm(req, {
        maxBytes: core.maxUploadBytes,
        open: name => {
          root = this.#rootOf(name, caller)
          return beginFile(hidden, root)
        },
        checkSpace: remaining => checkSpace(root, remaining),
      }),
    )
  }

  #rootOf(name: string | undefined, caller: Caller): Root {
    const root = this.#parts.roots.get(name?.trim().toLowerCase() || 'gcodes')
    demandWriting(caller, root.name)
    if (!root.writable) throw new ApiError(403, `Files of root '${root.name}' may not be written`)
    return root
  }

  /** A folder that stands in the file's name has to exist, one in the field `path` is made (API document). */
  async #target({ fields, name }: UploadForm, caller: Caller): Promise<Place> {
    const { roots } = this.#parts
    const root = this.#rootOf(fields.get('root'), caller)
    if (name.endsWith('/')) throw new ApiError(400, 'The upload has no file name')
    const place = await roots.resolve(root, `${fields.get('path') ?? ''}/${name}`)
    const folder = dirname(place.absolute)
    if (name.replace(/^\/+/, '').includes('/') && !(await isFolder(folder))) {
      throw new ApiError(400, `The folder of the upload does not exist: ${dirname(place.relative)}`)
    }
    return place
  }

  /** A Cura package becomes the G-code in it. */
  async #unpack({ hidden }: UploadForm, place: Place): Promise<Arrival> {
    const { root, relative } = place
    if (root.name !== 'gcodes' || !/\.ufp$/i.test(relative)) return { place, file: hidden, thumbnail: null }
    const { core, roots, hidden: folders } = this.#parts
    const create = () => beginFile(folders, root)
    const unpacked = await unpackUfp(hidden.path, create, core.maxUploadBytes)
    const model = await roots.resolve(root, relative.replace(/\.ufp$/i, '.gcode'))
    return { place: model, file: unpacked.model, thumbnail: unpacked.thumbnail }
  }

  #place(arrival: Arrival, res: ServerResponse): Promise<UploadResult> {
    const { lock, refuseLocked } = this.#parts
    const { place, file, thumbnail } = arrival
    const picture = thumbnail === null ? [] : [thumbnailPath(place.real)]
    return lock.run({ write: [place.real, ...picture] }, async () => {
      try {
        await refuseLocked(place)
        return await told(`${place.root.name}/${place.relative}`, () => this.#moveOut(arrival, res))
      } finally {
        await Promise.all([file.discard(), thumbnail?.discard()])
      }
    })
  }

  async #moveOut({ place, file, thumbnail }: Arrival, res: ServerResponse): Promise<UploadResult> {
    const { hidden, changes } = this.#parts
    const existing = await stat(place.real).catch(() => undefined)
    if (existing?.isDirectory()) throw new ApiError(400, 'A folder has the name of the upload')
    await makeFolders(dirname(place.real))
    if (thumbnail !== null) {
      await makeFolders(dirname(thumbnailPath(place.real)))
      await hidden.moveOut(thumbnail.path, thumbnailPath(place.real))
    }
    await hidden.moveOut(file.path, place.real)
    const overwritten = existing !== undefined && place.root.name !== 'gcodes'
    const result = {
      item: await describe(place),
      action: overwritten ? 'modify_file' : 'create_file',
    } as const
    changes.afterReply(res, result)
    return result
  }

  /** Prints a file of gcodes, or puts it in line where the configuration wants that. Does not reject. */
  async print(path: string, caller: Caller): Promise<Printed> {
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

  /** Klippy itself would refuse only when the command that it runs is done: a heater may take minutes. */
  async #refuseBusy(): Promise<void> {
    const { status } = await this.#parts.core.printer.query({ print_stats: ['state'] })
    if (isPrintActive(status.print_stats?.state)) throw new ApiError(400, 'the printer is busy')
  }

  /** What is stored stays stored, whatever the queue says. */
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

/** Begins a file in the file system of `root`. Throws ApiError 404 while the root's folder is not there. */
export function beginFile(folders: HiddenFolders, root: Root): StagedFile {
  try {
    return new StagedFile(folders, root.path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new ApiError(404, `The folder of root '${root.name}' is not there at present`)
    }
    throw fileError(error, root.name)
  }
}

async function checkSpace(root: Root, needed: number): Promise<void> {
  const found = await statfs(root.path).catch(() => undefined)
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
  if (expected === undefined || expected === digest) return
  throw new ApiError(422, `File checksum mismatch: expected ${expected.slice(0, 100)}, got ${digest}`)
}

/** Makes a folder and those above it, durably. */
async function makeFolders(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true })
  if (first === undefined) return
  for (let made = folder; made.length >= first.length; made = dirname(made)) await makeDurable(dirname(made))
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false
}

/** The picture of a package, where the metadata scan looks for it. */
function thumbnailPath(gcodePath: string): string {
  return join(dirname(gcodePath), '.thumbs', `${basename(gcodePath).replace(/\.[^.]*$/, '')}.png`)
}

/** A place as replies and notifications name it. */
export async function describe({ root, relative, real }: Place): Promise<FileItem> {
  const { mtimeMs, size } = await stat(real)
  return {
    path: relative,
    root: root.name,
    modified: mtimeMs / 1000,
    size,
    permissions: rootPermissions(root),
  }
}
