// PAUSE, RESUME, CANCEL_PRINT and their API endpoints.

import type { Section } from '../config/section.ts'
import type { Host } from '../host.ts'
import type { GcodeMove } from '../motion/gcode-move.ts'
import type { Status } from '../objects.ts'
import type { VirtualSdcard } from './virtual-sdcard.ts'

/** The `pause_resume` object. */
export class PauseResume {
  readonly #host: Host
  readonly #gcodeMove: GcodeMove
  readonly #sdcard: VirtualSdcard | undefined
  readonly #recoverVelocity: number
  #paused = false
  #sdPaused = false
  #commandSent = false

  constructor(host: Host, section: Section, gcodeMove: GcodeMove, sdcard: VirtualSdcard | undefined) {
    this.#host = host
    this.#gcodeMove = gcodeMove
    this.#sdcard = sdcard
    this.#recoverVelocity = section.number('recover_velocity', 50)
    const { gcode, endpoints } = host
    gcode.register('PAUSE', () => this.#pause(), 'Pauses the current print')
    gcode.register(
      'RESUME',
      command => this.#resume(command.number('VELOCITY', this.#recoverVelocity)),
      'Resumes the print from a pause',
    )
    gcode.register(
      'CLEAR_PAUSE',
      () => {
        this.#paused = false
        this.#commandSent = false
      },
      'Clears the current paused state without resuming the print',
    )
    gcode.register('CANCEL_PRINT', () => this.#cancel(), 'Cancel the current print')
    for (const [name, script] of Object.entries({
      cancel: 'CANCEL_PRINT',
      pause: 'PAUSE',
      resume: 'RESUME',
    })) {
      endpoints.add(`pause_resume/${name}`, async () => {
        await gcode.run(script)
        return {}
      })
    }
  }

  /** Stops reading the file at once, before a queued PAUSE command runs; used at filament runout. */
  async sendPause(): Promise<void> {
    if (this.#commandSent) return
    this.#commandSent = true
    this.#sdPaused = this.#sdcard?.active === true
    if (this.#sdPaused) await this.#sdcard?.pause()
    else this.#host.gcode.respondInfo('action:paused')
  }

  status(): Status {
    return { is_paused: this.#paused }
  }

  async #pause(): Promise<void> {
    if (this.#paused) {
      this.#host.gcode.respondInfo('Print already paused')
      return
    }
    await this.sendPause()
    this.#gcodeMove.saveState('PAUSE_STATE')
    this.#paused = true
  }

  async #resume(velocity: number): Promise<void> {
    if (!this.#paused) {
      this.#host.gcode.respondInfo('Print is not paused, resume aborted')
      return
    }
    await this.#gcodeMove.restoreState('PAUSE_STATE', velocity)
    this.#paused = false
    this.#commandSent = false
    if (this.#sdPaused) {
      this.#sdPaused = false
      this.#sdcard?.resume()
    } else this.#host.gcode.respondInfo('action:resumed')
  }

  async #cancel(): Promise<void> {
    const fileInvolved = this.#sdcard !== undefined && (this.#sdcard.active || this.#sdPaused)
    if (fileInvolved || this.#sdcard?.hasFile === true) await this.#sdcard?.cancel()
    else this.#host.gcode.respondInfo('action:cancel')
    this.#paused = false
    this.#sdPaused = false
    this.#commandSent = false
  }
}
