// What G-code files say of themselves: read once, kept, and kept true while files come, change, move and go.
import { stat } from 'node:fs/promises'
import type { FileChange } from '../../api/files.ts'
import { type Core, component } from '../../component/component.ts'
import { ApiError, messageOf } from '../../core/errors.ts'
import type { Place } from '../files/roots/roots.ts'
import { type FilesService, filesService } from '../files/service.ts'
import { ScanQueue } from './scan-queue.ts'
import { type Metadata, type MetadataSource, metadataService, type ThumbnailInfo } from './service.ts'
import { MetadataStore, type StoredMetadata } from './store.ts'

class MetadataService implements MetadataSource {
  readonly #core: Core
  readonly #files: FilesService
  readonly #store: MetadataStore
  readonly #queue = new ScanQueue((path, signal) => this.#read(path, signal))

  constructor(core: Core, files: FilesService) {
    this.#core = core
    this.#files = files
    this.#store = new MetadataStore(core.storage.namespaces)
  }

  /** Files that came or changed while the server was down are found after it listens, and nobody waits for it. */
  start(): void {
    const reconciled = this.#files.rootsKnown.then(() => this.#reconcile())
    reconciled.catch(error => this.#core.log.error('the metadata cannot be brought up to date', error))
  }

  stop(): void {
    this.#queue.stop()
  }

  async metadata(filename: string): Promise<Metadata> {
    const missing = `Metadata not available for <${filename}>`
    const place = await this.#place(filename, missing)
    const known = this.#store.get(place.relative)
    if (known === undefined || this.#queue.has(place.relative) || !(await isOf(known, place))) {
      await this.#queue.add(place.relative)
    }
    return this.#reply(place.relative, missing)
  }

  async metascan(filename: string): Promise<Metadata> {
    const missing = `File '${filename}' does not exist`
    const place = await this.#place(filename, missing)
    await this.#queue.add(place.relative)
    return this.#reply(place.relative, missing)
  }

  /** None where there is no such file, as the original answers. */
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

  known(paths: readonly string[]): ReadonlyMap<string, string> {
    return this.#store.texts(paths)
  }

  /** A file whose metadata cannot be read can be printed all the same. */
  async prepare(path: string): Promise<void> {
    await this.#queue.add(path).catch(() => {})
  }

  /** The last print of a file stands in its metadata. */
  async printed(path: string, job_id: string, print_start_time: number): Promise<void> {
    const known = this.#store.get(path)
    if (known !== undefined) await this.#store.put(path, { ...known, job_id, print_start_time })
  }

  /** Keeps up with what happens to the files of gcodes. */
  async changed({ action, item, source_item }: FileChange): Promise<void> {
    if (item.root !== 'gcodes' && source_item?.root !== 'gcodes') return
    switch (action) {
      case 'create_file':
      case 'modify_file':
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
    const to = (path: string) => item.path + path.slice(source_item.path.length)
    const known = this.#store.get(source_item.path)
    await this.#store.move(new Map(from.map(path => [path, to(path)])))
    if (action === 'move_dir') return
    // The pictures of a file bear its name and stand beside it: who asks for them from now on waits for new ones.
    this.#expect(item.path)
    await this.#removePictures(source_item.path, known)
  }

  #expect(path: string): void {
    if (this.#files.mayHaveMetadata(path)) void this.#queue.add(path)
  }

  async #forget(paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      this.#queue.cancel(path)
      await this.#removePictures(path, this.#store.get(path))
    }
    await this.#store.remove(paths)
  }

