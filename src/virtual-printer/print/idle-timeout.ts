// Idle, Ready or Printing: what the machine is at, and switching it off after a long rest.

import type { SimTimer } from '../clock.ts'
import type { Section } from '../config/section.ts'
import { messageOf } from '../errors.ts'
import type { Host } from '../host.ts'
import type { Toolhead } from '../motion/toolhead.ts'
import type { Status } from '../objects.ts'

/** After the end of motion, the machine counts as printing for this long. */
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

  /** `script` renders a G-code template; `sdActive` tells whether a file is being printed. */
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

  /** Something was commanded that counts as printing, such as the start of a file. */
  #moving(end: number): void {
    this.#lastActive = Math.max(this.#lastActive, end)
    if (this.#state === 'Printing') return
    this.#state = 'Printing'
    this.#since = this.#host.clock.now
    this.#idle?.cancel()
    this.#watch()
  }

  // Printing ends when nothing moves and no command is being carried out any more.
  #watch(): void {
    const { clock, gcode } = this.#host
    const wait = Math.max(this.#lastActive - this.#toolhead.now + PRINTING_TAIL, 0.5)
    this.#check = clock.at(clock.now + wait, () => {
      const stopped = this.#host.life.state === 'shutdown'
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
    if (this.#state !== 'Ready' || !this.#host.life.ready) return
    if (this.#host.gcode.busy) return this.#rest()
    try {
      await this.#host.gcode.run(await this.#host.clock.hold(() => this.#script(this.#template)))
    } catch (error) {
      this.#host.log(`idle timeout gcode execution: ${messageOf(error)}`)
    }
    this.#state = 'Idle'
  }
}
