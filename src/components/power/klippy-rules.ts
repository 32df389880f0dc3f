// What links a power device and Klippy: off_when_shutdown and restart_klipper_when_powered.
import type { Core } from '../../component/component.ts'
import type { Timer } from '../../core/clock.ts'
import { messageOf } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import type { PowerDevice } from './device.ts'
import type { DeviceOptions } from './options.ts'

/** Switches `device` off after a shutdown of Klippy. */
export function switchOffAtShutdown(core: Core, scope: Scope, device: PowerDevice, delay: number): void {
  const { clock, events, log, printer } = core
  let timer: Timer | null = null
  const cancel = () => timer?.stop()
  const switchOff = () => {
    if (printer.session.state !== 'shutdown') return
    device.request('off').catch((error: unknown) => {
      log.warning(`${device.name} is still on after the shutdown of Klippy: ${messageOf(error)}`)
    })
  }
  scope.use(
    events.on('klippy:shutdown', () => {
      cancel()
      timer = clock.after(delay, switchOff)
    }),
  )
  scope.use(events.on('klippy:ready', cancel))
  scope.defer(cancel)
}

/** Restarts Klippy when a device was switched on that powers the printer. */
export class KlippyRestart {
  readonly #core: Core
  readonly #delay: number
  #timer: Timer | null = null
  /** Klippy is not connected or starts: its state is not known yet. */
  #isPending = false

  constructor(core: Core, scope: Scope, { restart_delay }: Pick<DeviceOptions, 'restart_delay'>) {
    this.#core = core
    this.#delay = restart_delay
    const { events } = core
    scope.use(events.on('klippy:ready', () => this.cancel()))
    scope.use(events.on('klippy:error', () => this.#started()))
    scope.use(events.on('klippy:shutdown', () => this.#started()))
    scope.defer(() => this.cancel())
  }

  /** The device was switched on. */
  poweredOn(): void {
    const { state } = this.#core.printer.session
    this.cancel()
    if (state === 'error' || state === 'shutdown') this.#plan()
    else this.#isPending = state !== 'ready'
  }

  /** The device was switched off, or a restart is not needed any more. */
  cancel(): void {
    this.#timer?.stop()
    this.#isPending = false
  }

  #started(): void {
    if (this.#isPending) this.#plan()
    this.#isPending = false
  }

  #plan(): void {
    const { clock, log } = this.#core
    this.#timer = clock.after(this.#delay, () => {
      this.#restart().catch((error: unknown) => log.warning(`Klippy was not restarted: ${messageOf(error)}`))
    })
  }

  async #restart(): Promise<void> {
    const { printer } = this.#core
    const { state } = printer.session
    if (state === 'error' || state === 'shutdown') await printer.call('gcode/firmware_restart')
  }
}