  async #removePictures(path: string, known: StoredMetadata | undefined): Promise<void> {
    if (known?.thumbnails === undefined) return
    const { absolute } = await this.#files.roots.resolve(this.#files.roots.get('gcodes'), path)
    const { removeThumbnails } = await import('./reading.ts')
    await removeThumbnails(absolute, known.thumbnails)
  }

  /** Brings the store up to date with the files, without reading those that are as they were. */
  async #reconcile(): Promise<void> {
    const present = new Map((await this.#files.list('gcodes')).map(file => [file.path, file]))
    const gone = this.#store.paths().filter(path => !present.has(path) && !path.endsWith('.bgcode'))
    await this.#store.remove(gone)
    for (const { path, size, modified } of present.values()) {
      const known = this.#store.get(path)
      if (known?.size !== size || known.modified !== modified) this.#expect(path)
    }
  }

  async #place(filename: string, missing: string): Promise<Place> {
    const place = await this.#find(filename)
    if (place === undefined) throw new ApiError(404, missing)
    return place
  }

  async #find(filename: string): Promise<Place | undefined> {
    const { roots, mayHaveMetadata } = this.#files
    const place = await roots.resolve(roots.get('gcodes'), filename)
    const stats = mayHaveMetadata(filename) ? await stat(place.absolute).catch(() => undefined) : undefined
    return stats?.isFile() === true ? place : undefined
  }

  #reply(path: string, missing: string): Metadata {
    const metadata = this.#store.get(path)
    if (metadata === undefined) throw new ApiError(404, missing)
    return { ...metadata, filename: path }
  }

  async #read(path: string, signal: AbortSignal): Promise<void> {
    const { roots, processesObjects } = this.#files
    const place = await roots.resolve(roots.get('gcodes'), path)
    try {
      if (processesObjects) await this.#process(place, signal)
      await this.#scan(place)
    } catch (error) {
      if (signal.aborted) throw new ApiError(404, `Metadata not available for <${path}>`)
      this.#core.log.warning(`the metadata of ${path} cannot be read: ${messageOf(error)}`)
      throw error
    }
  }

  async #process(place: Place, signal: AbortSignal): Promise<void> {
    const loaded = await this.#files.refuseLoaded(place).then(
      () => false,
      () => true,
    )
    if (loaded) return
    const { processObjects } = await import('./reading.ts')
    const result = await this.#files.lock.run({ write: [place.absolute] }, () =>
      processObjects(place.absolute, { signal }),
    )
    if (result.processed) this.#core.log.info(`${place.relative}: ${result.objects.length} objects marked`)
  }

  async #scan({ absolute, relative }: Place): Promise<void> {
    const { scanFile, useExtractedThumbnail, writeThumbnails } = await import('./reading.ts')
    const { metadata, thumbnails, notes } = await scanFile(absolute)
    const extracted = thumbnails.length === 0 && metadata.slicer === 'Cura'
    const pictures = await (extracted
      ? useExtractedThumbnail(absolute)
      : writeThumbnails(absolute, thumbnails))
    for (const note of [...notes, ...pictures.notes]) this.#core.log.debug(`${relative}: ${note}`)
    const before = this.#store.get(relative)
    const same = before?.size === metadata.size && before.modified === metadata.modified
    await this.#store.put(relative, {
      ...metadata,
      ...(pictures.entries.length > 0 && { thumbnails: pictures.entries }),
      print_start_time: same ? (before.print_start_time ?? null) : null,
      job_id: same ? (before.job_id ?? null) : null,
    })
  }
}

async function isOf(known: StoredMetadata, { absolute }: Place): Promise<boolean> {
  const { size, mtimeMs } = await stat(absolute)
  return known.size === size && known.modified === mtimeMs / 1000
}

export default component({
  section: 'metadata',
  presence: 'always',
  options: {},
  needs: { files: filesService },
  provides: { source: metadataService },
  create({ core, scope, needs }) {
    const source = new MetadataService(core, needs.files)
    scope.use(core.events.on('files:changed', change => source.changed(change)))
    scope.use(
      core.events.on('history:changed', (action, job) =>
        action === 'added' ? source.printed(job.filename, job.job_id, job.start_time) : undefined,
      ),
    )
    return { source, start: () => source.start(), stop: () => source.stop() }
  },
})
