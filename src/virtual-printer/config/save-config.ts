// SAVE_CONFIG: writes calibrated values into the block at the end of printer.cfg and keeps the old file.

import { copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { GcodeError, messageOf } from '../errors.ts'
import { AUTOSAVE_MARK, parse, splitAutosave } from './read-config.ts'

const AUTOSAVE_WARNING = '#*# DO NOT EDIT THIS BLOCK OR BELOW. The contents are auto-generated.'

/**
 * Writes pending values into the SAVE_CONFIG block of `file` and comments out the options of printer.cfg that they
 * replace. Copies the old file to `printer-YYYYMMDD_HHMMSS.cfg` in the same folder.
 * Throws GcodeError when an included file sets the option, which would override the value, or when writing fails.
 */
export function saveConfig(
  file: string,
  pending: Record<string, Record<string, string> | null>,
  written: Record<string, Record<string, string>>,
): void {
  const { main, autosave } = splitAutosave(readFileSync(file, 'utf8'))
  const saved = new Map(parse(autosave, file).map(section => [section.name, section.options]))
  let text = main
  for (const [name, options] of Object.entries(pending)) {
    if (options === null) {
      saved.delete(name)
      continue
    }
    const section = saved.get(name) ?? new Map<string, string>()
    for (const [option, value] of Object.entries(options)) {
      const inBlock = section.has(option)
      section.set(option, value)
      if (inBlock || written[name]?.[option] === undefined) continue
      text = commentOut(text, name, option)
    }
    saved.set(name, section)
  }
  write(file, `${text.trimEnd()}\n\n${autosaveBlock(saved)}`)
}

function commentOut(text: string, section: string, option: string): string {
  let inside = false
  let found = false
  const lines = text.split('\n').map(line => {
    const header = /^\[([^\]]+)\]/.exec(line)
    if (header !== null) inside = header[1]!.trim() === section
    if (!inside || !new RegExp(`^${quoted(option)}\\s*[:=]`, 'i').test(line)) return line
    found = true
    return `#${line}`
  })
  if (found) return lines.join('\n')
  throw new GcodeError(`SAVE_CONFIG section '${section}' option '${option}' conflicts with included value`)
}

function quoted(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

function autosaveBlock(sections: Map<string, Map<string, string>>): string {
  const lines = [AUTOSAVE_MARK, AUTOSAVE_WARNING, '#*#']
  for (const [name, options] of sections) {
    lines.push(`#*# [${name}]`)
    for (const [option, value] of options) {
      const [first = '', ...rest] = value.split('\n')
      lines.push(`#*# ${option} = ${first}`.trimEnd(), ...rest.map(line => `#*# \t${line}`))
    }
    lines.push('#*#')
  }
  return `${lines.join('\n')}\n`
}

function write(file: string, text: string): void {
  const now = new Date()
  const two = (part: number) => String(part).padStart(2, '0')
  const day = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`
  const time = `${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`
  const stem = file.replace(/\.cfg$/, '')
  try {
    copyFileSync(file, `${stem}-${day}_${time}.cfg`)
    const draft = `${stem}_autosave.cfg`
    writeFileSync(draft, text)
    renameSync(draft, file)
  } catch (error) {
    throw new GcodeError(`Unable to write config file during SAVE_CONFIG: ${messageOf(error)}`)
  }
}
