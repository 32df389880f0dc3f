// Reads printer.cfg as Klipper does: includes with wildcards, the SAVE_CONFIG block, repeated sections merged.

import { readFileSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { IniError, KLIPPER_INI, parseIni } from '../../core/ini.ts'
import { ConfigError } from '../errors.ts'
import { filesMatching } from './wildcards.ts'

/** Section → option → text as written, in the order of the files. */
export type RawConfig = Map<string, Map<string, string>>

/** The line before the block that SAVE_CONFIG writes at the end of printer.cfg. */
export const AUTOSAVE_MARK = '#*# <---------------------- SAVE_CONFIG ---------------------->'

/**
 * The sections of printer.cfg, of its included files and of its SAVE_CONFIG block, in this order.
 * Throws ConfigError.
 */
export function readConfig(file: string): RawConfig {
  const { main, autosave } = splitAutosave(readText(file))
  const config: RawConfig = new Map()
  addText(config, main, file, new Set())
  addSections(config, parse(autosave, `${basename(file)} (SAVE_CONFIG block)`))
  return config
}

/** printer.cfg's own text and that of its SAVE_CONFIG block, without the `#*# ` in front of each line. */
export function splitAutosave(text: string): { main: string; autosave: string } {
  const at = text.indexOf(AUTOSAVE_MARK)
  if (at === -1) return { main: text, autosave: '' }
  const lines = text
    .slice(at)
    .split('\n')
    .slice(2)
    .map(line => line.replace(/^#\*# ?/, ''))
  return { main: text.slice(0, at), autosave: lines.join('\n') }
}

/** The sections of a text in printer.cfg's syntax. Throws ConfigError. */
export function parse(text: string, file: string): { name: string; options: Map<string, string> }[] {
  try {
    return parseIni(text, file, KLIPPER_INI).map(section => ({
      name: section.name.trim(),
      options: new Map(section.options.map(option => [option.name, option.value])),
    }))
  } catch (error) {
    if (error instanceof IniError) throw new ConfigError(error.message)
    throw error
  }
}

function addText(config: RawConfig, text: string, file: string, open: Set<string>): void {
  const path = resolve(file)
  if (open.has(path)) throw new ConfigError(`Recursive include of config file '${file}'`)
  const inside = new Set(open).add(path)
  for (const section of parse(text, file)) {
    if (section.name.startsWith('include ')) include(config, section.name.slice(8).trim(), path, inside)
    else addSections(config, [section])
  }
}

function include(config: RawConfig, pattern: string, from: string, open: Set<string>): void {
  const wanted = resolve(dirname(from), pattern)
  const files = filesMatching(wanted)
  if (files.length === 0 && !/[*?[]/.test(pattern)) {
    throw new ConfigError(`Include file '${wanted}' does not exist`)
  }
  for (const file of files) addText(config, readText(file), file, open)
}

function addSections(config: RawConfig, sections: { name: string; options: Map<string, string> }[]): void {
  for (const { name, options } of sections) {
    const merged = config.get(name) ?? new Map<string, string>()
    for (const [option, value] of options) merged.set(option, value)
    config.set(name, merged)
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8').replaceAll('\r\n', '\n')
  } catch {
    throw new ConfigError(`Unable to open config file ${file}`)
  }
}
