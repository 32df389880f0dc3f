// The services of one run of Klippy, which every module of the virtual printer gets.

import type { Endpoints } from './api/endpoints.ts'
import type { SimClock } from './clock.ts'
import type { Config } from './config/config.ts'
import type { Gcode } from './gcode/gcode.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { Objects } from './objects.ts'

/** The services of one run of Klippy, from a start to the next restart. */
export interface Host {
  readonly lifecycle: Lifecycle
  readonly clock: SimClock
  readonly config: Config
  readonly gcode: Gcode
  readonly objects: Objects
  readonly endpoints: Endpoints
  /** Resolves at a simulated time, or earlier when the printer shuts down. */
  readonly waitUntil: (time: number) => Promise<void>
  /** Ends this run and starts a new one, after the current work. */
  readonly restart: (kind: 'restart' | 'firmware_restart') => void
  /** Calls a method that API clients registered. Throws GcodeError when no client did. */
  readonly callRemote: (method: string, params: Record<string, unknown>) => void
  /** Writes a line to klippy.log. */
  readonly log: (line: string) => void
}

/** The waits of all modules. They end early at a shutdown; the callers check the state. */
export class Waits {
  readonly #clock: SimClock
  readonly #pending = new Set<() => void>()

  constructor(clock: SimClock, lifecycle: Lifecycle) {
    this.#clock = clock
    lifecycle.onShutdown(() => {
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
