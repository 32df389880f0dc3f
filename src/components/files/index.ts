// [file_manager]: roots, listings, notifications, operations, uploads and downloads.
import { join } from 'node:path'
import { files as chapter } from '../../api/files.ts'
import { type Component, type Core, component } from '../../component/component.ts'
import { optional } from '../../component/service.ts'
import { deprecated, path, withPreviousNames, word } from '../../config/index.ts'
import { lastGoodPath } from '../../config/last-good.ts'
import { ApiError, messageOf } from '../../core/errors.ts'
import type { DataPaths } from '../../core/paths.ts'
import type { Scope } from '../../core/scope.ts'
import type { Caller } from '../../rpc/caller.ts'
import type { RawRequest } from '../../rpc/registry.ts'
import { TRUSTED_USER } from '../../rpc/user.ts'
import { bool, float } from '../../schema/index.ts'
import { printWarningsService } from '../analysis/service.ts'
import { jobQueueService } from '../job-queue/service.ts'
import { type MetadataSource, metadataService } from '../metadata/service.ts'
import { sendDownload } from './download/download.ts'
import { serveLogDownloads } from './download/log-downloads.ts'
import { isGcodeName } from './gcode-name.ts'
import { LoadedFile } from './operations/loaded-file.ts'
import { FileOperations } from './operations/operations.ts'
import { Archives } from './operations/zip.ts'
import { plainMetadata } from './plain-metadata.ts'
import { isWithin, PathLock } from './roots/path-lock.ts'
import { type RemoteDisks, remoteDisksPart } from './roots/remote-disks.ts'
import { type ReservedPath, ReservedPaths } from './roots/reserved-paths.ts'
import { RootMonitor } from './roots/root-monitor.ts'
import { type Place, pathOfRoot, Roots, rootPermissions } from './roots/roots.ts'
import { StagingFolders } from './roots/staging-folders.ts'
import { WriteAccess } from './roots/write-access.ts'
import { type FilesService, filesService, uploadService } from './service.ts'
import { ChangeNotifier } from './tree/change-notifier.ts'
import { diskUsage, Listings } from './tree/listing.ts'
import { Observer } from './tree/observer.ts'
import { MAKE_FILE, serveUploads, type UploadParts } from './upload/upload.ts'

const options = {
  queue_gcode_uploads: bool().describe('Uploads to be printed go into the job queue').default(false),
  check_klipper_config_path: bool()
    .describe("Warn if Klipper's printer.cfg is outside the config root")
    .default(true),
  enable_object_processing: bool()
    .describe('Add object marks to uploaded files, so that single objects can be cancelled')
    .default(false),
  file_system_observer: word('inotify', 'none')
    .describe('How the server notices changes by other programs')
    .default('inotify'),
  enable_observer_warnings: withPreviousNames(
    bool().describe('Warn if not all folders can be observed').default(true),
    'enable_inotify_warnings',
  ),
  enable_config_write_access: bool()
    .describe('Whether clients may change files of the config root')
    .default(true),
  follow_links: bool().describe('Whether links may lead out of the roots').default(true),
  default_metadata_parser_timeout: float({ above: 0 })
    .describe('The longest time to read the metadata of a file of usual size; large files have more')
    .unit('s')
    .default(20),
  config_path: deprecated(
    path().describe('No effect').optional(),
    "the root config is the folder 'config' of the data folder",
  ),
  log_path: deprecated(
    path().describe('No effect').optional(),
    "the root logs is the folder 'logs' of the data folder",
  ),
}

/** The options that the file manager reads. */
interface Settings {
  readonly enable_object_processing: boolean
  readonly check_klipper_config_path: boolean
  readonly file_system_observer: 'inotify' | 'none'
  readonly enable_observer_warnings: boolean
  readonly enable_config_write_access: boolean
  readonly follow_links: boolean
  readonly default_metadata_parser_timeout: number
}

/** The server itself rewrites no files of the configuration. */
const OPERATOR: Pick<Caller, 'user'> = { user: { ...TRUSTED_USER, role: 'operator' } }

/** Pages show images through `<img>`, which cannot send credentials. */
const IMAGE = /\.(png|jpe?g|gif|svg|webp|ico|bmp)$/i

class FileManager implements Component {
  readonly roots: Roots
  readonly access: WriteAccess
  readonly lock = new PathLock()
  readonly staging: StagingFolders
  readonly changes: ChangeNotifier
  readonly loaded: LoadedFile
  readonly listings: Listings
  readonly operations: FileOperations
  readonly archives: Archives
  /** The metadata component; if it does not work, the file system's size and time. */
  readonly metadata: () => MetadataSource
  readonly #core: Core
  readonly #settings: Settings
  readonly #observer: Observer
  readonly #monitor: RootMonitor
  readonly #rootsKnown = Promise.withResolvers<void>()

