// The last configuration that the server started with, for use if the current one cannot be read.
import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { replaceFile } from './atomic-file.ts'
import { ConfigError } from './config-error.ts'
import { type ConfigSources, readSources, type SourceLimits, type SourceOption } from './sources.ts'

/** A configuration that the server can start with. */
export interface LoadedSources {
  readonly sources: ConfigSources
  /** Why the last good configuration is used instead of the current one; absent if it is not. */
  readonly fallback?: string
}

/** The path of the last good copy of `file`: hidden, in the same folder, as in the original. */
export function lastGoodPath(file: string): string {
  return join(dirname(file), `.${basename(file)}.bkp`)
}

/**
 * Reads the configuration at `file`; if that fails, its last good copy, with the reason in `fallback`.
 * Throws the ConfigError of `file` if there is no good copy.
 */
export function loadSources(file: string, limits: SourceLimits = {}): LoadedSources {
  try {
    return { sources: readServerSources(file, limits) }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const sources = readLastGood(file, limits)
    if (sources === undefined) throw error
    return { sources, fallback: fallbackWarning(file, error) }
  }
}

/** The last good copy of `file`; undefined if it is missing or cannot be read. */
export function readLastGood(file: string, limits: SourceLimits = {}): ConfigSources | undefined {
  const copy = lastGoodPath(resolve(file))
  if (!existsSync(copy)) return undefined
  try {
    return readServerSources(copy, limits)
  } catch (error) {
    if (error instanceof ConfigError) return undefined
    throw error
  }
}

/** The warning for a server that runs with the last good copy because of `error`. */
export function fallbackWarning(file: string, error: ConfigError): string {
  const copy = basename(lastGoodPath(file))
  return `The configuration cannot be used: ${error.message}.  The server runs with the last one that worked (${copy}); correct the file and restart.`
}

/**
 * Saves `sources`, all files in one, as the last good configuration; to be called after a successful start. Writes
 * nothing if the copy is up to date, or if the sources come from the copy. Throws errors of the file system.
 */
export function saveLastGood(sources: ConfigSources): void {
  const copy = lastGoodPath(sources.path)
  const text = mergedText(sources)
  if (isLastGood(sources) || (existsSync(copy) && readFileSync(copy, 'utf8') === text)) return
  // It may contain passwords, whatever the permissions of its sources are.
  replaceFile(copy, text, 0o600)
}

function isLastGood({ path: file }: ConfigSources): boolean {
  const name = basename(file)
  return name.startsWith('.') && name.endsWith('.bkp')
}

/** All sources as one text that reads back as the same sections, options and values. */
export function mergedText({ sections, defaults }: ConfigSources): string {
  const all = [...sections].map(([name, { options }]) => sectionText(name, options))
  return [...(defaults.size === 0 ? [] : [sectionText('DEFAULT', defaults)]), ...all].join('\n')
}

function sectionText(name: string, options: ReadonlyMap<string, SourceOption>): string {
  const lines = [...options.values()].map(option => optionText(option))
  return [`[${name}]`, ...lines, ''].join('\n')
}

function optionText({ name, value }: SourceOption): string {
  // After a space, a backslash before a comment sign would be read as its escape.
  const space = /^(\n|\\[#;]|$)/.test(value) ? '' : ' '
  const text = `${name} =${space}${value.replaceAll('\n', '\n    ')}`
  return text.replaceAll(/ ([#;])/g, ' \\$1')
}

function readServerSources(file: string, limits: SourceLimits): ConfigSources {
  const sources = readSources(file, limits)
  // Without this section the file is probably empty, or another file.
  if (!sources.sections.has('server')) {
    throw new ConfigError('the section [server] is missing; add a line "[server]", with its options below', {
      file: basename(file),
    })
  }
  return sources
}
