// The secrets file: values that only templates can read, as `secrets.section.key`.
import { readFileSync, statSync } from 'node:fs'
import { MAX_INI_LENGTH, PLAIN_INI, parseIni } from '../core/ini.ts'
import { isPlainObject } from '../schema/index.ts'

/** The content of the secrets file. Printing or serializing it shows no values. */
export class Secrets {
  readonly #values: Readonly<Record<string, unknown>>

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values
  }

  /** The values for the template global `secrets`: objects by section from an ini, anything from JSON. */
  get values(): Readonly<Record<string, unknown>> {
    return this.#values
  }
}

/** Secrets, and the problems of their file. */
export interface ReadSecrets {
  readonly secrets: Secrets
  /** With the file and the line, never its content. */
  readonly warnings: readonly string[]
}

/**
 * Reads the secrets file, JSON or ini. Without `file` there are no secrets. Does not throw: a file that cannot be read
 * becomes a warning.
 */
export function readSecrets(file: string): ReadSecrets {
  if (!isThere(file)) return { secrets: new Secrets({}), warnings: [] }
  try {
    return { secrets: new Secrets(parseSecrets(load(file))), warnings: [] }
  } catch (error) {
    return { secrets: new Secrets({}), warnings: [`The secrets file ${file} ${problemOf(error)}`] }
  }
}

/** A problem, in words that contain nothing of the file's content. */
class Unreadable extends Error {
  override readonly name: string = 'Unreadable'
}

function isThere(file: string): boolean {
  try {
    return statSync(file, { throwIfNoEntry: false }) !== undefined
  } catch {
    // The file exists but cannot be examined; reading it gives the reason.
    return true
  }
}

function load(file: string): string {
  const stat = statSync(file)
  if (!stat.isFile()) throw new Unreadable('is not a file.')
  if (stat.size > MAX_INI_LENGTH) throw new Unreadable(`is larger than ${MAX_INI_LENGTH} bytes.`)
  return readFileSync(file, 'utf8')
}

function parseSecrets(text: string): Record<string, unknown> {
  const json = parseJson(text)
  if (json === undefined) return parseIniSecrets(text)
  if (!isPlainObject(json)) throw new Unreadable('must contain a JSON object at its top level.')
  return json
}

/** The JSON value; undefined if the text is an ini. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    if (text.trimStart().startsWith('{')) throw new Unreadable('starts like JSON but is not valid JSON.')
    return undefined
  }
}

function parseIniSecrets(text: string): Record<string, unknown> {
  const sections = parseIni(text, '', PLAIN_INI).map(({ name, options }) => {
    return [name, Object.fromEntries(options.map(option => [option.name, option.value]))] as const
  })
  const defaults = sections.find(([name]) => name === 'DEFAULT')?.[1]
  const others = sections.filter(([name]) => name !== 'DEFAULT')
  return Object.fromEntries(others.map(([name, options]) => [name, { ...defaults, ...options }]))
}

function problemOf(error: unknown): string {
  if (error instanceof Unreadable) return error.message
  const { line, code } = error as { line?: number; code?: string }
  if (line !== undefined) return `cannot be read: line ${line} is neither "[section]" nor "name: value".`
  return `cannot be read (${code ?? 'unknown reason'}); give the user of this server permission to read it.`
}