  constructor(core: Core, settings: Settings, metadata: () => MetadataSource | null, disks: RemoteDisks) {
    this.#core = core
    this.#settings = settings
    const { lock } = this
    const reserved = new ReservedPaths(reservedPaths(core.paths))
    const roots = new Roots({ reserved, followLinks: settings.follow_links, clock: core.clock, disks })
    const staging = new StagingFolders(roots.calls)
    this.staging = staging
    const access = new WriteAccess(roots)
    const observer = new Observer({
      ...core,
      roots,
      lock,
      notify: change => this.changes.notify(change),
      enabled: settings.file_system_observer !== 'none',
      warnsOfLimit: settings.enable_observer_warnings,
      rootLost: () => void this.#monitor.check(),
    })
    const { index } = observer
    this.roots = roots
    this.access = access
    this.#observer = observer
    this.changes = new ChangeNotifier({ ...core, index })
    const plain = plainMetadata(roots)
    this.metadata = () => metadata() ?? plain
    this.listings = new Listings({ clock: core.clock, roots, index, metadata: this.metadata })
    this.loaded = new LoadedFile(core.printer, roots)
    this.operations = new FileOperations({
      roots,
      access,
      lock,
      staging,
      index,
      changes: this.changes,
      loaded: this.loaded,
    })
    this.archives = new Archives({
      core,
      roots,
      access,
      lock,
      staging,
      changes: this.changes,
      refuseLoaded: place => this.loaded.refuse(place),
    })
    this.#monitor = new RootMonitor({
      ...core,
      roots,
      observer,
      notify: change => this.changes.notify(change),
      prepare: root =>
        staging
          .removeLeftovers(pathOfRoot(root))
          .catch(error =>
            core.log.warning(`old uploads in root '${root.name}' cannot be removed: ${messageOf(error)}`),
          ),
    })
    const { config, logs, gcodes } = core.paths
    const writable = settings.enable_config_write_access
    this.#monitor.add({ name: 'config', path: config, writable, observed: true })
    this.#monitor.add({ name: 'logs', path: logs, writable: false })
    this.#monitor.add({ name: 'gcodes', path: gcodes, writable: true, observed: true })
  }

  /**
   * The first check of the roots and the first scan of their files run after the start: they may take long, or wait for
   * a disk that does not respond. Requests wait for what they need.
   */
  async start(): Promise<void> {
    await this.roots.reserved.start()
    this.#observer.start()
    this.#rootsKnown.resolve(this.#monitor.start())
  }

  async stop(): Promise<void> {
    this.#monitor.stop()
    this.roots.stop()
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
      metadataTimeout: this.#settings.default_metadata_parser_timeout,
      announceRoot: name => {
        roots.add({ name, path: '', writable: false })
        return { remove: () => this.#monitor.remove(name) }
      },
      serveRoot: root => {
        this.#monitor.add(root)
        return { remove: () => this.#monitor.remove(root.name) }
      },
      protectFolder: folder => this.roots.protectedFolders.add(folder),
      refuseRewrite: place => this.#refuseRewrite(place),
      withStagingPath: (place, work) => this.operations.withStagingPath(place, work),
      publishFile: (draft, place) => this.operations.publishFile(draft, place),
      removeFile: place => this.operations.removeFile(place),
      archive: (members, place, signal) => this.archives.pack(members, place, signal),
      list: (root: string) => listings.list(root),
      diskUsage: async root => diskUsage(roots, (await roots.locate(root)).real),
      isGcodeName,
    }
  }

  async #refuseRewrite(place: Place): Promise<void> {
    await this.access.check(OPERATOR, place, MAKE_FILE)
    await this.loaded.refuse(place)
  }

  /** server.files.roots. A root whose folder does not respond is read-only. */
  listRoots() {
    const described = [...this.roots.all()].map(async root => {
      const { name, path, writable } = await this.roots
        .checked(root)
        .catch(() => ({ ...root, writable: false }))
      return { name, path, permissions: rootPermissions({ writable }) }
    })
    return Promise.all(described)
  }

  /** Serves Klipper's documents and examples, which are next to its code: Klippy reports that path in its handshake. */
  async klippyIdentified(): Promise<void> {
    const { klipper_path: klipper, config_file: configFile } = this.#core.printer.session.info ?? {}
    if (klipper !== undefined) {
      await this.#addKlipperFolder('docs', join(klipper, 'docs'))
      await this.#addKlipperFolder('config_examples', join(klipper, 'config'))
    }
    if (configFile !== undefined && this.#settings.check_klipper_config_path)
      await this.#checkConfigPath(configFile)
  }

  /** Klipper may be installed without its documents. */
  async #addKlipperFolder(name: string, path: string): Promise<void> {
    const found = await this.roots.calls.stat(path).catch(() => undefined)
    if (found?.isDirectory()) this.#monitor.add({ name, path, writable: false, klippers: true })
    else this.#monitor.remove(name)
  }

  async #checkConfigPath(file: string): Promise<void> {
    const { paths, warnings } = this.#core
    const [real, config] = await Promise.all(
      [file, paths.config].map(path => this.roots.calls.realpath(path).catch(() => path)),
    )
    if (real === undefined || config === undefined || isWithin(real, config)) return
    warnings.add(
      `Klipper's configuration ${file} is outside of ${paths.config}: clients cannot show or edit it. Move it ` +
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
      await sendDownload(request, await this.roots.resolve(root, rest.slice(slash + 1)), this.roots)
      return
    }
    sendJson({ result: await this.operations.deleteFile(rest, { caller, res }) })
  }
}

