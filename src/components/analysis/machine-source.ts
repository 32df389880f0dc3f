// The machine that files are analysed for: read from Klipper whenever it becomes ready, and remembered while it is away.
import { createHash } from 'node:crypto'
import type { Core } from '../../component/component.ts'
import { messageOf } from '../../core/errors.ts'
import { KlippyDisconnected } from '../../klippy/link.ts'
import { isPlainObject } from '../../schema/index.ts'
import { type Machine, readMachine, usualMachine } from './estimator/machine.ts'
import type { AnalysisOptions } from './record.ts'

/** Where the machine is remembered. */
const NAMESPACE = 'moonraker'
const KEY = ['analysis', 'machine'] as const
/** The form of the remembered value, and of what analyses contain, with the default machine: a new one makes all outdated. */
const VERSION = 2

/** The settings of Klipper's configuration, by section. */
export type Settings = Readonly<Record<string, unknown>>

export class MachineSource {
  readonly #core: Core
  readonly #onChange: () => void
  #options: AnalysisOptions

  /** `onChange` is called when the machine has become another one. */
  constructor(core: Core, onChange: () => void) {
    this.#core = core
    this.#onChange = onChange
    this.#options = this.#remembered() ?? optionsOf('default', usualMachine(), null)
  }

  /** What the processor receives. */
  get options(): AnalysisOptions {
    return this.#options
  }

  /** The machine of Klipper's configuration; undefined while it is not known. */
  get known(): Machine | undefined {
    const { facts, machine } = this.#options
    return facts.source === 'klipper' ? machine : undefined
  }

  /** Reads the machine from Klipper. Without an answer the one before stays. */
  async read(): Promise<void> {
    const { log, storage } = this.#core
    try {
      const machine = readMachine(await this.settings())
      if (machine === undefined) return
      const options = optionsOf('klipper', machine, await this.#commands())
      if (options.facts.id === this.#options.facts.id) return
      this.#options = options
      this.#onChange()
      await storage.namespaces.post(NAMESPACE, KEY, { version: VERSION, options })
    } catch (error) {
      // It reads them again when it is back.
      if (error instanceof KlippyDisconnected) return
      log.warning(`Klipper's limits cannot be read, print times stay those of before: ${messageOf(error)}`)
    }
  }

  /** Klipper's settings; empty where it has none. Rejects as the printer's calls do. */
  async settings(): Promise<Settings> {
    const { status } = await this.#core.printer.query({ configfile: ['settings'] })
    const settings = status.configfile?.settings
    return isPlainObject(settings) ? settings : {}
  }

  /** The names of all commands; null from a Klipper that does not list them. */
  async #commands(): Promise<string[] | null> {
    const { status } = await this.#core.printer.query({ gcode: ['commands'] })
    const commands = status.gcode?.commands
    return isPlainObject(commands) ? Object.keys(commands).sort() : null
  }

  #remembered(): AnalysisOptions | undefined {
    const stored = this.#core.storage.namespaces.find(NAMESPACE, KEY)
    if (!isPlainObject(stored) || stored.version !== VERSION) return undefined
    return stored.options as AnalysisOptions
  }
}

function optionsOf(
  source: 'klipper' | 'default',
  machine: AnalysisOptions['machine'],
  commands: readonly string[] | null,
): AnalysisOptions {
  const { maxVelocity, maxAccel } = machine.limits
  const facts = {
    // No hash of the default machine: no start has to load node:crypto for it.
    id: source === 'default' ? `default-${VERSION}` : idOf([machine, commands]),
    source,
    kinematics: machine.kinematics,
    max_velocity: maxVelocity,
    max_accel: maxAccel,
  }
  return { machine, facts, commands }
}

function idOf(facts: readonly unknown[]): string {
  const text = JSON.stringify([VERSION, ...facts])
  return createHash('sha256').update(text).digest('hex').slice(0, 12)
}
