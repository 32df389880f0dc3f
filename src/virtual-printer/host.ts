// What every module of the virtual printer is given: the services of one Klippy life.

import type { Endpoints } from './api/endpoints.ts'
import type { SimClock } from './clock.ts'
import type { Config } from './config/config.ts'
import type { Gcode } from './gcode/gcode.ts'
import type { Life } from './life.ts'
import type { Objects } from './objects.ts'

/** The services of one life of the printer, from start or restart to the next restart. */
export interface Host {
  readonly life: Life
  readonly clock: SimClock
  readonly config: Config
  readonly gcode: Gcode
  readonly objects: Objects
  readonly endpoints: Endpoints
  /** Resolves at a simulated time, or earlier when the printer shuts down. */
  readonly waitUntil: (time: number) => Promise<void>
  /** Ends this life and begins a new one, after the current work. */
  readonly restart: (kind: 'restart' | 'firmware_restart') => void
  /** Calls a method that API clients registered; throws GcodeError when nobody did. */
  readonly callRemote: (method: string, params: Record<string, unknown>) => void
  /** Writes a line to klippy.log. */
  readonly log: (line: string) => void
}

/** Cuts a promise race short at shutdown: waits of all modules end then, and their owners look at the state. */
export class Waits {
  readonly #clock: SimClock
  readonly #pending = new Set<() => void>()

  constructor(clock: SimClock, life: Life) {
    this.#clock = clock
    life.onShutdown(() => {
      for (const end of this.#pending) end()
    })
  }

  until(time: number): Promise<void> {
    return new Promise(resolve => {
      const end = () => {
        this.#pending.delete(end)
        timer.cancel()
        resolve()
      }
      const timer = this.#clock.at(time, end)
      this.#pending.add(end)
    })
  }
}