/** Paths that no root serves, not even through links. */
function reservedPaths(paths: DataPaths): ReservedPath[] {
  const own = { isOwn: true }
  return [
    { path: paths.database, name: 'database', ...own },
    { path: paths.secrets, name: 'secrets', ...own },
    { path: paths.certs, name: 'certs', ...own },
    { path: paths.certificateKey, name: 'certs', ...own },
    { path: paths.backup, name: 'backup' },
    { path: join(paths.backup, 'database'), name: 'backup', ...own },
    { path: paths.comms, name: 'comms' },
    { path: paths.allowedServices, name: 'allowed services', ...own },
    { path: lastGoodPath(paths.configFile), name: 'configuration backup', ...own },
  ]
}

function serve(core: Core, manager: FileManager, scope: Scope): void {
  const { listings, operations, archives } = manager
  scope.use(
    core.registry.serve(chapter, {
      'server.files.list': ({ root }) => listings.list(root),
      'server.files.roots': () => manager.listRoots(),
      'server.files.metadata': ({ filename }) => manager.metadata().metadata(filename),
      'server.files.metascan': ({ filename }) => manager.metadata().metascan(filename),
      'server.files.thumbnails': ({ filename }) => manager.metadata().thumbnails(filename),
      'server.files.get_directory': ({ path, extended }) => listings.directory(path, extended),
      'server.files.post_directory': ({ path }, caller) => operations.makeDirectory(path, { caller }),
      'server.files.delete_directory': ({ path, force }, caller) =>
        operations.deleteDirectory(path, force, { caller }),
      'server.files.move': ({ source, dest }, caller) => operations.move(source, dest, { caller }),
      'server.files.copy': ({ source, dest }, caller) => operations.copy(source, dest, { caller }),
      'server.files.zip': (request, caller) => archives.create(request, caller),
      'server.files.delete_file': ({ path }, caller) => operations.deleteFile(path, { caller }),
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
  needs: {
    metadata: optional(metadataService),
    queue: optional(jobQueueService),
    checks: optional(printWarningsService),
  },
  provides: { files: filesService, uploads: uploadService },
  create({ core, section, scope, needs }) {
    const manager = new FileManager(
      core,
      section.options,
      needs.metadata,
      core.host.use(remoteDisksPart, scope),
    )
    const { roots, access, lock, changes, staging, loaded } = manager
    const parts: UploadParts = {
      core,
      roots,
      access,
      lock,
      changes,
      staging,
      refuseLoaded: place => loaded.refuse(place),
      prepare: path => manager.metadata().prepare(path),
      queue: () => (section.options.queue_gcode_uploads ? needs.queue() : null),
      warningsOf: async path => (await needs.checks()?.warningsOf(path)) ?? null,
    }
    serve(core, manager, scope)
    const uploads = serveUploads(parts, scope)
    serveLogDownloads(core, scope)
    scope.use(core.events.on('klippy:identified', () => manager.klippyIdentified()))
    scope.use(core.events.on('klippy:ready', () => loaded.follow()))
    scope.use(core.events.on('klippy:disconnected', () => loaded.forget()))
    scope.defer(() => core.printer.unsubscribe(loaded))
    return Object.assign(manager, { uploads })
  },
})
