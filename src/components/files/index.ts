// The file manager: roots, listings, uploads and downloads.

import { join } from 'node:path'
import { files as chapter } from '../../api/files.ts'
import { type Component, type Core, component } from '../../component.ts'
import { word } from '../../config/index.ts'
import { ApiError, messageOf } from '../../core/errors.ts'
import type { RawRequest } from '../../rpc/registry.ts'
import { bool, float } from '../../schema/index.ts'
import { sendFile } from './download.ts'
import { describeFile, listFiles } from './listing.ts'
import { Roots } from './roots.ts'
import { type Uploaded, Uploads } from './upload.ts'

const options = {
  queue_gcode_uploads: bool().default(false),
  check_klipper_config_path: bool().default(true),
  enable_object_processing: bool().default(false),
  file_system_observer: word('inotify', 'none').default('inotify'),
  enable_observer_warnings: bool().default(true),
  enable_config_write_access: bool().default(true),
  default_metadata_parser_timeout: float({ above: 0 }).describe('Seconds').default(20),
}

/** Images are shown in pages that cannot send credentials. */
const IMAGE = /\.(png|jpe?g|gif|svg|webp|ico|bmp)$/i

class FileManager implements Component {
  readonly roots = new Roots()
  readonly #core: Core
  readonly #uploads: Uploads

  constructor(core: Core, configWritable: boolean) {
    this.#core = core
    const { paths } = core
    this.roots.add({ name: 'config', path: paths.config, writable: configWritable })
    this.roots.add({ name: 'logs', path: paths.logs, writable: false })
    this.roots.add({ name: 'gcodes', path: paths.gcodes, writable: true })
    this.#uploads = new Uploads(this.roots, join(paths.data, '.uploads'), core.maxUploadBytes)
  }

  start(): Promise<void> {
    return this.#uploads.start()
  }

  list(root: string) {
    return listFiles(this.roots.get(root))
  }

  listRoots() {
    return [...this.roots.all()].map(({ name, path, writable }) => ({
      name,
      path,
      permissions: writable ? 'rw' : 'r',
    }))
  }

  async metadata(filename: string): Promise<Record<string, unknown>> {
    const place = await this.roots.resolve(this.roots.get('gcodes'), filename)
    const file = await describeFile(place.root, place.relative)
    if (file === undefined) throw new ApiError(404, `Metadata not available for <${filename}>`)
    return { filename: place.relative, size: file.size, modified: file.modified }
  }

  async download(request: RawRequest): Promise<void> {
    const slash = request.rest.indexOf('/')
    const name = slash === -1 ? request.rest : request.rest.slice(0, slash)
    if (slash === -1 || !this.roots.names().includes(name)) throw new ApiError(404, 'Not Found')
    const path = request.rest.slice(slash + 1)
    await sendFile(request, await this.roots.resolve(this.roots.get(name), path))
  }

  /** Answers first and tells the others then, as clients expect (clients.md §2.0). */
  async upload({ req, res }: RawRequest): Promise<void> {
    const uploaded = await this.#uploads.receive(req)
    const { root, relative } = uploaded.place
    const file = await describeFile(root, relative)
    if (file === undefined) throw new ApiError(500, 'The file has vanished after its upload')
    const isGcode = root.name === 'gcodes'
    const item = { ...file, root: root.name }
    const action = uploaded.replaced && !isGcode ? 'modify_file' : 'create_file'
    const printed = isGcode ? { print_started: await this.#print(uploaded), print_queued: false } : {}
    const facts = { item, ...printed, action } as const
    const body = JSON.stringify({ ...facts, result: facts })
    res.setHeader('Location', `/server/files/${root.name}/${encodeURI(relative)}`)
    res.setHeader('Content-Type', 'application/json; charset=UTF-8')
    res.setHeader('Content-Length', Buffer.byteLength(body))
    res.writeHead(201).end(body)
    this.#core.connections.notify('notify_filelist_changed', { action, item })
  }

  async #print({ print, place }: Uploaded): Promise<boolean> {
    if (!print) return false
    try {
      await this.#core.printer.startPrint(place.relative)
      return true
    } catch (error) {
      this.#core.log.warning(`the uploaded file ${place.relative} was not printed: ${messageOf(error)}`)
      return false
    }
  }
}

export default component({
  section: 'file_manager',
  presence: 'always',
  options,
  create(core, { options: { enable_config_write_access } }, scope) {
    const manager = new FileManager(core, enable_config_write_access)
    scope.use(
      core.registry.serve(chapter, {
        'server.files.list': ({ root }) => manager.list(root),
        'server.files.roots': () => manager.listRoots(),
        'server.files.metadata': ({ filename }) => manager.metadata(filename),
      }),
    )
    scope.use(
      core.registry.serveRaw({
        verbs: ['POST'],
        path: '/server/files/upload',
        handle: request => manager.upload(request),
      }),
    )
    scope.use(
      core.registry.serveRaw({
        verbs: ['GET', 'HEAD'],
        path: '/server/files/',
        open: rest => IMAGE.test(rest),
        handle: request => manager.download(request),
      }),
    )
    return manager
  },
})
