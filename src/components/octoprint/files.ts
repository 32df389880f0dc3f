// Files of the gcodes root as OctoPrint lists, describes, selects and deletes them, and the reply to an upload.
import type { ParamsOf, ResultOf } from '../../api/endpoint.ts'
import type { FileInfo, OctoPrintUpload, octoprintEndpoints } from '../../api/octoprint.ts'
import type { Core } from '../../component/component.ts'
import { ApiError } from '../../core/errors.ts'
import { callMethod } from '../../rpc/call-method.ts'
import type { Caller } from '../../rpc/caller.ts'
import type { RawRequest } from '../../rpc/registry.ts'
import type { Infer } from '../../schema/index.ts'
import type { UploadService } from '../files/service.ts'
import { baseOf, type RouteCall } from './bare-routes.ts'
import { type FileFacts, factsOf, fileOf } from './file-facts.ts'
import type { Jobs } from './job.ts'

type Info = Infer<typeof FileInfo>
type Listing = ResultOf<(typeof octoprintEndpoints)['octoprint.files']>
type FileCommand = ParamsOf<(typeof octoprintEndpoints)['octoprint.file.command']>

/** A file of the list of a root. */
interface ListedFile {
  readonly path: string
  readonly modified: number
  readonly size: number
}

export class Files {
  readonly #core: Core
  readonly #jobs: Jobs
  readonly #uploads: () => UploadService | null

  constructor(core: Core, jobs: Jobs, uploads: () => UploadService | null) {
    this.#core = core
    this.#jobs = jobs
    this.#uploads = uploads
  }

