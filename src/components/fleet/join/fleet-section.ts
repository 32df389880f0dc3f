// Writes and removes section [fleet] of moonraker.conf; all other text stays as it is.
import { readFile, realpath } from 'node:fs/promises'
import { replaceFile } from '../../../config/atomic-file.ts'
import { ApiError } from '../../../core/errors.ts'

const HEADER = /^\[\s*fleet\s*\]/i
const ANY_HEADER = /^\[/
const ENGINE = /^engine\s*[:=]/i

/** Sets the addresses of the engine in section [fleet], which is added if it is missing. Rejects with ApiError. */
export function writeFleetSection(configFile: string, engine: readonly string[]): Promise<void> {
  const line = `engine: ${engine.join(', ')}`
  return edit(configFile, lines => {
    const section = find(lines)
    if (section === null) return [...lines, ...(lines.at(-1) === '' ? [] : ['']), '[fleet]', line]
    const { start, end } = section
    const options = withoutOption(lines.slice(start + 1, end), ENGINE)
    return [...lines.slice(0, start + 1), line, ...options, ...lines.slice(end)]
  })
}

/** Removes section [fleet]. Rejects with ApiError. */
export function removeFleetSection(configFile: string): Promise<void> {
  return edit(configFile, lines => {
    const section = find(lines)
    return section === null ? lines : [...lines.slice(0, section.start), ...lines.slice(section.end)]
  })
}

async function edit(configFile: string, change: (lines: string[]) => string[]): Promise<void> {
  try {
    // A link stays one.
    const file = await realpath(configFile)
    const text = await readFile(file, 'utf8')
    const lines = text.replace(/\r?\n$/, '').split(/\r?\n/)
    replaceFile(file, `${change(lines).join('\n')}\n`, 0o644)
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException
    throw new ApiError(500, `moonraker.conf cannot be written (${code}): change section [fleet] yourself`)
  }
}

/** The lines of the section: its header, and the first line after it. Comments before the next header belong to that. */
function find(lines: readonly string[]): { readonly start: number; readonly end: number } | null {
  const start = lines.findIndex(line => HEADER.test(line))
  if (start === -1) return null
  const next = lines.findIndex((line, index) => index > start && ANY_HEADER.test(line))
  let end = next === -1 ? lines.length : next
  if (next !== -1) while (/^\s*([#;]|$)/.test(lines[end - 1] as string) && end - 1 > start) end -= 1
  return { start, end }
}

/** Without an option and the indented lines that continue it. */
function withoutOption(lines: readonly string[], option: RegExp): string[] {
  const at = lines.findIndex(line => option.test(line))
  if (at === -1) return [...lines]
  const rest = lines.slice(at + 1)
  const next = rest.findIndex(line => !/^[ \t]+\S/.test(line))
  return [...lines.slice(0, at), ...(next === -1 ? [] : rest.slice(next))]
}
