// Restarts services after updates.

import type { Core } from '../../component/component.ts'
import { sleep } from '../../core/clock.ts'
import type { MachineServices } from '../machine/service.ts'

/** Seconds that Klippy has to connect again. */
const KLIPPY_SECONDS = 120

export class ServiceRestarts {
  readonly #core: Core
  readonly #machine: MachineServices

  constructor(core: Core, machine: MachineServices) {
    this.#core = core
    this.#machine = machine
  }

  /** Whether this machine has no service manager that the server could use. */
  async isImpossible(): Promise<boolean> {
    return (await this.#machine.info()).provider === 'none'
  }

  /** Restarts a service other than this server. Rejects with ApiError. */
  async restart(service: string): Promise<void> {
    const unit = service === 'klipper' ? (this.#machine.klipperUnit ?? service) : service
    await this.#machine.act('restart', unit)
  }

  /** Restarts this server when the requests in progress have their replies. */
  restartServer(): void {
    this.#machine.restartOwn()
  }

  /** Watches for Klippy's next connection from now on. */
  watchKlippy(): KlippyWatch {
    const { events, clock } = this.#core
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const listener = events.on('klippy:identified', () => resolve(true))
    return {
      stop: () => listener.remove(),
      connects: async signal => {
        const waited = new AbortController()
        const late = sleep(clock, KLIPPY_SECONDS, AbortSignal.any([signal, waited.signal])).then(() => false)
        try {
          return await Promise.race([promise, late])
        } finally {
          waited.abort()
          late.catch(() => undefined)
        }
      },
    }
  }
}

/** Watches for a connection of Klippy. */
export interface KlippyWatch {
  /** Resolves with whether it has connected since, or does so within two minutes. */
  connects(signal: AbortSignal): Promise<boolean>
  stop(): void
}
