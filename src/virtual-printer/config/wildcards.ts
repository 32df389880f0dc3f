// File names with wildcards, for `[include …]`.

import { readdirSync, statSync } from 'node:fs'
import { join, sep } from 'node:path'

/** Existing files of an absolute path whose parts may contain `*`, `?` and `[…]`, sorted. */
export function filesMatching(pattern: string): string[] {
  let found = ['/']
  for (const part of pattern.split(sep).filter(each => each !== '')) {
    found = found.flatMap(folder => entries(folder, part).map(name => join(folder, name)))
  }
  return found.filter(path => statSync(path).isFile()).sort()
}

function entries(folder: string, part: string): string[] {
  if (!/[*?[]/.test(part)) return exists(join(folder, part)) ? [part] : []
  const matches = expression(part)
  try {
    // As in a shell, a wildcard does not match hidden files.
    return readdirSync(folder).filter(
      name => matches.test(name) && (part.startsWith('.') || !name.startsWith('.')),
    )
  } catch {
    return []
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined
}

function expression(part: string): RegExp {
  const source = part.replaceAll(/\[!?[^\]]{0,200}\]|[*?]|[.+^${}()|\\[\]]/g, found => {
    if (found === '*') return '.*'
    if (found === '?') return '.'
    return found.length > 1 ? found.replace(/^\[!/, '[^') : `\\${found}`
  })
  return new RegExp(`^${source}$`)
}
