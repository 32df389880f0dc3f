// The trees of the file index: one for each root, with the differences between the disk and what clients know.
import { join } from 'node:path'
import { isWithin } from '../roots/path-lock.ts'
import type { Root } from '../roots/roots.ts'
import { Differences } from './differences.ts'
import {
  below,
  differ,
  type Facts,
  type FolderNode,
  factsOf,
  findFolder,
  folderNode,
  markDirty,
  pathOf,
  walk,
} from './folder-node.ts'
import type { DiskEntry } from './read-folder.ts'

/** The index of one root. */
export interface Tree {
  root: Root
  /** The root's folder, without links. */
  readonly top: string
  readonly node: FolderNode
  /** The real paths of the linked folders in the tree. */
  readonly targets: Set<string>
}

/** What trees depend on. */
export interface TreesParts {
  /** Watches a folder; returns null if that is not possible or not wanted. */
  readonly watch: (root: Root, path: string, changed: (name: string | null) => void) => (() => void) | null
  /** Called when there are differences, or a folder was marked as changed. */
  readonly onChange: () => void
}

export class Trees {
  /** Changes that clients have no notification of yet. */
  readonly differences = new Differences()
  readonly #parts: TreesParts
  readonly #trees = new Map<string, Tree>()

  constructor(parts: TreesParts) {
    this.#parts = parts
  }

  all(): Iterable<Tree> {
    return this.#trees.values()
  }

  find(root: string): Tree | undefined {
    return this.#trees.get(root)
  }

  /** Starts an empty tree for a root, in place of its earlier one. */
  open(root: Root, top: string, facts: Facts): Tree {
    this.close(root.name)
    const tree: Tree = { root, top, node: folderNode('', null, facts), targets: new Set() }
    this.#trees.set(root.name, tree)
    this.watch(tree, tree.node)
    return tree
  }

  /** Forgets a root's tree, because its folder was removed or replaced. */
  close(name: string): void {
    const tree = this.#trees.get(name)
    if (tree === undefined) return
    this.#trees.delete(name)
    this.detach(tree, tree.node)
    this.differences.forget(name, '')
  }

  /** Whether a folder is still in the tree. */
  holds(tree: Tree, node: FolderNode): boolean {
    let top = node
    while (top.parent !== null) top = top.parent
    return top === tree.node && this.#trees.get(tree.root.name) === tree
  }

  /** The path of a folder on the disk. */
  absolute(tree: Tree, node: FolderNode): string {
    if (node.target !== null) return node.target
    return node.parent === null ? tree.top : join(this.absolute(tree, node.parent), node.name)
  }

  /** The root's folder and the linked folders that lead to `node`, as real paths. */
  bases(tree: Tree, node: FolderNode): string[] {
    const bases = [tree.top]
    for (let each: FolderNode | null = node; each !== null; each = each.parent) {
      if (each.target !== null) bases.push(each.target)
    }
    return bases
  }

  /** The absolute path of a file in a root; undefined if the root has no tree. */
  absolutePath(root: string, path: string): string | undefined {
    const tree = this.#trees.get(root)
    if (tree === undefined) return undefined
    const parts = path === '' ? [] : path.split('/')
    let node = tree.node
    let depth = 0
    for (; depth < parts.length; depth += 1) {
      const child = node.folders.get(parts[depth] as string)
      if (child === undefined) break
      node = child
    }
    return join(this.absolute(tree, node), ...parts.slice(depth))
  }

  watch(tree: Tree, node: FolderNode): void {
    node.unwatch = this.#parts.watch(tree.root, this.absolute(tree, node), name => {
      markDirty(node, name)
      this.#parts.onChange()
    })
  }

  /** Removes a folder from its tree and ends all watches in it. */
  detach(tree: Tree, node: FolderNode): void {
    node.parent?.folders.delete(node.name)
    node.parent = null
    for (const each of walk(node)) {
      each.unwatch?.()
      each.unwatch = null
      if (each.target !== null) tree.targets.delete(each.target)
    }
  }

  /** Sets the entry of a name, undefined for none; returns the new folder, if it is one. Notes a difference unless `silent`. */
  setEntry(
    tree: Tree,
    node: FolderNode,
    name: string,
    entry: DiskEntry | undefined,
    silent: boolean,
  ): FolderNode | undefined {
    const before = factsOf(node, name) ?? null
    const after = entry?.facts ?? null
    const target = entry?.target ?? null
    const old = node.folders.get(name)
    if (target === null) node.linkNames.delete(name)
    else node.linkNames.add(name)
    if (old !== undefined && after?.isFolder && old.target === target && !differ(old.facts, after)) {
      old.facts = after
      return undefined
    }
    if (old !== undefined) this.detach(tree, old)
    node.files.delete(name)
    node.links.delete(name)
    let added: FolderNode | undefined
    if (after?.isFolder && (target === null || (entry?.isOutside && isDistinct(tree, target)))) {
      added = folderNode(name, node, after, target)
      node.folders.set(name, added)
      if (target !== null) tree.targets.add(target)
      this.watch(tree, added)
    } else if (after !== null) (after.isFolder ? node.links : node.files).set(name, after)
    if (!silent) {
      const path = below(pathOf(node), name)
      this.differences.add({ root: tree.root, path, before, after, removed: old, added })
    }
    return added
  }

  /** Marks a path as possibly changed. */
  mark(root: string, path: string): void {
    const tree = this.#trees.get(root)
    const parent = tree && findFolder(tree.node, folderOf(path))
    if (parent !== undefined) markDirty(parent, nameOf(path))
  }

  /** Reports that there are differences, or folders to scan. */
  changed(): void {
    this.#parts.onChange()
  }
}

/** Whether no folder of the tree is, contains or is in the target of a link: walks end, and find each file once. */
function isDistinct({ top, targets }: Tree, target: string): boolean {
  return [top, ...targets].every(base => !isWithin(target, base) && !isWithin(base, target))
}

/** The folder in a path; '' for none. */
export function folderOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0))
}

/** The last part of a path. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
