// Which services clients may control: Klipper, this server, and those in <data>/moonraker.asvc.
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { messageOf } from '../../../core/errors.ts'
import type { Log } from '../../../core/log.ts'

/** What a new moonraker.asvc holds: the list of the original. */
export const DEFAULT_SERVICES = [
  'klipper_mcu',
  'webcamd',
  'MoonCord',
  'KlipperScreen',
  'moonraker-telegram-bot',
  'moonraker-obico',
  'sonar',
  'crowsnest',
  'octoeverywhere',
  'ratos-configurator',
] as const

/** Names with these starts are allowed without being listed: klipper-1, moonraker_2. */
const PREFIXES = ['klipper', 'moonraker'] as const

/** What systemd allows in a name (systemd.unit(5)), and no dash in front, where programs take it for an option. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9:_.@\\-]{0,246}$/
const SUFFIX = /\.service$/

/** A longer file is no list of services. */
const MAX_FILE = 64 * 1024

/** Without the `.service` that some write at its end. */
export function serviceName(name: string): string {
  return name.trim().replace(SUFFIX, '')
}

/** Names of services as the file lists them, one a line. */
export function readServiceList(text: string): string[] {
  const names = text.split('\n').map(serviceName)
  return [...new Set(names.filter(name => NAME.test(name)))]
}

export class AllowedServices {
  readonly #file: string
  readonly #log: Log
  #listed: readonly string[] = DEFAULT_SERVICES

  /** `file` is moonraker.asvc. */
  constructor(file: string, log: Log) {
    this.#file = file
    this.#log = log
  }

  /** Reads the file, or writes it if it does not exist. A file that cannot be used leaves the defaults. */
  async load(): Promise<void> {
    try {
      this.#listed = await this.#read()
    } catch (error) {
      this.#log.warning(`the allowed services in ${this.#file} cannot be read: ${messageOf(error)}`)
    }
  }

  async #read(): Promise<readonly string[]> {
    try {
      const found = await stat(this.#file)
      if (!found.isFile()) throw new Error('it is no file')
      if (found.size > MAX_FILE) throw new Error(`it is longer than ${MAX_FILE} bytes`)
      return readServiceList(await readFile(this.#file, 'utf8'))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      await mkdir(dirname(this.#file), { recursive: true })
      await writeFile(this.#file, `${DEFAULT_SERVICES.join('\n')}\n`, { flag: 'wx' })
      return DEFAULT_SERVICES
    }
  }

  includes(name: string): boolean {
    if (!NAME.test(name)) return false
    return this.#listed.includes(name) || PREFIXES.some(prefix => name.startsWith(prefix))
  }

  /** Shell-like patterns for the units of all allowed services; they may fit others too. */
  unitPatterns(): string[] {
    const listed = this.#listed.map(name => name.replaceAll('\\', '\\\\'))
    return [...listed, ...PREFIXES.map(prefix => `${prefix}*`)].map(name => `${name}.service`)
  }
}
