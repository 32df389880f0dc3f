// Applies the server's own changes to the file index, so that a scan does not find them a second time.
import type { FileAction, FileChange } from '../../../api/files.ts'
import type { DiskCalls } from '../roots/disk-calls.ts'
import {
  below,
  type Facts,
  type FolderNode,
  factsFrom,
  findFolder,
  folderNode,
  markDirty,
  pathOf,
  walk,
} from './folder-node.ts'
import { itemOf } from './item.ts'
import { folderOf, nameOf, type Tree, type Trees } from './trees.ts'

/** The facts of folders that the index lacks, by their paths below the root. */
type NewFolders = ReadonlyMap<string, Facts>

/** Reads the folders on the path of `change` that the index lacks. Never rejects: a folder that cannot be read is missing. */
export async function readNewFolders(
  trees: Trees,
  calls: Pick<DiskCalls, 'find'>,
  { action, item }: FileChange,
): Promise<NewFolders> {
  const found = new Map<string, Facts>()
  if (isRemoval(action) || item.path === '') return found
  const names = item.path.split('/')
  if (!isOfFolder(action)) names.pop()
  let path = ''
  let node = trees.find(item.root)?.node
  for (const name of names) {
    if (found.size === 0 && node?.read !== true) break
    path = below(path, name)
    node = node?.folders.get(name)
    const absolute = node === undefined ? trees.absolutePath(item.root, path) : undefined
    if (absolute === undefined) continue
    const stats = await calls.find(absolute).catch(() => undefined)
    if (stats?.isDirectory() !== true) break
    found.set(path, factsFrom(stats))
  }
  return found
}

/**
 * Applies `change`; `newFolders` are those that `readNewFolders` has read. Returns the changes that clients need before
 * it: new folders on its path.
 */
export function applyChange(trees: Trees, change: FileChange, newFolders: NewFolders): readonly FileChange[] {
  const { action, item, source_item: source } = change
  const tree = trees.find(item.root)
  const from = source === undefined ? undefined : trees.find(source.root)
  const folder = source === undefined ? undefined : remove(trees, from, source.path)
  if (isRemoval(action)) {
    remove(trees, tree, item.path)
    return []
  }
  if (tree === undefined || action === 'root_update' || item.path === '') return []
  trees.differences.forget(item.root, item.path)
  const additions: FileChange[] = []
  const parent = parentOf(trees, tree, item.path, newFolders, additions)
  if (parent === undefined) return additions
  const name = nameOf(item.path)
  if (isOfFolder(action))
    addFolder(trees, { tree, parent, name, moved: folder, facts: newFolders.get(item.path) })
  else setFile(trees, { tree, parent, name, item })
  return additions
}

const isRemoval = (action: FileAction) => action === 'delete_file' || action === 'delete_dir'
const isOfFolder = (action: FileAction) => action === 'move_dir' || action === 'create_dir'

/** Removes a file or folder; returns the folder. */
function remove(trees: Trees, tree: Tree | undefined, path: string): FolderNode | undefined {
  if (tree === undefined) return undefined
  trees.differences.forget(tree.root.name, path)
  const parent = findFolder(tree.node, folderOf(path))
  if (parent === undefined) return undefined
  const name = nameOf(path)
  const folder = parent.folders.get(name)
  parent.version += 1
  parent.files.delete(name)
  parent.links.delete(name)
  parent.linkNames.delete(name)
  if (folder !== undefined) trees.detach(tree, folder)
  return folder
}

/** The folder of `path`; adds the folders that the index lacks, and their changes to `additions`. */
function parentOf(
  trees: Trees,
  tree: Tree,
  path: string,
  newFolders: NewFolders,
  additions: FileChange[],
): FolderNode | undefined {
  const { differences } = trees
  let node = tree.node
  for (const name of path.split('/').slice(0, -1)) {
    if (!node.read) break
    const known = node.folders.get(name)
    const facts = newFolders.get(below(pathOf(node), name))
    const child = known ?? addFolder(trees, { tree, parent: node, name, moved: undefined, facts })
    if (child === undefined) return undefined
    const folder = pathOf(child)
    // A scan may have found the folder during the operation, before clients are notified of it.
    const isPending = differences.takeNew(tree.root.name, folder)
    if (known === undefined) differences.forget(tree.root.name, folder)
    if ((known === undefined || isPending) && additions.length === 0)
      additions.push({ action: 'create_dir', item: itemOf(tree.root, folder, child.facts) })
    node = child
  }
  // A first scan that is still running has to start again.
  node.version += 1
  return node.read ? node : undefined
}

interface NewFolder {
  readonly tree: Tree
  readonly parent: FolderNode
  readonly name: string
  /** The node of a folder that was moved. */
  readonly moved: FolderNode | undefined
  /** Undefined if the folder was not found. */
  readonly facts: Facts | undefined
}

/** Adds a folder that the server itself has made; a later scan finds what other programs have put into it. */
function addFolder(trees: Trees, { tree, parent, name, moved, facts }: NewFolder): FolderNode | undefined {
  const known = parent.folders.get(name)
  if (known !== undefined) return known
  if (facts === undefined) return undefined
  const node = moved ?? folderNode(name, parent, facts)
  node.name = name
  node.parent = parent
  node.facts = facts
  parent.version += 1
  parent.folders.set(name, node)
  if (node.target !== null) {
    parent.linkNames.add(name)
    tree.targets.add(node.target)
  }
  for (const each of walk(node)) trees.watch(tree, each)
  if (moved === undefined) {
    node.read = true
    markDirty(node, null)
  }
  trees.changed()
  return node
}

interface NewFile extends Omit<NewFolder, 'moved' | 'facts'> {
  readonly item: FileChange['item']
}

function setFile(trees: Trees, { tree, parent, name, item }: NewFile): void {
  const { size = 0, modified = 0 } = item
  const permissions = item.permissions === 'r' || item.permissions === '' ? item.permissions : 'rw'
  const folder = parent.folders.get(name)
  if (folder !== undefined) trees.detach(tree, folder)
  parent.links.delete(name)
  parent.files.set(name, { isFolder: false, size, modified, permissions, id: 0, born: 0 })
}
