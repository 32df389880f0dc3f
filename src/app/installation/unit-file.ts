// Reads unit files of systemd, with their drop-ins.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The options of the section [Service]: all values of each, in order. */
export type ServiceOptions = ReadonlyMap<string, readonly string[]>

/** The service of a unit file and of the drop-ins in `folders`. Throws what reading the unit file throws. */
export function readService(file: string, folders: readonly string[]): ServiceOptions {
  const options = new Map<string, string[]>()
  for (const text of [readFileSync(file, 'utf8'), ...folders.flatMap(dropIns)]) addOptions(options, text)
  return options
}

function dropIns(folder: string): string[] {
  try {
    const names = readdirSync(folder).filter(name => name.endsWith('.conf'))
    return names.sort().map(name => readFileSync(join(folder, name), 'utf8'))
  } catch {
    return []
  }
}

/** systemd.syntax(7): a backslash continues a line, an empty value removes those before it. */
function addOptions(options: Map<string, string[]>, text: string): void {
  let section = ''
  for (const line of text.replace(/\\\n/g, ' ').split('\n')) {
    const [, header] = /^\s*\[([^\]]+)\]\s*$/.exec(line) ?? []
    if (header !== undefined) section = header
    const [, name, value = ''] = /^\s*([A-Za-z]\w*)\s*=(.*)$/.exec(line) ?? []
    if (section !== 'Service' || name === undefined) continue
    if (value.trim() === '') options.delete(name)
    else options.set(name, [...(options.get(name) ?? []), value.trim()])
  }
}

/** The words of a command line of systemd: separated by white space, some in quotes, and `$NAME` is a variable. */
export function commandWords(text: string, variables: Readonly<Record<string, string>>): string[] {
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|(\S+)/g)].flatMap(([, double, single, plain]) => {
    const [, variable] = /^\$\{?(\w+)\}?$/.exec(plain ?? '') ?? []
    if (variable !== undefined) return commandWords(variables[variable] ?? '', {})
    return [double?.replace(/\\(.)/g, '$1') ?? single ?? plain ?? '']
  })
}

/** A word of a command line of systemd that is exactly `text`. */
export function quotedWord(text: string): string {
  const escaped = text.replaceAll('%', '%%').replaceAll('$', '$$$$')
  return /^[\w@%+=:,./$-]+$/.test(escaped) ? escaped : `"${escaped.replace(/["\\]/g, '\\$&')}"`
}
