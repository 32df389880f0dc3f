// The `motion_report` object and the streams of planned motion that clients can order.

import type { Connection } from '../api/connection.ts'
import { type ApiRequest, recordOf, textOf } from '../api/endpoints.ts'
import { WebRequestError } from '../errors.ts'
import type { Host } from '../host.ts'
import type { StatusSource } from '../objects.ts'
import type { Move } from './move.ts'
import type { Toolhead } from './toolhead.ts'

/** How often (ms) a stream sends what was planned meanwhile. */
const STREAM_INTERVAL = 400

/** Makes the object and registers its endpoints; `steppers` and `queues` are names. */
export function motionReport(
  host: Host,
  toolhead: Toolhead,
  steppers: string[],
  queues: string[],
): StatusSource {
  const { endpoints, life } = host
  endpoints.add('motion_report/dump_stepper', request => {
    const name = known(request, steppers)
    stream(request, host, toolhead, move => stepperRow(name, move))
    return { header: ['interval', 'count', 'add'] }
  })
  life.onReady(() =>
    endpoints.add('motion_report/dump_trapq', request => {
      const name = known(request, queues)
      stream(request, host, toolhead, move => trapezoidRows(name, move))
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

function stream(request: ApiRequest, host: Host, toolhead: Toolhead, rows: (move: Move) => unknown[]): void {
  const template = recordOf(request, 'response_template', {})
  const { connection } = request
  let from = toolhead.now
  const timer = setInterval(() => {
    const to = toolhead.now
    const data = toolhead.timeline.between(from, to).flatMap(rows)
    from = to
    if (data.length > 0) connection.send({ ...template, params: { data } })
  }, STREAM_INTERVAL)
  const stop = () => clearInterval(timer)
  onceGone(connection, host, stop)
}

function onceGone(connection: Connection, host: Host, stop: () => void): void {
  connection.onClose(stop)
  host.life.onEnd(stop)
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

// Steps at 100 per mm: interval in clock ticks, count, change per step.
function stepperRow(stepper: string, move: Move): unknown[] {
  const axis = stepper.replace('stepper_', '')[0]
  const distance = axis === 'x' ? move.dx : axis === 'y' ? move.dy : axis === 'z' ? move.dz : move.de
  const count = Math.round(Math.abs(distance) * 100)
  if (count === 0) return []
  return [[Math.round((move.duration * 50_000_000) / count), Math.sign(distance) * count, 0]]
}
