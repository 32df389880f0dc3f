// Paths of the site.
import { posix } from 'node:path'

/** The page of a document. */
export function pageNameOf(path) {
  const name = path.startsWith('docs/') ? path.slice('docs/'.length) : path.toLowerCase()
  return name.replace(/README\.md$/, 'index.md').replace(/\.md$/, '.html')
}

/** The path from one page of the site to another file of it. */
export function relative(from, to) {
  return posix.relative(posix.dirname(from), to) || posix.basename(to)
}
