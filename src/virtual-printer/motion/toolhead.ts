// The toolhead: plans moves ahead of time as Klipper does, and computes the position of the machine.

import { Lookahead } from '../../motion/lookahead.ts'
import { type MotionLimits, Move } from '../../motion/move.ts'
import { LEAD } from '../../motion/timing.ts'
import { GcodeError } from '../errors.ts'
import type { Host } from '../host.ts'
import type { Status } from '../objects.ts'
import { AXES, type Kinematics } from './kinematics.ts'
import { Timeline } from './timeline.ts'

/** Seconds of planned motion beyond which commands wait. */
const BUFFER = 1

/** The extruder that feeds the filament of moves. */
export interface FilamentAxis {
  readonly name: string
  readonly cornerVelocity: number
  /** Limits a move with filament. Throws GcodeError for a move that Klipper rejects. */
  check(move: Move): void
}

/** Moves of the machine in print time, which is simulated time since the micro-controller started. */
export class Toolhead {
  readonly kinematics: Kinematics
  readonly timeline = new Timeline()
  readonly limits: MotionLimits
  readonly #host: Host
  readonly #lookahead: Lookahead
  readonly #zeroTime: number
  #position = new Float64Array(4)
  #printTime = 0
  #homed = ''
  #extruder: FilamentAxis | undefined
  #flushing = false
  #stalls = 0
  readonly #onMove = new Set<(from: number, to: number) => void>()

