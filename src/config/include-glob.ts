// The files of an [include …] with wildcards, with the rules of Python's pathlib, sorted.
import { readdirSync, statSync } from 'node:fs'
import { isAbsolute, join, parse, sep } from 'node:path'
import { ConfigError } from './config-error.ts'

const MAX_ENTRIES = 10_000

/** Whether an include has wildcards; it may match no file then. */
export function isGlob(pattern: string): boolean {
  return /[*?[]/.test(pattern)
}

/**
 * The files that `pattern` (relative to `folder`, or absolute) matches, sorted by the parts of their paths.
 * `*`, `?` and `[a-z]` match within one name, a leading dot too; `**` matches any number of folders.
 * Throws ConfigError if the search reaches more than 10,000 entries.
 */
export function expandGlob(pattern: string, folder: string): string[] {
  const start = isAbsolute(pattern) ? parse(pattern).root : folder
  const parts = pattern.split(sep).filter(part => part !== '' && part !== '.')
  const found = new Set<string>()
  const budget = { left: MAX_ENTRIES }
  walk(start, parts, found, budget)
  return [...found].filter(isFile).toSorted(compareParts)
}

function walk(folder: string, parts: readonly string[], found: Set<string>, budget: { left: number }): void {
  const [part, ...rest] = parts
  if (part === undefined) return void found.add(folder)
  if (!isGlob(part)) {
    walk(join(folder, part), rest, found, budget)
    return
  }
  if (part === '**') walk(folder, rest, found, budget)
  for (const entry of entriesOf(folder)) {
    if (--budget.left < 0)
      throw new ConfigError(`the search reached more than ${MAX_ENTRIES} files; use a narrower pattern`)
    const below = join(folder, entry.name)
    if (part !== '**') {
      if (matches(entry.name, part)) walk(below, rest, found, budget)
    } else if (entry.isDirectory()) walk(below, parts, found, budget)
  }
}

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch {
    // A folder that is missing or not readable has no matches; the caller warns if there are none at all.
    return []
  }
}

function isFile(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFile() ?? false
}

function compareParts(a: string, b: string): number {
  const left = a.split(sep)
  const right = b.split(sep)
  const differing = left.findIndex((part, index) => part !== right[index])
  if (differing === -1) return left.length - right.length
  const other = right[differing]
  return other === undefined || left[differing]! > other ? 1 : -1
}

/** Whether a file name matches a pattern. Needs name × pattern steps: only the last star is retried. */
export function matches(name: string, pattern: string): boolean {
  const tokens = tokenize(pattern)
  const chars = Array.from(name)
  let at = 0
  let token = 0
  let star = -1
  let starAt = 0
  while (at < chars.length) {
    const wanted = tokens[token]
    if (wanted === '*') {
      star = token++
      starAt = at
    } else if (wanted?.(chars[at]!)) {
      token++
      at++
    } else if (star !== -1) {
      token = star + 1
      at = ++starAt
    } else return false
  }
  return tokens.slice(token).every(rest => rest === '*')
}

type Token = '*' | ((char: string) => boolean)

function tokenize(pattern: string): Token[] {
  const tokens: Token[] = []
  const chars = Array.from(pattern)
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at]!
    // A closing bracket directly after the opening one belongs to the set.
    const end = char === '[' ? chars.indexOf(']', at + (chars[at + 1] === '!' ? 3 : 2)) : -1
    if (char === '*') tokens.push('*')
    else if (char === '?') tokens.push(() => true)
    else if (end !== -1) {
      tokens.push(characterSet(chars.slice(at + 1, end)))
      at = end
    } else tokens.push(other => other === char)
  }
  return tokens
}

function characterSet(members: string[]): Token {
  const negated = members[0] === '!'
  const chars = negated ? members.slice(1) : members
  const has = (char: string): boolean =>
    chars.some((low, at) => {
      if (chars[at + 1] === '-' && at + 2 < chars.length) return low <= char && char <= chars[at + 2]!
      return low === char
    })
  return char => has(char) !== negated
}
