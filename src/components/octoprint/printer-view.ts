// The printer in OctoPrint's terms: a state text, flags, and temperatures by tool, bed and chamber.
import type { ResultOf } from '../../api/endpoint.ts'
import type { octoprintEndpoints, PrinterState } from '../../api/octoprint.ts'
import type { StatusChange } from '../../api/printer.ts'
import type { Core } from '../../component/component.ts'
import { messageOf } from '../../core/errors.ts'
import { isPrintActive } from '../../klippy/printer.ts'
import type { Infer } from '../../schema/index.ts'

type State = Infer<typeof PrinterState>
type Temperatures = NonNullable<ResultOf<(typeof octoprintEndpoints)['octoprint.printer']>['temperature']>

/** What OctoPrint's replies contain about a print. */
export interface Print {
  /** Below the gcodes root; '' for none. */
  readonly filename: string
  /** Klipper's word: standby, printing, paused, complete, cancelled, error. */
  readonly state: string
  /** Seconds of printing, without pauses. */
  readonly duration: number
  /** From 0 to 1. */
  readonly fraction: number
  /** Bytes of the file that Klipper has read. */
  readonly position: number
}

/** The command that a print is executing. */
export type Transition = 'Pausing' | 'Resuming' | 'Cancelling'

const PRINT_OBJECTS = {
  print_stats: ['filename', 'state', 'print_duration'],
  virtual_sdcard: ['progress', 'file_position'],
}
const HEATER_FIELDS = ['temperature', 'target']

export class PrinterView {
  readonly #core: Core
  /** OctoPrint's names of the heaters by Klipper's; known once Klippy is ready. */
  #heaters: ReadonlyMap<string, string> = new Map()
  #searching: Promise<void> = Promise.resolve()
  /** Set while a command of a client is carried out. */
  transition: Transition | null = null

  constructor(core: Core) {
    this.#core = core
  }

  /** To be called whenever Klippy is ready. */
  findHeaters(): void {
    // A client that is notified that Klippy is ready, and sends a request, waits for this.
    this.#searching = this.#find().catch(error => {
      this.#core.log.debug(`no temperatures: ${messageOf(error)}`)
    })
  }

  async #find(): Promise<void> {
    const { status } = await this.#core.printer.query({ heaters: ['available_heaters'] })
    this.#heaters = octoprintNames(status.heaters?.available_heaters)
  }

  /** To be called when Klippy has disconnected: the heaters are not known any more. */
  forget(): void {
    this.#heaters = new Map()
    this.transition = null
  }

  async print(): Promise<Print> {
    const { print_stats = {}, virtual_sdcard = {} } = await this.#status(PRINT_OBJECTS)
    return {
      filename: typeof print_stats.filename === 'string' ? print_stats.filename : '',
      state: typeof print_stats.state === 'string' ? print_stats.state : 'standby',
      duration: numberOf(print_stats.print_duration),
      fraction: numberOf(virtual_sdcard.progress),
      position: numberOf(virtual_sdcard.file_position),
    }
  }

  async state(): Promise<State> {
    const { state } = this.#core.printer.session
    if (state === 'disconnected' || state === 'startup') return stateOf('Offline')
    if (state !== 'ready') return stateOf('Error')
    const print = await this.print()
    if (!isPrintActive(print.state)) return stateOf('Operational')
    return stateOf(this.transition ?? (print.state === 'paused' ? 'Paused' : 'Printing'))
  }

  async temperatures(): Promise<Temperatures> {
    await this.#searching
    const request = Object.fromEntries([...this.#heaters.keys()].map(name => [name, HEATER_FIELDS]))
    const status = await this.#status(request)
    const entries = [...this.#heaters].flatMap(([heater, name]) => {
      const { temperature, target } = status[heater] ?? {}
      if (typeof temperature !== 'number') return []
      return [[name, { actual: hundredths(temperature), offset: 0, target: numberOf(target) }] as const]
    })
    return Object.fromEntries(entries)
  }

  /** OctoPrint's names of what can be heated, by Klipper's. */
  async heaters(): Promise<ReadonlyMap<string, string>> {
    await this.#searching
    return this.#heaters
  }

  async #status(request: Readonly<Record<string, string[]>>): Promise<StatusChange> {
    const { printer } = this.#core
    if (!['ready', 'shutdown'].includes(printer.session.state)) return {}
    await this.#searching
    const known = await Promise.resolve(printer.query(request)).catch(() => undefined)
    return known?.status ?? {}
  }
}

function octoprintNames(available: unknown): Map<string, string> {
  const names = Array.isArray(available) ? available.filter(name => typeof name === 'string') : []
  return new Map(
    names.flatMap(name => {
      const known = octoprintName(name)
      return known === undefined ? [] : [[name, known] as const]
    }),
  )
}

/** OctoPrint knows no other heaters. */
function octoprintName(heater: string): string | undefined {
  if (heater === 'heater_bed') return 'bed'
  if (/^heater_generic \S*chamber/i.test(heater)) return 'chamber'
  const tool = /^extruder(\d*)$/.exec(heater)
  return tool === null ? undefined : `tool${Number(tool[1])}`
}

function stateOf(text: State['text']): State {
  const away = text === 'Offline' || text === 'Error'
  const resting = text === 'Paused' || text === 'Operational'
  return {
    text,
    flags: {
      operational: !away,
      paused: text === 'Paused',
      printing: !away && !resting,
      cancelling: text === 'Cancelling',
      pausing: text === 'Pausing',
      resuming: text === 'Resuming',
      error: text === 'Error',
      ready: text === 'Operational',
      closedOrError: away,
      sdReady: false,
    },
  }
}

const numberOf = (value: unknown) => (typeof value === 'number' && Number.isFinite(value) ? value : 0)

const hundredths = (value: number) => Math.round(value * 100) / 100
