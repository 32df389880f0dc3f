// The documents of the site: their texts, their order, and where links between them lead.
import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { join, posix } from 'node:path'
import { pageNameOf, relative } from './paths.mjs'
import { parseDocument, plainText } from './render.mjs'

/** The list of all documents: the first page, and the menu. */
const LIST = 'docs/README.md'
/** Documents outside of docs/. */
const FURTHER = ['CHANGELOG.md', 'CONTRIBUTING.md']
/** Documents whose links are checked too; they are not part of the site. */
const CHECKED = ['README.md']

export class Documents {
  /** What is wrong with the documents, one line each. */
  problems = []
  /** The groups of documents, each with its title and its entries. */
  menu
  #root
  #byPath = new Map()
  #files = new Set()
  /** The documents that a list contains. */
  #listed = new Set([LIST])

  /** Reads the documents below `root`. */
  constructor(root) {
    this.#root = root
    const paths = [...globSync('docs/**/*.md', { cwd: root }), ...FURTHER].sort((a, b) => (a < b ? -1 : 1))
    for (const path of paths.filter(path => existsSync(join(root, path)))) {
      this.#byPath.set(path, { path, page: pageNameOf(path), ...parseDocument(this.#read(path)) })
    }
    this.menu = this.#readList()
    this.#checkList()
    for (const path of CHECKED.filter(path => existsSync(join(root, path)))) this.#check(path)
  }

  /** All documents: those of the list in its order, then the others. */
  get all() {
    const listed = [...this.#listed].flatMap(path => this.#byPath.get(path) ?? [])
    return [...new Set([...listed, ...this.#byPath.values()])]
  }

  #readList() {
    const groups = []
    for (const token of this.#byPath.get(LIST)?.tokens ?? []) {
      if (token.type === 'heading' && token.depth === 2) groups.push({ title: plainText(token), entries: [] })
      if (token.type === 'list')
        groups.at(-1)?.entries.push(...token.items.flatMap(item => this.#entryOf(item)))
    }
    return groups
  }

  /** Reports documents that neither the list contains nor the page of their folder. */
  #checkList() {
    for (const { path } of this.#byPath.values()) {
      const folder = posix.dirname(path)
      const isInFolder = folder.startsWith('docs/') && this.#byPath.has(posix.join(folder, 'README.md'))
      if (!this.#listed.has(path) && !isInFolder) this.problems.push(`${path}: ${LIST} does not list it`)
    }
  }

  #entryOf(item) {
    const [link] = linksOf(item)
    const target = link === undefined ? undefined : this.at({ path: LIST }, link.href)
    if (target === undefined) return []
    this.#listed.add(target.path)
    return [{ title: plainText(link), page: target.page }]
  }

  /** The other documents of the folder of a README.md below docs/; none for other documents. */
  folderOf({ path }) {
    if (path === LIST || posix.basename(path) !== 'README.md') return []
    return this.all.filter(other => other.path !== path && posix.dirname(other.path) === posix.dirname(path))
  }

  /** The document that a link of another one leads to; undefined if it leads elsewhere. */
  at({ path }, href) {
    const target = posix.join(posix.dirname(path), decodeURI(href.split('#', 1)[0]))
    return this.#byPath.get(target) ?? this.#byPath.get(posix.join(target, 'README.md'))
  }

  /** Where a link of a document leads on the site; null if only the repository has its target. */
  resolve({ path, page, anchors }, href) {
    if (/^[a-z]+:/.test(href)) return href
    const [name, anchor] = href.split('#')
    if (name === '') {
      if (!anchors.has(anchor)) this.problems.push(`${path}: there is no section '#${anchor}'`)
      return href
    }
    const document = this.at({ path }, href)
    if (document !== undefined) {
      if (anchor !== undefined && !document.anchors.has(anchor)) {
        this.problems.push(`${path}: ${document.path} has no section '#${anchor}'`)
      }
      return relative(page, document.page) + (anchor === undefined ? '' : `#${anchor}`)
    }
    return this.#fileOf({ path, page }, posix.join(posix.dirname(path), decodeURI(name)))
  }

  #fileOf({ path, page }, target) {
    const found = statSync(join(this.#root, target), { throwIfNoEntry: false })
    if (found === undefined) this.problems.push(`${path}: there is no ${target}`)
    if (found?.isFile() !== true || !target.startsWith('docs/')) return null
    const file = target.slice('docs/'.length)
    this.#files.add(file)
    return relative(page, file)
  }

  /** Pictures and other files of docs/ that documents link to, by their paths on the site. */
  linkedFiles() {
    return [...this.#files].map(file => [file, readFileSync(join(this.#root, 'docs', file))])
  }

  #read(path) {
    return readFileSync(join(this.#root, path), 'utf8')
  }

  /** Checks the links of a document that is not part of the site. */
  #check(path) {
    const document = { path, page: pageNameOf(path), ...parseDocument(this.#read(path)) }
    const files = new Set(this.#files)
    for (const { href } of document.tokens.flatMap(linksOf)) this.resolve(document, href)
    this.#files = files
  }
}

/** The links and pictures of a token, at any depth. */
function linksOf(token) {
  const inside = [token.tokens, token.items, token.header, ...(token.rows ?? [])].flatMap(part => part ?? [])
  const own = token.type === 'link' || token.type === 'image' ? [token] : []
  return [...own, ...inside.flatMap(linksOf)]
}
