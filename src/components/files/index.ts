// The file manager: roots, listings, changes, operations, uploads and downloads.
import { realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { files as chapter } from '../../api/files.ts'
import { type Component, type Core, component } from '../../component/component.ts'
import { optional } from '../../component/service.ts'
import { word } from '../../config/index.ts'
import { lastGoodPath } from '../../config/last-good.ts'
import { ApiError } from '../../core/errors.ts'
import type { DataPaths } from '../../core/paths.ts'
import type { Scope } from '../../core/scope.ts'
import type { RawRequest } from '../../rpc/registry.ts'
import { bool, float } from '../../schema/index.ts'
import { jobQueueService } from '../job-queue/service.ts'
import { type MetadataSource, metadataService } from '../metadata/service.ts'
import { sendDownload } from './download/download.ts'
import { serveLogDownloads } from './download/log-downloads.ts'
import { mayHaveMetadata } from './gcode-name.ts'
import { LoadedFile } from './operations/loaded-file.ts'
import { FileOperations } from './operations/operations.ts'
import { Archives } from './operations/zip.ts'
import { plainMetadata } from './plain-metadata.ts'
import { demandWriting } from './roots/permissions.ts'
import { RootUpkeep } from './roots/root-upkeep.ts'
import { type Place, type ReservedPaths, Roots, rootPermissions } from './roots/roots.ts'
import { HiddenFolders } from './roots/staging-folder.ts'
import { isWithin, TreeLock } from './roots/tree-lock.ts'
import { type FilesService, filesService, uploadService } from './service.ts'
import { Changes } from './tree/changes.ts'
import { Listings } from './tree/listing.ts'
import { Observer } from './tree/observer.ts'
import { serveUploads, type UploadParts } from './upload/upload.ts'

const options = {
  queue_gcode_uploads: bool().default(false),
  check_klipper_config_path: bool().default(true),
  enable_object_processing: bool().default(false),
  file_system_observer: word('inotify', 'none').default('inotify'),
  enable_observer_warnings: bool().default(true),
  enable_config_write_access: bool().default(true),
  default_metadata_parser_timeout: float({ above: 0 }).describe('Seconds').default(20),
}

/** The options that the file manager itself reads. */
interface Settings {
  readonly enable_object_processing: boolean
  readonly check_klipper_config_path: boolean
  readonly file_system_observer: 'inotify' | 'none'
  readonly enable_observer_warnings: boolean
  readonly enable_config_write_access: boolean
}

/** Images are shown in pages that cannot send credentials. */
const IMAGE = /\.(png|jpe?g|gif|svg|webp|ico|bmp)$/i

class FileManager implements Component {
  readonly roots: Roots
  readonly lock = new TreeLock()
  readonly hidden = new HiddenFolders()
  readonly changes: Changes
  readonly loaded: LoadedFile
  readonly listings: Listings
  readonly operations: FileOperations
  /** The metadata component; what the file system knows, while that component does not work. */
  readonly metadata: () => MetadataSource
  readonly #core: Core
  readonly #settings: Settings
  readonly #observer: Observer
  readonly #upkeep: RootUpkeep
  readonly #rootsKnown = Promise.withResolvers<void>()

  constructor(core: Core, settings: Settings, metadata: () => MetadataSource | null) {
    this.#core = core
    this.#settings = settings
    const { lock, hidden } = this
    const roots = new Roots(reservedPaths(core.paths))
    const observer = new Observer({
      ...core,
      roots,
      lock,
      tell: change => this.changes.tell(change),
      isOn: settings.file_system_observer !== 'none',
      warns: settings.enable_observer_warnings,
      lost: () => void this.#upkeep.look(),
    })
    const { trees } = observer
    this.roots = roots
    this.#observer = observer
    this.changes = new Changes({ ...core, known: trees })
    const plain = plainMetadata(roots)
    this.metadata = () => metadata() ?? plain
    this.listings = new Listings({ roots, trees, metadata: this.metadata })
    this.loaded = new LoadedFile(core.printer, roots)
    this.operations = new FileOperations({
      roots,
      lock,
      hidden,
      trees,
      changes: this.changes,
      loaded: this.loaded,
    })
    this.#upkeep = new RootUpkeep({ ...core, roots, observer, tell: change => this.changes.tell(change) })
    const { config, logs, gcodes } = core.paths
    const writable = settings.enable_config_write_access
    this.#upkeep.declare({ name: 'config', path: config, writable, observed: true })
    this.#upkeep.declare({ name: 'logs', path: logs, writable: false })
    this.#upkeep.declare({ name: 'gcodes', path: gcodes, writable: true, observed: true })
  }

  /** The first look at all files comes after the start: it may take long, and nobody has to wait for it. */
  async start(): Promise<void> {
    await this.roots.start()
    for (const { path } of this.roots.all()) await this.hidden.clean(path)
    await this.#upkeep.start()
    this.#rootsKnown.resolve()
    this.#observer.start().catch(error => this.#core.log.error('the files cannot be observed', error))
  }

  async stop(): Promise<void> {
    await this.#upkeep.stop()
    await this.#observer.stop()
  }

  /** What other components use. */
  get files(): FilesService {
    const { roots, lock, listings } = this
    return {
      roots,
      lock,
      rootsKnown: this.#rootsKnown.promise,
      processesObjects: this.#settings.enable_object_processing,
      serveRoot: root => {
        this.#upkeep.declare(root)
        return { remove: () => this.#upkeep.withdraw(root.name) }
      },
      refuseLoaded: (place: Place) => this.loaded.refuse(place),
      list: (root: string) => listings.list(root),
      mayHaveMetadata,
    }
  }

  listRoots() {
    return [...this.roots.all()].map(root => ({
      name: root.name,
      path: root.path,
      permissions: rootPermissions(root),
    }))
  }

  /** Klipper's documents and examples stand beside its code, which is known once Klippy has said who it is. */
  async klippyIdentified(): Promise<void> {
    const { klipper_path: klipper, config_file: configFile } = this.#core.printer.session.info ?? {}
    if (klipper !== undefined) {
      await this.#declareKlippers('docs', join(klipper, 'docs'))
      await this.#declareKlippers('config_examples', join(klipper, 'config'))
      await this.#upkeep.look()
    }
    if (configFile !== undefined && this.#settings.check_klipper_config_path)
      await this.#checkConfigPath(configFile)
  }

  /** Klipper need not have been installed with its documents. */
  async #declareKlippers(name: string, path: string): Promise<void> {
    const found = await stat(path).catch(() => undefined)
    if (found?.isDirectory()) this.#upkeep.declare({ name, path, writable: false, klippers: true })
    else this.#upkeep.withdraw(name)
  }

  async #checkConfigPath(file: string): Promise<void> {
    const { paths, warnings } = this.#core
    const [real, config] = await Promise.all(
      [file, paths.config].map(path => realpath(path).catch(() => path)),
    )
    if (real === undefined || config === undefined || isWithin(real, config)) return
    warnings.add(
      `Klipper's configuration ${file} stands outside of ${paths.config}: clients cannot show or edit it. Move it ` +
        "there, or set 'check_klipper_config_path: False' in section [file_manager].",
      'klipper config path',
    )
  }

  /** GET, HEAD and DELETE of /server/files/{root}/{path}. */
  async serveFile(request: RawRequest): Promise<void> {
    const { req, res, rest, caller, sendJson } = request
    const slash = rest.indexOf('/')
    const root = slash === -1 ? undefined : this.roots.find(rest.slice(0, slash))
    if (root === undefined) throw new ApiError(404, 'Not Found')
    if (req.method !== 'DELETE') {
      await sendDownload(request, await this.roots.resolve(root, rest.slice(slash + 1)))
      return
    }
    // Images are open to everyone for looking at them only.
    demandWriting(caller, rest)
    sendJson({ result: await this.operations.deleteFile(rest, res) })
  }
}

/** What no root serves, whatever links there are. */
function reservedPaths(paths: DataPaths): ReservedPaths {
  return new Map([
    [paths.database, 'database'],
    [paths.secrets, 'secrets'],
    [paths.certs, 'certs'],
    [paths.certificateKey, 'certs'],
    [paths.backup, 'backup'],
    [paths.comms, 'comms'],
    [paths.allowedServices, 'allowed services'],
    [lastGoodPath(paths.configFile), 'configuration backup'],
  ])
}

function serve(core: Core, manager: FileManager, archives: Archives, scope: Scope): void {
  const { listings, operations } = manager
  scope.use(
    core.registry.serve(chapter, {
      'server.files.list': ({ root }) => listings.list(root),
      'server.files.roots': () => manager.listRoots(),
      'server.files.metadata': ({ filename }) => manager.metadata().metadata(filename),
      'server.files.metascan': ({ filename }) => manager.metadata().metascan(filename),
      'server.files.thumbnails': ({ filename }) => manager.metadata().thumbnails(filename),
      'server.files.get_directory': ({ path, extended }) => listings.directory(path, extended),
      'server.files.post_directory': ({ path }, caller) => {
        demandWriting(caller, path)
        return operations.makeDirectory(path, caller)
      },
      'server.files.delete_directory': ({ path, force }, caller) => {
        demandWriting(caller, path)
        return operations.deleteDirectory(path, force, caller)
      },
      'server.files.move': ({ source, dest }, caller) => {
        demandWriting(caller, source, dest)
        return operations.move(source, dest, caller)
      },
      'server.files.copy': ({ source, dest }, caller) => {
        demandWriting(caller, dest)
        return operations.copy(source, dest, caller)
      },
      'server.files.zip': (request, caller) => archives.create(request, caller),
      'server.files.delete_file': ({ path }, caller) => {
        demandWriting(caller, path)
        return operations.deleteFile(path, caller)
      },
    }),
  )
  scope.use(
    core.registry.serveRaw({
      verbs: ['GET', 'HEAD', 'DELETE'],
      path: '/server/files/',
      open: rest => IMAGE.test(rest),
      handle: request => manager.serveFile(request),
    }),
  )
}

export default component({
  section: 'file_manager',
  presence: 'always',
  options,
  needs: { metadata: optional(metadataService), queue: optional(jobQueueService) },
  provides: { files: filesService, uploads: uploadService },
  create({ core, section, scope, needs }) {
    const manager = new FileManager(core, section.options, needs.metadata)
    const { roots, lock, changes, hidden, loaded } = manager
    const parts: UploadParts = {
      core,
      roots,
      lock,
      changes,
      hidden,
      refuseLocked: place => loaded.refuse(place),
      prepare: path => manager.metadata().prepare(path),
      queue: () => (section.options.queue_gcode_uploads ? needs.queue() : null),
    }
    serve(core, manager, new Archives(parts), scope)
    const uploads = serveUploads(parts, scope)
    serveLogDownloads(core, scope)
    scope.use(core.events.on('klippy:identified', () => manager.klippyIdentified()))
    scope.use(core.events.on('klippy:ready', () => loaded.follow()))
    scope.use(core.events.on('klippy:disconnected', () => loaded.forget()))
    scope.defer(() => core.printer.unsubscribe(loaded))
    return Object.assign(manager, { uploads })
  },
})
