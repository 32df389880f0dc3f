// Applies the server's own changes to the file index, so that a scan does not find them a second time.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { FileChange } from '../../../api/files.ts'
import { type FolderNode, factsFrom, findFolder, folderNode, markDirty, pathOf, walk } from './folder-node.ts'
import { itemOf } from './item.ts'
import { folderOf, nameOf, type Tree, type Trees } from './trees.ts'

/** Applies `change`. Returns the changes that clients need before it: new folders on its path. */
export function applyChange(trees: Trees, change: FileChange): readonly FileChange[] {
  const { action, item, source_item: source } = change
  const tree = trees.find(item.root)
  const from = source === undefined ? undefined : trees.find(source.root)
  const folder = source === undefined ? undefined : remove(trees, from, source.path)
  if (action === 'delete_file' || action === 'delete_dir') {
    remove(trees, tree, item.path)
    return []
  }
  if (tree === undefined || action === 'root_update' || item.path === '') return []
  trees.differences.forget(item.root, item.path)
  const newFolders: FileChange[] = []
  const parent = parentOf(trees, tree, item.path, newFolders)
  if (parent === undefined) return newFolders
  const name = nameOf(item.path)
  if (action === 'move_dir' || action === 'create_dir')
    addFolder(trees, { tree, parent, name, moved: folder })
  else setFile(trees, { tree, parent, name, item })
  return newFolders
}

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

/** The folder of `path`; adds the folders that the index lacks, and their changes to `newFolders`. */
function parentOf(trees: Trees, tree: Tree, path: string, newFolders: FileChange[]): FolderNode | undefined {
  const { differences } = trees
  let node = tree.node
  for (const name of path.split('/').slice(0, -1)) {
    if (!node.read) break
    const known = node.folders.get(name)
    const child = known ?? addFolder(trees, { tree, parent: node, name, moved: undefined })
    if (child === undefined) return undefined
    const folder = pathOf(child)
    // A scan may have found the folder during the operation, before clients are notified of it.
    const isPending = differences.takeNew(tree.root.name, folder)
    if (known === undefined) differences.forget(tree.root.name, folder)
    if ((known === undefined || isPending) && newFolders.length === 0)
      newFolders.push({ action: 'create_dir', item: itemOf(tree.root, folder, child.facts) })
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
}

/** Adds a folder that the server itself has made; a later scan finds what other programs have put into it. */
function addFolder(trees: Trees, { tree, parent, name, moved }: NewFolder): FolderNode | undefined {
  const known = parent.folders.get(name)
  if (known !== undefined) return known
  const stats = statSync(join(trees.absolute(tree, parent), name), { throwIfNoEntry: false })
  if (stats?.isDirectory() !== true) return undefined
  const node = moved ?? folderNode(name, parent, factsFrom(stats))
  node.name = name
  node.parent = parent
  node.facts = factsFrom(stats)
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

interface NewFile extends Omit<NewFolder, 'moved'> {
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
