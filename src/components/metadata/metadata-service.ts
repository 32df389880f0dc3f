// The metadata of the files of gcodes: read once, stored, and kept up to date when files are created, changed, moved
// and deleted.
import type { FileChange } from '../../api/files.ts'
import type { Core } from '../../component/component.ts'
import { printedPath } from '../../core/binary-gcode.ts'
import { ApiError, messageOf } from '../../core/errors.ts'
import { FileProcessors } from '../../core/file-processor.ts'
import type { Place } from '../files/roots/roots.ts'
import type { FilesService } from '../files/service.ts'
import { Background } from './background.ts'
import { FileReader, factsOf, isSameFile } from './file-reader.ts'
import { movePictures, removePictures } from './picture-files.ts'
import { type QueuedRead, ScanQueue } from './scan-queue.ts'
import type { Metadata, MetadataSource, ThumbnailInfo } from './service.ts'
import { MetadataStore, type StoredMetadata } from './store.ts'

export class MetadataService implements MetadataSource {
  readonly processors = new FileProcessors()
  readonly #core: Core
  readonly #files: FilesService
  readonly #store: MetadataStore
  readonly #queue = new ScanQueue(file => this.#read(file))
  readonly #reader: FileReader
  readonly #background: Background
  /** Files that the server found at its start: the background processors run on them only on request. */
  readonly #found = new Set<string>()
  /** The old paths of files that were moved, by the new ones, until their pictures are moved too. */
  readonly #movedFrom = new Map<string, string>()
  #isStopped = false

  constructor(core: Core, files: FilesService) {
    this.#core = core
    this.#files = files
    this.#store = new MetadataStore(core.storage.namespaces)
    const { log } = core
    const parts = { files, store: this.#store, processors: this.processors }
    this.#reader = new FileReader({ ...parts, log })
    this.#background = new Background({ ...parts, core, resolve: path => this.#resolve(path) })
  }

  /** Finds the files that were created or changed while the server was down. The start does not wait for it. */
  start(): void {
    const reconciled = this.#files.rootsKnown.then(() => this.#reconcile())
    reconciled.catch(error => {
      if (!this.#isStopped) this.#core.log.error('cannot update the metadata', error)
    })
  }

  stop(): void {
    this.#isStopped = true
    this.#queue.stop()
    this.#reader.stop()
    this.#background.stop()
  }

  async metadata(filename: string): Promise<Metadata> {
    const missing = `Metadata not available for <${filename}>`
    const place = await this.#place(filename, missing)
    const isKnown = isSameFile(this.#store.get(place.relative), await factsOf(place.absolute))
    if (!isKnown || this.#queue.has(place.relative)) await this.#queue.add(place.relative, { urgent: true })
    return this.#reply(place.relative, missing)
  }

  async metascan(filename: string): Promise<Metadata> {
    const missing = `File '${filename}' does not exist`
    const place = await this.#place(filename, missing)
    await this.#queue.add(place.relative, { urgent: true, force: true })
    return this.#reply(place.relative, missing)
  }

  async thumbnails(filename: string): Promise<ThumbnailInfo[]> {
    const place = await this.#find(filename)
    if (place === undefined) return []
    const { relative } = place
    const folder = relative.includes('/') ? relative.slice(0, relative.lastIndexOf('/') + 1) : ''
    const { thumbnails = [] } = (await this.metadata(relative)) as Partial<StoredMetadata>
    return thumbnails.map(({ width, height, size, relative_path }) => ({
      width,
      height,
      size,
      thumbnail_path: `${folder}${relative_path}`,
    }))
  }

  async process(filename: string): Promise<void> {
    await this.metadata(filename)
    const { relative } = await this.#resolve(filename)
    await this.#background.add(relative, { urgent: true })
  }

  details(filename: string, processor: string): unknown {
    return this.#store.details(filename, processor)
  }

  known(paths: readonly string[]): ReadonlyMap<string, string> {
    return this.#store.texts(paths)
  }

  /** A file whose metadata cannot be read can still be printed. */
  async prepare(path: string): Promise<void> {
    await this.#queue.add(path, { urgent: true }).catch(() => {})
  }

  /** Adds the last print of a file to its metadata. */
  async printed(path: string, job_id: string, print_start_time: number): Promise<void> {
    const known = this.#store.get(path)
    if (known !== undefined) await this.#store.put(path, { ...known, job_id, print_start_time })
  }

  /** Follows a change of the files. */
  async changed({ action, item, source_item }: FileChange): Promise<void> {
    if (item.root !== 'gcodes' && source_item?.root !== 'gcodes') return
    switch (action) {
      case 'create_file':
      case 'modify_file':
        this.#found.delete(item.path)
        this.#expect(item.path)
        return
      case 'delete_file':
        return this.#forget([item.path])
      case 'delete_dir':
        return this.#forget(this.#store.below(item.path))
      case 'move_file':
      case 'move_dir':
        return this.#moved({ action, item, ...(source_item !== undefined && { source_item }) })
      case 'create_dir':
      case 'root_update':
        return this.#reconcile()
    }
  }

  async #moved({ action, item, source_item }: FileChange): Promise<void> {
    if (source_item?.root !== 'gcodes')
      return action === 'move_dir' ? this.#reconcile() : this.#expect(item.path)
    const from = action === 'move_dir' ? this.#store.below(source_item.path) : [source_item.path]
    if (item.root !== 'gcodes') return this.#forget(from)
    if (action === 'move_file') {
      this.#queue.cancel(source_item.path)
      if (!this.#files.isGcodeName(item.path)) return this.#forget(from)
      // The pictures' names contain the file's: requests for the new path wait until they have their new names.
      this.#movedFrom.set(item.path, source_item.path)
      void this.#queue.add(item.path)
    }
    const to = (path: string) => item.path + path.slice(source_item.path.length)
    const pending = from.filter(path => this.#background.cancel(path))
    await this.#store.move(new Map(from.map(path => [path, to(path)])))
    for (const path of pending) void this.#background.add(to(path))
  }

  /** Renames the pictures of a file that was moved. What cannot be renamed is read from the file again. */
  async #movePictures(from: string, place: Place): Promise<boolean> {
    const known = this.#store.get(place.relative)
    if (known?.thumbnails === undefined) return true
    const { absolute } = await this.#resolve(from)
    try {
      const thumbnails = await movePictures(absolute, place.absolute, known.thumbnails)
      await this.#store.put(place.relative, { ...known, thumbnails })
      return true
    } catch (error) {
      this.#core.log.debug(`the pictures of ${from} cannot be renamed: ${messageOf(error)}`)
      await removePictures(absolute, known.thumbnails)
      return false
    }
  }

  #resolve(path: string): Promise<Place> {
    const { roots } = this.#files
    return roots.resolve(roots.get('gcodes'), path)
  }

  #expect(path: string): void {
    if (this.#files.isGcodeName(path)) void this.#queue.add(path)
  }

  async #forget(paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      this.#queue.cancel(path)
      this.#background.cancel(path)
      this.#found.delete(path)
      await this.#removePictures(path, this.#store.get(path))
    }
    await this.#store.remove(paths)
  }

  async #removePictures(path: string, known: StoredMetadata | undefined): Promise<void> {
    if (known?.thumbnails === undefined) return
    const { absolute } = await this.#resolve(path)
    await removePictures(absolute, known.thumbnails)
  }

