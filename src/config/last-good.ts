// The last configuration that a start succeeded with, for the day when the present one cannot be read.
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { replaceFile } from './atomic-file.ts'
import { ConfigError } from './config-error.ts'
import { type ConfigSources, readSources, type SourceLimits, type SourceOption } from './sources.ts'

/** A configuration that can be started with. */
export interface LoadedSources {
  readonly sources: ConfigSources
  /** Why the last good configuration stands in for the present one; absent where it does not. */
  readonly fallback?: string
}

/** Where the last good copy of `file` is kept: hidden, beside it, where the original keeps it too. */
export function lastGoodPath(file: string): string {
  return path.join(path.dirname(file), `.${path.basename(file)}.bkp`)
}

/**
 * Reads the configuration at `file`; where that fails, its last good copy, with the reason in `fallback`.
 * Throws the ConfigError of `file` where there is no good copy either.
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

/** The last good copy of `file`, if there is one and it can be read. For errors found after reading, too. */
export function readLastGood(file: string, limits: SourceLimits = {}): ConfigSources | undefined {
  const copy = lastGoodPath(path.resolve(file))
  if (!existsSync(copy)) return undefined
  try {
    return readServerSources(copy, limits)
  } catch (error) {
    if (error instanceof ConfigError) return undefined
    throw error
  }
}

/** What to tell when the server runs on the last good copy because of `error`. */
export function fallbackWarning(file: string, error: ConfigError): string {
  const copy = path.basename(lastGoodPath(file))
  return `The configuration cannot be used: ${error.message}.  The server runs on the last one that worked (${copy}); correct the file and restart.`
}

/**
 * Keeps `sources`, all files in one, as the last good configuration; to be called after a successful start.
 * Nothing is written where it is kept already or comes from the copy itself. Throws what the file system throws.
 */
export function saveLastGood(sources: ConfigSources): void {
  const copy = lastGoodPath(sources.path)
  const text = mergedText(sources)
  if (isLastGood(sources) || (existsSync(copy) && readFileSync(copy, 'utf8') === text)) return
  // Passwords may stand in it, whatever the permissions of the files that it was made of.
  replaceFile(copy, text, 0o600)
}

function isLastGood({ path: file }: ConfigSources): boolean {
  const name = path.basename(file)
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
  // After a space, a backslash before a comment sign would be taken for its escape.
  const space = /^(\n|\\[#;]|$)/.test(value) ? '' : ' '
  const text = `${name} =${space}${value.replaceAll('\n', '\n    ')}`
  return text.replaceAll(/ ([#;])/g, ' \\$1')
}

function readServerSources(file: string, limits: SourceLimits): ConfigSources {
  const sources = readSources(file, limits)
  // Without this section the file is most likely empty or another one.
  if (!sources.sections.has('server')) {
    throw new ConfigError('there is no section [server]; add a line "[server]", with its options below', {
      file: path.basename(file),
    })
  }
  return sources
}
