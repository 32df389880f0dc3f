// [power NAME] of type klipper_device: an output pin or a macro of Klipper.
import type { StatusChange } from '../../../api/printer.ts'
import type { Core } from '../../../component/component.ts'
import { sleep } from '../../../core/clock.ts'
import { ApiError, messageOf } from '../../../core/errors.ts'
import { Scope } from '../../../core/scope.ts'
import type { Follower } from '../../../klippy/subscriptions.ts'
import type { Deadline } from '../deadline.ts'
import type { DriverContext, PowerDriver, Wanted } from '../driver.ts'

/** The time for a request: the G-code waits for moves and macros that run. */
const TIMEOUT = 60
/** The time until the status has changed, after the G-code was executed. */
const SETTLE = 1

export const failure = (name: string) => `Error Toggling Device Power: ${name}`

export function open(context: DriverContext<'klipper_device'>): PowerDriver {
  const { section, common, options } = context
  const [kind, rest] = options.object_name.trim().split(/\s+/, 2)
  if (rest === undefined || (kind !== 'output_pin' && kind !== 'gcode_macro')) {
    throw section.error(
      `Klipper object must be either 'output_pin' or 'gcode_macro' for option 'object_name' in section [${section.section}]`,
      'object_name',
    )
  }
  for (const option of ['off_when_shutdown', 'restart_klipper_when_powered'] as const) {
    if (!common[option]) continue
    throw section.error(
      `the option "${option}" of section [${section.section}] cannot be used with the type klipper_device`,
      option,
    )
  }
  const command = kind === 'output_pin' ? `SET_PIN PIN=${rest}` : rest
  return new KlipperDevice(context, `${kind} ${rest}`, command)
}

class KlipperDevice implements PowerDriver, Follower {
  readonly timeoutSeconds = TIMEOUT
  readonly offAfterSeconds: number | undefined
  readonly #core: Core
  readonly #name: string
  readonly #report: (state: string) => void
  readonly #object: string
  readonly #command: string
  readonly #scope = new Scope()
  #changed: (() => void) | null = null

  constructor(
    { core, name, options, report }: DriverContext<'klipper_device'>,
    object: string,
    command: string,
  ) {
    this.offAfterSeconds = options.timer
    this.#core = core
    this.#name = name
    this.#report = report
    this.#object = object
    this.#command = command
  }

  start(): void {
    const { events, printer } = this.#core
    const scope = this.#scope
    scope.use(events.on('klippy:ready', () => this.#follow()))
    for (const event of ['klippy:shutdown', 'klippy:error'] as const) {
      scope.use(events.on(event, () => this.#report('error')))
    }
    scope.use(events.on('klippy:disconnected', () => this.#report('init')))
    scope.defer(() => printer.unsubscribe(this))
    if (printer.session.state === 'ready') this.#follow()
  }

  stop(): void {
    this.#scope.close()
  }

  facts() {
    return { is_shutdown: this.#core.printer.session.state === 'shutdown' }
  }

  async read(): Promise<string> {
    const { session } = this.#core.printer
    if (session.state === 'disconnected' || session.state === 'startup') return 'init'
    if (session.state !== 'ready') return 'error'
    const { status } = await this.#core.printer.query({ [this.#object]: ['value'] })
    const state = stateIn(status, this.#object)
    if (state !== null) return state
    throw new Error(`Klipper does not report the value of ${this.#object}; a macro needs variable_value`)
  }

  async write(to: Wanted, deadline: Deadline): Promise<string> {
    const { printer, clock } = this.#core
    if (printer.session.state === 'shutdown') {
      throw new ApiError(
        400,
        `Power Device ${this.#name}: Cannot set power for device when Klipper is shutdown`,
      )
    }
    try {
      await printer.runGcode(`${this.#command} VALUE=${to === 'on' ? 1 : 0}`)
    } catch (error) {
      // The text for the client is that of every device; the log has Klipper's own.
      throw new Error(messageOf(error), { cause: error })
    }
    const { promise: changed, resolve } = Promise.withResolvers<void>()
    this.#changed = resolve
    // A pin changes when the moves before the command are done.
    if ((await this.read()) !== to) await Promise.race([changed, sleep(clock, SETTLE, deadline.signal)])
    const state = await this.read()
    if (state === to) return state
    throw new Error(`${this.#object} is ${state} after the command`)
  }

  statusChanged(change: StatusChange): void {
    const state = stateIn(change, this.#object)
    if (state === null) return
    this.#changed?.()
    this.#report(state)
  }

  #follow(): void {
    const { log, printer } = this.#core
    printer.subscribe(this, { [this.#object]: ['value'] }).then(
      ({ status }) => this.#report(stateIn(status, this.#object) ?? 'error'),
      (error: unknown) => log.warning(`${this.#name} cannot be followed: ${messageOf(error)}`),
    )
  }
}

/** Null where the status does not contain the value. */
function stateIn(status: StatusChange, object: string): Wanted | null {
  const value = status[object]?.value
  if (typeof value !== 'number' && typeof value !== 'boolean') return null
  return Number(value) === 0 ? 'off' : 'on'
}
