// Listings from the file index: all files of a root, or the contents of one folder. Built in slices, so that other
// requests do not wait.
import { isBinaryGcodeName, isPlainGcodeOf, plainGcodePath } from '../../../core/binary-gcode.ts'
import { type Clock, withTimeout } from '../../../core/clock.ts'
import { ApiError } from '../../../core/errors.ts'
import { jsonText } from '../../../core/json-text.ts'
import type { MetadataSource } from '../../metadata/service.ts'
import { isGcodeName } from '../gcode-name.ts'
import { type Place, type Root, type Roots, rootPermissions } from '../roots/roots.ts'
import type { FileIndex } from './file-index.ts'
import { below, type Facts, type FolderNode, pathOf } from './folder-node.ts'
import { permissionsIn } from './item.ts'

/** Entries of one slice. */
const SLICE = 500
/** Seconds that a request waits for the first scan of what it lists. */
const SCAN_TIMEOUT = 60

/** A file in the list of a root. */
export interface FileEntry {
  readonly path: string
  readonly modified: number
  readonly size: number
  readonly permissions: string
}

/** What listings depend on. */
export interface ListingParts {
  readonly clock: Clock
  readonly roots: Roots
  readonly index: FileIndex
  readonly metadata: () => MetadataSource
}

/** The fields of every entry of a folder. */
interface Entry {
  readonly modified: number
  readonly size: number
  readonly permissions: string
}

/** The reply of server.files.get_directory. */
export interface DirectoryListing {
  readonly dirs: (Entry & { readonly dirname: string })[]
  readonly files: (Entry & { readonly filename: string })[]
  readonly disk_usage: { readonly total: number; readonly used: number; readonly free: number }
  readonly root_info: { readonly name: string; readonly permissions: string }
}

/** The error for a list of a root whose folder does not exist, or is something else. */
function missing({ name }: Root): ApiError {
  return new ApiError(400, `Failed to build file list, the folder of root '${name}' is missing`)
}

export class Listings {
  readonly #parts: ListingParts

  constructor(parts: ListingParts) {
    this.#parts = parts
  }

  /**
   * All files of a root, sorted by path; of `gcodes` only printable files, without those in folders whose names start
   * with a dot. Throws ApiError 400 for an unknown root, or one whose folder is missing.
   */
  async list(name: string): Promise<FileEntry[]> {
    const found = this.#parts.roots.find(name)
    if (found === undefined) throw new ApiError(400, `Failed to build file list, invalid path: ${name}: None`)
    const root = await this.#parts.roots.checked(found)
    if (root.real === null) throw missing(root)
    const entries: FileEntry[] = []
    for (const folder of await this.#scanned(root, this.#foldersOf(root))) {
      const path = pathOf(folder)
      for (const [file, facts] of folder.files) {
        if (root.name === 'gcodes' && !(isGcodeName(file) && isListed(folder, file, facts))) continue
        const { modified, size } = facts
        entries.push({ path: below(path, file), modified, size, permissions: permissionsIn(root, facts) })
        if (entries.length % SLICE === 0) await pause()
      }
    }
    return entries.sort((a, b) => (a.path < b.path ? -1 : 1))
  }

