// Filament sensors: a switch or an encoder wheel that pauses the print when the filament runs out.

import type { Section } from '../config/section.ts'
import { messageOf } from '../errors.ts'
import type { Host } from '../host.ts'
import type { ScriptTemplate } from '../macros/script-template.ts'
import type { StatusSource } from '../objects.ts'

/** How a sensor acts on the print. */
export interface RunoutActions {
  /** Whether a file is being printed. */
  printing(): boolean
  /** Stops the file before the G-code of the pause runs. */
  sendPause(): Promise<void>
}

/** One `[filament_switch_sensor NAME]` or `[filament_motion_sensor NAME]`. */
export class FilamentSensor implements StatusSource {
  readonly #host: Host
  readonly #actions: RunoutActions
  readonly #runout: ScriptTemplate | undefined
  readonly #insert: ScriptTemplate | undefined
  readonly #pauses: boolean
  readonly #pauseDelay: number
  readonly #eventDelay: number
  #present = true
  #enabled = true
  #quietUntil = 0

  constructor(
    host: Host,
    section: Section,
    actions: RunoutActions,
    template: (option: string) => ScriptTemplate,
  ) {
    this.#host = host
    this.#actions = actions
    section.text('switch_pin')
    section.number('debounce_delay', 0, { min: 0 })
    this.#pauses = section.boolean('pause_on_runout', true)
    section.text('runout_gcode', '')
    this.#runout = this.#pauses || section.has('runout_gcode') ? template('runout_gcode') : undefined
    this.#insert = section.has('insert_gcode') ? template('insert_gcode') : undefined
    this.#pauseDelay = section.number('pause_delay', 0.5, { above: 0 })
    this.#eventDelay = section.number('event_delay', 3, { min: 0 })
    const { gcode } = host
    gcode.registerMux(
      'QUERY_FILAMENT_SENSOR',
      'SENSOR',
      section.title,
      () => {
        const found = this.#present ? 'detected' : 'not detected'
        gcode.respondInfo(`Filament Sensor ${section.title}: filament ${found}`)
      },
      'Query the status of the Filament Sensor',
    )
    gcode.registerMux(
      'SET_FILAMENT_SENSOR',
      'SENSOR',
      section.title,
      command => {
        this.#enabled = command.integer('ENABLE', 1) !== 0
      },
      'Sets the filament sensor on/off',
    )
  }

  /** Inserts or removes the filament. */
  setPresent(present: boolean): void {
    if (present === this.#present) return
    this.#present = present
    const { clock, lifecycle } = this.#host
    if (!lifecycle.ready || !this.#enabled || clock.now < this.#quietUntil) return
    const printing = this.#actions.printing()
    if (present && !printing && this.#insert !== undefined) void this.#run(this.#insert, '')
    if (!present && printing && this.#runout !== undefined) void this.#handleRunout(this.#runout)
  }

  status(): { filament_detected: boolean; enabled: boolean } {
    return { filament_detected: this.#present, enabled: this.#enabled }
  }

  async #handleRunout(template: ScriptTemplate): Promise<void> {
    const { clock, waitUntil } = this.#host
    this.#quietUntil = Number.POSITIVE_INFINITY
    if (this.#pauses) {
      await this.#actions.sendPause()
      await waitUntil(clock.now + this.#pauseDelay)
    }
    await this.#run(template, this.#pauses ? 'PAUSE\n' : '')
  }

  async #run(template: ScriptTemplate, prefix: string): Promise<void> {
    const { clock, gcode, log } = this.#host
    this.#quietUntil = Number.POSITIVE_INFINITY
    try {
      await gcode.run(prefix + (await template.render()))
    } catch (error) {
      log(`Script running error: ${messageOf(error)}`)
    }
    this.#quietUntil = clock.now + this.#eventDelay
  }
}
