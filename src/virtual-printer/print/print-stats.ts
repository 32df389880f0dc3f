// The `print_stats` object: state and durations of a print, in simulated seconds.

import type { GcodeCommand } from '../gcode/command.ts'
import type { Host } from '../host.ts'
import type { GcodeMove } from '../motion/gcode-move.ts'
import type { Status } from '../objects.ts'

/** States of a print. */
export type PrintState = 'standby' | 'printing' | 'paused' | 'complete' | 'cancelled' | 'error'

/** Durations, filament and state of the current or last print. */
export class PrintStats {
  readonly #host: Host
  readonly #gcodeMove: GcodeMove
  #state: PrintState = 'standby'
  #filename = ''
  #message = ''
  #startTime: number | undefined
  #pausedSince: number | undefined
  #paused = 0
  #untilExtrusion = 0
  #total = 0
  #filament = 0
  #info: { total_layer: number | null; current_layer: number | null } = {
    total_layer: null,
    current_layer: null,
  }

  constructor(host: Host, gcodeMove: GcodeMove) {
    this.#host = host
    this.#gcodeMove = gcodeMove
    host.gcode.register(
      'SET_PRINT_STATS_INFO',
      command => this.#setInfo(command),
      'Pass slicer info like layer act and total to klipper',
    )
  }

  get state(): PrintState {
    return this.#state
  }

  /** Selects the file to print. */
  setFile(filename: string): void {
    this.reset()
    this.#filename = filename
  }

  /** The print starts, or continues after a pause. */
  start(): void {
    const now = this.#host.clock.now
    this.#startTime ??= now
    if (this.#pausedSince !== undefined) this.#paused += now - this.#pausedSince
    this.#pausedSince = undefined
    this.#state = 'printing'
    this.#message = ''
    this.#gcodeMove.onExtrude = length => this.#extruded(length)
  }

  pause(): void {
    if (this.#pausedSince !== undefined) return
    this.#pausedSince = this.#host.clock.now
    this.#gcodeMove.onExtrude = undefined
    // The state of an error or a cancel stays.
    if (this.#state === 'printing') this.#state = 'paused'
  }

  /** The print has ended. */
  finish(state: 'complete' | 'cancelled' | 'error', message = ''): void {
    if (this.#startTime === undefined) return
    this.#update()
    this.#gcodeMove.onExtrude = undefined
    this.#state = state
    this.#message = message
    // As in Klipper, a pause in progress at the end counts as printing.
    this.#pausedSince = undefined
    this.#startTime = undefined
  }

  reset(): void {
    this.#gcodeMove.onExtrude = undefined
    this.#state = 'standby'
    this.#filename = ''
    this.#message = ''
    this.#startTime = undefined
    this.#pausedSince = undefined
    this.#paused = 0
    this.#untilExtrusion = 0
    this.#total = 0
    this.#filament = 0
    this.#info = { total_layer: null, current_layer: null }
  }

  /** The `print_stats` object. */
  status(): Status {
    this.#update()
    return {
      filename: this.#filename,
      total_duration: this.#total,
      print_duration: this.#total - this.#untilExtrusion - this.#pausedTime(),
      filament_used: this.#filament,
      state: this.#state,
      message: this.#message,
      info: this.#info,
    }
  }

  #extruded(length: number): void {
    if (this.#filament < 1e-7) this.#update()
    this.#filament += length
  }

  // The print duration starts with the first filament; heating and homing before it count in the total only.
  #update(): void {
    if (this.#startTime === undefined) return
    this.#total = this.#host.clock.now - this.#startTime
    if (this.#filament < 1e-7) this.#untilExtrusion = this.#total - this.#pausedTime()
  }

  #pausedTime(): number {
    const since = this.#pausedSince
    return this.#paused + (since === undefined ? 0 : this.#host.clock.now - since)
  }

  #setInfo(command: GcodeCommand): void {
    const total = command.has('TOTAL_LAYER')
      ? command.integer('TOTAL_LAYER', undefined, { min: 0 })
      : this.#info.total_layer
    const current = command.has('CURRENT_LAYER')
      ? command.integer('CURRENT_LAYER', undefined, { min: 0 })
      : this.#info.current_layer
    const bounded = current !== null && total !== null && total > 0 ? Math.min(current, total) : current
    this.#info =
      total === 0
        ? { total_layer: null, current_layer: null }
        : { total_layer: total, current_layer: bounded }
  }
}