  /** Compares the store with the files; queues those that were created or changed. */
  async #reconcile(): Promise<void> {
    const present = new Map((await this.#files.list('gcodes')).map(file => [file.path, file]))
    const gone: string[] = []
    for (const path of this.#store.paths()) {
      if (present.has(path)) continue
      // The list omits binary files that have plain G-code.
      if (!present.has(printedPath(path)) || (await this.#find(path)) === undefined) gone.push(path)
    }
    await this.#store.remove(gone)
    for (const { path, size, modified } of present.values()) {
      const known = this.#store.get(path)
      if (isSameFile(known, { size, modified }) || !this.#files.isGcodeName(path)) continue
      // There may be thousands: the background processors read whole files, so they wait until a file is used.
      this.#found.add(path)
      this.#expect(path)
    }
  }

  async #place(filename: string, missing: string): Promise<Place> {
    const place = await this.#find(filename)
    if (place === undefined) throw new ApiError(404, missing)
    return place
  }

  async #find(filename: string): Promise<Place | undefined> {
    const { isGcodeName, roots } = this.#files
    const place = await this.#resolve(filename)
    const stats = isGcodeName(filename) ? await roots.calls.find(place.absolute) : undefined
    return stats?.isFile() === true ? place : undefined
  }

  #reply(path: string, missing: string): Metadata {
    const metadata = this.#store.get(path)
    if (metadata === undefined) throw new ApiError(404, missing)
    return { ...metadata, filename: path }
  }

  /** Reads a queued file, unless its stored metadata is that of the file. */
  async #read({ path, force, signal }: QueuedRead): Promise<void> {
    const place = await this.#resolve(path)
    const from = this.#movedFrom.get(path)
    this.#movedFrom.delete(path)
    const isFound = this.#found.delete(path) && !force
    try {
      const arePicturesMoved = from === undefined || (await this.#movePictures(from, place))
      const isKnown = isSameFile(this.#store.get(path), await factsOf(place.absolute))
      if (isKnown && arePicturesMoved && !force) return
      this.#background.cancel(path)
      await this.#reader.read(place, signal)
      if (!isFound) void this.#background.add(path)
    } catch (error) {
      if (signal.aborted) throw new ApiError(404, `Metadata not available for <${path}>`)
      this.#core.log.warning(`the metadata of ${path} cannot be read: ${messageOf(error)}`)
      throw error
    }
  }
}