  /** GET /api/files. */
  async list(recursive: boolean, { caller, base }: RouteCall): Promise<Listing> {
    const { disk_usage } = (await callMethod(
      this.#core,
      'server.files.get_directory',
      { path: 'gcodes' },
      caller,
    )) as {
      disk_usage: { free: number; total: number }
    }
    const files = tree(await this.#all(caller), '', recursive, base)
    return { files, free: disk_usage.free, total: disk_usage.total }
  }

  /** A file with the figures of its slicer, or a folder with its content. Throws ApiError 404 for any other path. */
  async describe(
    location: string,
    path: string,
    recursive: boolean,
    { caller, base }: RouteCall,
  ): Promise<Info> {
    const relative = pathOf(location, path)
    const facts = await factsOf(this.#core, relative, caller)
    if (facts !== undefined) {
      const { size = 0, modified = 0 } = facts
      return { ...entryOf({ path: relative, size, modified }, base), ...analysisOf(facts) }
    }
    const all = await this.#all(caller)
    const children = tree(all, `${relative}/`, recursive, base)
    if (children.length === 0) throw notThere(relative)
    return { ...folderOf(relative, base), children }
  }

  /** The command `select`; with `print` the file is printed at once. Throws ApiError 404, and 409 where it cannot be. */
  async command({ location, path, command, print }: FileCommand, { caller }: RouteCall): Promise<void> {
    if (command !== 'select') throw new ApiError(400, `Unsupported Command: ${command.slice(0, 100)}`)
    const relative = pathOf(location, path)
    if ((await factsOf(this.#core, relative, caller)) === undefined) throw notThere(relative)
    if (!print) return this.#jobs.select(relative)
    const { print_started, print_queued } = await this.#required.print(relative, caller)
    if (!print_started && !print_queued) throw new ApiError(409, `'${relative}' cannot be printed now`)
  }

  /** Throws ApiError 404 for what is no file, 409 for one that is printed. */
  async delete(location: string, path: string, { caller }: RouteCall): Promise<void> {
    const relative = pathOf(location, path)
    try {
      await callMethod(this.#core, 'server.files.delete_file', { path: `gcodes/${relative}` }, caller)
    } catch (error) {
      if (!(error instanceof ApiError) || (error.status !== 400 && error.status !== 403)) throw error
      throw new ApiError(error.status === 400 ? 404 : 409, error.message, { cause: error })
    }
  }

  /** POST /api/files/local. */
  async upload({ req, res, caller, prefix, sendJson }: RawRequest): Promise<void> {
    const { result, fields } = await this.#required.receive({ req, res, caller })
    const { root, path } = result.item
    const print = result.print_started === true
    const select = root === 'gcodes' && (print || fields.get('select')?.trim().toLowerCase() === 'true')
    if (select && !print) this.#jobs.select(path)
    const base = baseOf(req, prefix)
    const { name, display, origin } = fileOf(path, {})
    const reply: Infer<typeof OctoPrintUpload> = {
      ...result,
      done: true,
      effectiveSelect: select,
      effectivePrint: print,
      files: { local: { name, display, path, origin, refs: refsOf(path, base, root) } },
    }
    // Where Cura's plugin sends its command select to, and what it shows as the name.
    res.setHeader('Location', `${prefix}/api/files/moonraker/${encodePath(`${root}/${path}`)}`)
    sendJson(reply, 201)
  }

  get #required(): UploadService {
    const uploads = this.#uploads()
    if (uploads === null) throw new ApiError(503, 'The file manager does not work: see the warnings')
    return uploads
  }

  async #all(caller: Caller): Promise<readonly ListedFile[]> {
    return (await callMethod(this.#core, 'server.files.list', { root: 'gcodes' }, caller)) as ListedFile[]
  }
}

function notThere(path: string): ApiError {
  return new ApiError(404, `There is no file or folder '${path}'`)
}

/** The path below gcodes. OctoPrint's storage is `local`; the original's replies name `moonraker` and the root. */
function pathOf(location: string, path: string): string {
  const parts = path.split('/').filter(part => part !== '' && part !== '.')
  if (location === 'moonraker') {
    if (parts.shift() !== 'gcodes') throw new ApiError(400, "Only files of the root 'gcodes' can be printed")
  } else if (location !== 'local') throw new ApiError(404, `There is no storage '${location.slice(0, 100)}'`)
  if (parts.length === 0) throw notThere('')
  return parts.join('/')
}

/** The content of the folder `prefix`, which ends in a slash or is ''. Folders come first. */
function tree(all: readonly ListedFile[], prefix: string, recursive: boolean, base: string): Info[] {
  const folders = new Map<string, ListedFile[]>()
  const files: Info[] = []
  for (const file of all) {
    if (!file.path.startsWith(prefix)) continue
    const slash = file.path.indexOf('/', prefix.length)
    if (slash === -1) files.push(entryOf(file, base))
    else {
      const folder = file.path.slice(0, slash)
      const inside = folders.get(folder)
      if (inside === undefined) folders.set(folder, [file])
      else inside.push(file)
    }
  }
  const entries = [...folders].map(([folder, inside]) => ({
    ...folderOf(folder, base),
    children: recursive ? tree(inside, `${folder}/`, true, base) : [],
  }))
  return [...entries, ...files]
}

function entryOf({ path, size, modified }: ListedFile, base: string): Info {
  return {
    ...fileOf(path, { size, modified }),
    type: 'machinecode',
    typePath: ['machinecode', 'gcode'],
    refs: refsOf(path, base),
  }
}

function folderOf(path: string, base: string): Info {
  return {
    ...fileOf(path, {}),
    type: 'folder',
    typePath: ['folder'],
    refs: { resource: `${base}/api/files/local/${encodePath(path)}` },
  }
}

function analysisOf({ estimated_time, filament_total }: FileFacts): Pick<Info, 'gcodeAnalysis'> {
  if (estimated_time === undefined && filament_total === undefined) return {}
  return {
    gcodeAnalysis: {
      ...(estimated_time !== undefined && { estimatedPrintTime: estimated_time }),
      filament: filament_total === undefined ? {} : { tool0: { length: filament_total } },
    },
  }
}

function refsOf(path: string, base: string, root = 'gcodes') {
  const local = root === 'gcodes' ? `local/${encodePath(path)}` : `moonraker/${encodePath(`${root}/${path}`)}`
  return {
    resource: `${base}/api/files/${local}`,
    download: `${base}/server/files/${encodePath(`${root}/${path}`)}`,
  }
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}
