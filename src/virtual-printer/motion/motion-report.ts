// The `motion_report` object and the streams of planned motion that clients can request.

import type { Move } from '../../motion/move.ts'
import { type ApiRequest, recordOf, textOf } from '../api/endpoints.ts'
import { WebRequestError } from '../errors.ts'
import type { Host } from '../host.ts'
import type { StatusSource } from '../objects.ts'
import type { Toolhead } from './toolhead.ts'

/** Milliseconds between two messages of a stream. */
const STREAM_INTERVAL = 400
const STEPS_PER_MM = 100
/** Ticks of the micro-controller's clock per second. */
const CLOCK = 50_000_000

/** Creates the object and registers its endpoints; `steppers` and `queues` are names. */
export function motionReport(
  host: Host,
  toolhead: Toolhead,
  steppers: string[],
  queues: string[],
): StatusSource {
  const { endpoints, lifecycle } = host
  endpoints.add('motion_report/dump_stepper', request => {
    const name = known(request, steppers)
    stream(request, host, toolhead, moves => stepperData(name, moves))
    return { header: ['interval', 'count', 'add'] }
  })
  lifecycle.onReady(() =>
    endpoints.add('motion_report/dump_trapq', request => {
      const name = known(request, queues)
      stream(request, host, toolhead, moves => trapezoidData(name, moves))
      return {
        header: ['time', 'duration', 'start_velocity', 'acceleration', 'start_position', 'direction'],
      }
    }),
  )
  const sortedSteppers = [...steppers].sort()
  const sortedQueues = [...queues].sort()
  return {
    status() {
      const live = toolhead.live()
      return {
        live_position: live.position,
        live_velocity: live.velocity,
        live_extruder_velocity: live.extruderVelocity,
        steppers: sortedSteppers,
        trapq: sortedQueues,
      }
    },
  }
}

function known(request: ApiRequest, names: string[]): string {
  const name = textOf(request, 'name')
  if (names.includes(name)) return name
  const options = names.map(option => `'${option}'`).join(', ')
  throw new WebRequestError(`The value '${name}' is not valid for name. Options: ${options}`)
}

/** Returns the `params` of a stream's message; undefined for moves without data for it. */
type StreamData = (moves: Move[]) => Record<string, unknown> | undefined

function stream(request: ApiRequest, host: Host, toolhead: Toolhead, dataOf: StreamData): void {
  const template = recordOf(request, 'response_template', {})
  const { connection } = request
  let from = toolhead.now
  const timer = setInterval(() => {
    const to = toolhead.now
    const params = dataOf(toolhead.timeline.between(from, to))
    from = to
    if (params !== undefined) connection.send({ ...template, params })
  }, STREAM_INTERVAL)
  const stop = () => clearInterval(timer)
  connection.onClose(stop)
  host.lifecycle.onEnd(stop)
}

function trapezoidData(queue: string, moves: Move[]): Record<string, unknown> | undefined {
  const data = moves.flatMap(move => trapezoidRows(queue, move))
  return data.length === 0 ? undefined : { data }
}

// The phases of a move: acceleration, cruise, deceleration.
function trapezoidRows(queue: string, move: Move): unknown[] {
  const filament = queue !== 'toolhead'
  const scale = filament ? move.de / move.length : 1
  if (filament ? move.de === 0 : !move.kinematic) return []
  const at = (time: number) => {
    const share = move.distanceAt(time) / move.length
    if (filament) return [move.startE + move.de * share, 0, 0]
    return [move.startX + move.dx * share, move.startY + move.dy * share, move.startZ + move.dz * share]
  }
  const direction = filament
    ? [1, 0, 0]
    : [move.dx / move.length, move.dy / move.length, move.dz / move.length]
  const start = move.startTime
  const phases = [
    { time: start, duration: move.accelTime, velocity: Math.sqrt(move.startV2), accel: move.accel },
    { time: start + move.accelTime, duration: move.cruiseTime, velocity: Math.sqrt(move.cruiseV2), accel: 0 },
    {
      time: start + move.accelTime + move.cruiseTime,
      duration: move.decelTime,
      velocity: Math.sqrt(move.cruiseV2),
      accel: -move.accel,
    },
  ]
  return phases
    .filter(phase => phase.duration > 0)
    .map(({ time, duration, velocity, accel }) => [
      time,
      duration,
      velocity * scale,
      accel * scale,
      at(time),
      direction,
    ])
}

function stepperData(stepper: string, moves: Move[]): Record<string, unknown> | undefined {
  const axis = stepper.replace('stepper_', '')[0] ?? ''
  const stepping = moves.filter(move => stepsOf(axis, move) !== 0)
  const first = stepping[0]
  const last = stepping.at(-1)
  if (first === undefined || last === undefined) return undefined
  const data = stepping.map(move => {
    const steps = stepsOf(axis, move)
    return [Math.round((move.duration * CLOCK) / Math.abs(steps)), steps, 0]
  })
  const start = { x: first.startX, y: first.startY, z: first.startZ }[axis] ?? first.startE
  return {
    data,
    start_position: start,
    start_mcu_position: Math.round(start * STEPS_PER_MM),
    step_distance: 1 / STEPS_PER_MM,
    first_clock: Math.round(first.startTime * CLOCK),
    first_step_time: first.startTime,
    last_clock: Math.round(last.endTime * CLOCK),
    last_step_time: last.endTime,
  }
}

// Towers and other steppers without an axis move by the whole length.
function stepsOf(axis: string, move: Move): number {
  const distance =
    { x: move.dx, y: move.dy, z: move.dz, e: move.de }[axis] ?? (move.kinematic ? move.length : 0)
  return Math.round(distance * STEPS_PER_MM)
}
