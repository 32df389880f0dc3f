// The machine's state Idle, Ready or Printing, and switching it off after a long idle time.

import type { SimTimer } from '../clock.ts'
import type { Section } from '../config/section.ts'
import { messageOf } from '../errors.ts'
import type { Host } from '../host.ts'
import type { Toolhead } from '../motion/toolhead.ts'
import type { Status } from '../objects.ts'

/** Seconds after the end of motion in which the machine still counts as printing. */
const PRINTING_TAIL = 1.5
const DEFAULT_GCODE = "\n{% if 'heaters' in printer %}\n   TURN_OFF_HEATERS\n{% endif %}\nM84\n"

/** The `idle_timeout` object. */
export class IdleTimeout {
  readonly #host: Host
  readonly #toolhead: Toolhead
  readonly #sdActive: () => boolean
  readonly #script: (template: string) => Promise<string>
  readonly #template: string
  #timeout: number
  #state: 'Idle' | 'Ready' | 'Printing' = 'Idle'
  #lastActive = 0
  #since = 0
  #check: SimTimer | undefined
  #idle: SimTimer | undefined

  /** `script` renders a G-code template; `sdActive` returns whether a file prints. */
  constructor(
    host: Host,
    section: Section,
    toolhead: Toolhead,
    sdActive: () => boolean,
    script: (template: string) => Promise<string>,
  ) {
    this.#host = host
    this.#toolhead = toolhead
    this.#sdActive = sdActive
    this.#script = script
    this.#timeout = section.number('timeout', 600, { above: 0 })
    this.#template = section.text('gcode', DEFAULT_GCODE)
    host.gcode.register(
      'SET_IDLE_TIMEOUT',
      command => {
        this.#timeout = command.number('TIMEOUT', this.#timeout, { above: 0 })
        host.gcode.respondInfo(`idle_timeout: Timeout set to ${this.#timeout.toFixed(2)} s`)
        if (this.#state === 'Ready') this.#rest()
      },
      'Set the idle timeout in seconds',
    )
    toolhead.onMove((_, end) => this.#moving(end))
  }

  status(): Status {
    return {
      state: this.#state,
      printing_time: this.#state === 'Printing' ? this.#host.clock.now - this.#since : 0,
      idle_timeout: this.#timeout,
    }
  }

  /** Motion was planned, which counts as printing. */
  #moving(end: number): void {
    this.#lastActive = Math.max(this.#lastActive, end)
    if (this.#state === 'Printing') return
    this.#state = 'Printing'
    this.#since = this.#host.clock.now
    this.#idle?.cancel()
    this.#watch()
  }

  // Printing ends when nothing moves and no command runs.
  #watch(): void {
    const { clock, gcode } = this.#host
    const wait = Math.max(this.#lastActive - this.#toolhead.now + PRINTING_TAIL, 0.5)
    this.#check = clock.at(clock.now + wait, () => {
      const stopped = this.#host.lifecycle.state === 'shutdown'
      if (
        !stopped &&
        (this.#sdActive() || gcode.busy || this.#toolhead.now < this.#lastActive + PRINTING_TAIL - 1e-6)
      ) {
        this.#watch()
      } else if (!stopped) this.#becomeReady()
    })
  }

  #becomeReady(): void {
    this.#state = 'Ready'
    this.#check?.cancel()
    this.#rest()
  }

  #rest(): void {
    const { clock } = this.#host
    this.#idle?.cancel()
    this.#idle = clock.at(clock.now + this.#timeout, () => void this.#becomeIdle())
  }

  async #becomeIdle(): Promise<void> {
    if (this.#state !== 'Ready' || !this.#host.lifecycle.ready) return
    if (this.#host.gcode.busy) return this.#rest()
    try {
      await this.#host.gcode.run(await this.#host.clock.hold(() => this.#script(this.#template)))
    } catch (error) {
      this.#host.log(`idle timeout gcode execution: ${messageOf(error)}`)
    }
    this.#state = 'Idle'
  }
}