  /** All folders of a root, as they are now. */
  async #foldersOf(root: Root): Promise<FolderNode[]> {
    const { index } = this.#parts
    try {
      return await index.folders(root, name => root.name !== 'gcodes' || !name.startsWith('.'))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      throw missing(root)
    }
  }

  /** The contents of a folder. Throws ApiError 400 if there is no folder, and what Roots.locate throws. */
  async directory(path: string, extended: boolean): Promise<DirectoryListing> {
    const { roots, index } = this.#parts
    const place = await roots.locate(path)
    const shown = place.relative === '' ? place.root.name : `${place.root.name}/${place.relative}`
    const folder = await this.#scanned(place.root, index.folder(place))
    if (folder === undefined) throw new ApiError(400, `Directory does not exist (${shown})`)
    const root = this.#shownRoot(place)
    const files = await this.#filesIn({ ...place, root }, folder, extended && root.name === 'gcodes')
    const dirs = JSON.stringify(foldersIn(root, folder))
    const disk_usage = JSON.stringify(await diskUsage(roots, place.real))
    const root_info = JSON.stringify({ name: root.name, permissions: rootPermissions(root) })
    return jsonText(`{"dirs":${dirs},"files":[${files}],"disk_usage":${disk_usage},"root_info":${root_info}}`)
  }

  /** The root with the permissions that clients have in a folder of it. */
  #shownRoot({ root, real }: Place): Root {
    const isProtected = this.#parts.roots.protectedFolders.containing(real) !== undefined
    return isProtected ? { ...root, writable: false } : root
  }

  /** Limits the time that a request waits for a scan: the scan continues, and a later request finds its result. */
  #scanned<T>(root: Root, scan: Promise<T>): Promise<T> {
    return withTimeout(this.#parts.clock, SCAN_TIMEOUT, scan, () => {
      return new ApiError(503, `The files of root '${root.name}' are still being read, try again later`)
    })
  }

  /** The files' entries as JSON, separated by commas; written in slices. */
  async #filesIn({ root, indexPath: path }: Place, folder: FolderNode, extended: boolean): Promise<string> {
    const texts: string[] = []
    const all = [...folder.files].filter(
      ([name, facts]) => root.name !== 'gcodes' || isListed(folder, name, facts),
    )
    for (let start = 0; start < all.length; start += SLICE) {
      const slice = all.slice(start, start + SLICE)
      const candidates = extended ? slice.map(([name]) => name).filter(isGcodeName) : []
      const metadata = this.#parts.metadata().known(candidates.map(name => below(path, name)))
      for (const [filename, facts] of slice) {
        const { modified, size } = facts
        const entry = { modified, size, permissions: permissionsIn(root, facts), filename }
        const known = metadata.get(below(path, filename))
        texts.push(known === undefined ? JSON.stringify(entry) : withMetadata(known, entry))
      }
      if (start + SLICE < all.length) await pause()
    }
    return texts.join(',')
  }
}

/** Binary G-code is left out where the plain G-code that was made from it is listed. */
function isListed({ files }: FolderNode, name: string, { modified }: Facts): boolean {
  if (!isBinaryGcodeName(name)) return true
  const plain = files.get(plainGcodePath(name))
  return plain === undefined || !isPlainGcodeOf(plain.modified, modified)
}

/** A file's entry with its metadata. If the text starts with the file's size and time it need not be parsed. */
function withMetadata(metadata: string, entry: DirectoryListing['files'][number]): string {
  const { size, modified, permissions, filename } = entry
  if (!metadata.startsWith(`{"size":${size},"modified":${modified},`)) {
    return JSON.stringify({ ...JSON.parse(metadata), ...entry })
  }
  return `${metadata.slice(0, -1)},"permissions":"${permissions}","filename":${JSON.stringify(filename)}}`
}

function foldersIn(root: Root, folder: FolderNode): DirectoryListing['dirs'] {
  const all = [...[...folder.folders].map(([name, { facts }]) => [name, facts] as const), ...folder.links]
  return all.map(([dirname, facts]) => {
    const { modified, size } = facts
    return { modified, size, permissions: permissionsIn(root, facts), dirname }
  })
}

/** The space on the disk of `path` in bytes; `free` is without the blocks that are reserved for root. */
export async function diskUsage({ calls }: Roots, path: string): Promise<DirectoryListing['disk_usage']> {
  const { blocks, bsize, bfree, bavail } = await calls.statfs(path)
  return { total: blocks * bsize, used: (blocks - bfree) * bsize, free: bavail * bsize }
}

function pause(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve)
  })
}