  constructor(host: Host, kinematics: Kinematics) {
    this.#host = host
    this.kinematics = kinematics
    // The micro-controller starts shortly before the host connects to it.
    this.#zeroTime = host.clock.now - 0.5
    const printer = host.config.section('printer')
    this.limits = {
      maxVelocity: printer.number('max_velocity', undefined, { above: 0 }),
      maxAccel: printer.number('max_accel', undefined, { above: 0 }),
      minimumCruiseRatio: printer.number('minimum_cruise_ratio', 0.5, { min: 0, below: 1 }),
      squareCornerVelocity: printer.number('square_corner_velocity', 5, { min: 0 }),
    }
    this.#lookahead = new Lookahead(moves => this.#execute(moves))
    host.lifecycle.onShutdown(() => this.#halt())
  }

  /** The current print time. */
  get now(): number {
    return this.#host.clock.now - this.#zeroTime
  }

  /** Commanded position: x, y, z, e. */
  get position(): Float64Array {
    return Float64Array.from(this.#position)
  }

  get homed(): string {
    return this.#homed
  }

  /** End of all planned motion; plans the queued moves first. */
  get lastMoveTime(): number {
    this.#lookahead.flush()
    this.#prime()
    return this.#printTime
  }

  /** Calls `listener` with the start and end of newly planned motion, in print time. */
  onMove(listener: (from: number, to: number) => void): void {
    this.#onMove.add(listener)
  }

  useExtruder(extruder: FilamentAxis): void {
    this.#lookahead.flush()
    this.#extruder = extruder
    this.#lookahead.extruderCorner = extruder.cornerVelocity
  }

  get extruder(): FilamentAxis | undefined {
    return this.#extruder
  }

  /**
   * Moves to a position at a speed in mm/s. Throws GcodeError for a move that the machine rejects.
   * A promise means that enough motion is planned: the caller awaits it before its next move.
   */
  move(end: Float64Array, speed: number): void | Promise<void> {
    const move = new Move(this.#position, end, speed, this.limits)
    if (move.length === 0) return undefined
    if (move.kinematic) this.kinematics.check(move, this.#homed)
    if (move.de !== 0) this.#checkExtruder(move)
    this.#position.set(end)
    this.#lookahead.add(move)
    this.#scheduleFlush()
    return this.#waitForRoom()
  }

  /** Moves without checks, as homing and manual moves do; resolves at the end of the move. */
  async forceMove(end: Float64Array, speed: number): Promise<void> {
    const move = new Move(this.#position, end, speed, this.limits)
    if (move.length === 0) return
    this.#position.set(end)
    this.#lookahead.add(move)
    await this.settle()
  }

  /** Pauses all motion for some seconds. */
  dwell(seconds: number): void | Promise<void> {
    this.#lookahead.flush()
    this.#prime()
    this.#printTime += seconds
    return this.#waitForRoom()
  }

  /** Resolves when all motion has ended. */
  async settle(): Promise<void> {
    this.#lookahead.flush()
    // The conversion between simulated time and print time may lose the last digit.
    while (this.#printTime > this.now + 1e-9 && this.#host.lifecycle.state !== 'shutdown') {
      await this.#host.waitUntil(this.#printTime + this.#zeroTime)
    }
  }

  /** Sets the position of the machine without a move; `homing` axes count as homed from then on. */
  setPosition(position: Float64Array, homing = ''): void {
    this.#lookahead.flush()
    this.#position.set(position)
    this.#homed = AXES.filter(axis => this.#homed.includes(axis) || homing.includes(axis)).join('')
    this.#settled = { time: this.#printTime, position: this.position }
  }

  /** Marks axes as not homed. */
  unhome(axes = 'xyz'): void {
    this.#homed = AXES.filter(axis => this.#homed.includes(axis) && !axes.includes(axis)).join('')
  }

  /** Plans the queued moves and counts as busy for a moment, as while a command waits for a temperature. */
  keepAwake(): void {
    this.#lookahead.flush()
    const start = this.#printTime
    this.#prime()
    for (const listener of this.#onMove) listener(start, this.#printTime)
  }

  /** Plans the queued moves without waiting for more. */
  flush(): void {
    this.#lookahead.flush()
  }

  /** The true position now, the speed and the extruder's speed in mm/s. */
  live(): { position: number[]; velocity: number; extruderVelocity: number } {
    const now = this.now
    const move = this.timeline.at(now)
    const still = this.#settled
    if (
      move === undefined ||
      (still !== undefined && still.time >= move.endTime - 1e-9 && now >= still.time)
    ) {
      return { position: [...(still?.position ?? this.#position)], velocity: 0, extruderVelocity: 0 }
    }
    const share = move.distanceAt(now) / move.length
    const speed = now >= move.endTime ? 0 : move.speedAt(now)
    return {
      position: [
        move.startX + move.dx * share,
        move.startY + move.dy * share,
        move.startZ + move.dz * share,
        move.startE + move.de * share,
      ],
      velocity: move.kinematic ? speed : 0,
      extruderVelocity: (speed * move.de) / move.length,
    }
  }

  /** The `toolhead` object. */
  status(): Status {
    return {
      homed_axes: this.#homed,
      axis_minimum: this.kinematics.axisMinimum,
      axis_maximum: this.kinematics.axisMaximum,
      print_time: this.#printTime,
      stalls: this.#stalls,
      estimated_print_time: this.now,
      extruder: this.#extruder?.name ?? '',
      position: [...this.#position],
      max_velocity: this.limits.maxVelocity,
      max_accel: this.limits.maxAccel,
      minimum_cruise_ratio: this.limits.minimumCruiseRatio,
      square_corner_velocity: this.limits.squareCornerVelocity,
      extra_axes: this.#extruder === undefined ? {} : { [this.#extruder.name]: 3 },
    }
  }

  // After setPosition the planned moves do not determine the position any more.
  #settled: { time: number; position: Float64Array } | undefined

  #checkExtruder(move: Move): void {
    if (this.#extruder === undefined) throw new GcodeError('Extruder not configured')
    this.#extruder.check(move)
  }

  #prime(): void {
    const earliest = this.now + LEAD
    if (this.#printTime < earliest) this.#printTime = earliest
  }

  #execute(moves: Move[]): void {
    this.#prime()
    const start = this.#printTime
    for (const move of moves) {
      move.startTime = this.#printTime
      this.#printTime += move.duration
    }
    this.timeline.prune(this.now)
    this.timeline.add(moves)
    for (const listener of this.#onMove) listener(start, this.#printTime)
  }

  #waitForRoom(): void | Promise<void> {
    const ahead = this.#printTime - this.now
    if (ahead <= BUFFER || this.#host.lifecycle.state === 'shutdown') return undefined
    return this.#host.waitUntil(this.#printTime - BUFFER + this.#zeroTime)
  }

  // Without new moves, the queued ones are planned before the planned motion ends.
  #scheduleFlush(): void {
    if (this.#flushing || this.#lookahead.empty) return
    this.#flushing = true
    const due = Math.max(this.now, this.#printTime - LEAD) + 0.1
    this.#host.clock.at(due + this.#zeroTime, () => {
      this.#flushing = false
      if (this.#printTime - this.now > LEAD + 1e-6) this.#scheduleFlush()
      else this.#lookahead.flush()
    })
  }

  #halt(): void {
    const { position } = this.live()
    this.#lookahead.clear()
    this.timeline.clear()
    this.#printTime = Math.min(this.#printTime, this.now)
    this.#position = Float64Array.from(position)
    this.#settled = { time: this.#printTime, position: this.position }
  }
}
