// The planner: durations from look-ahead, corners, minimum_cruise_ratio; and the parts that G-code shares: words, arcs.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Lookahead } from '../../src/motion/lookahead.ts'
import { type MotionLimits, Move } from '../../src/motion/move.ts'

const LIMITS: MotionLimits = {
  maxVelocity: 300,
  maxAccel: 3000,
  minimumCruiseRatio: 0,
  squareCornerVelocity: 5,
}

/** Plans moves along points at a speed; returns the shaped moves. */
function plan(points: number[][], speed: number, limits = LIMITS): Move[] {
  const done: Move[] = []
  const lookahead = new Lookahead(moves => done.push(...moves))
  const at = (point: number[]) => Float64Array.of(point[0]!, point[1]!, point[2] ?? 0, point[3] ?? 0)
  for (let index = 1; index < points.length; index++) {
    lookahead.add(new Move(at(points[index - 1]!), at(points[index]!), speed, limits))
  }
  lookahead.flush()
  return done
}

const duration = (moves: Move[]) => moves.reduce((sum, move) => sum + move.duration, 0)
const close = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-6 * Math.max(1, expected), `${actual} is not ${expected}`)

test('a single move is a trapezoid, a short one a triangle', () => {
  close(
    duration(
      plan(
        [
          [0, 0],
          [100, 0],
        ],
        100,
      ),
    ),
    1 + 100 / 3000,
  )
  close(
    duration(
      plan(
        [
          [0, 0],
          [1, 0],
        ],
        100,
      ),
    ),
    2 * Math.sqrt(1 / 3000),
  )
})

test('minimum_cruise_ratio keeps short moves slow', () => {
  const [move] = plan(
    [
      [0, 0],
      [1, 0],
    ],
    100,
    { ...LIMITS, minimumCruiseRatio: 0.5 },
  )
  close(move!.cruiseV2, 1500)
  close((move!.cruiseTime * Math.sqrt(move!.cruiseV2)) / move!.length, 0.5)
})

test('a line in pieces takes as long as in one', () => {
  const pieces = Array.from({ length: 1001 }, (_, n) => [n / 10, 0])
  close(duration(plan(pieces, 100)), 1 + 100 / 3000)
})

test('a right angle is taken at square_corner_velocity, a reversal from a stop', () => {
  const [, corner] = plan(
    [
      [0, 0],
      [50, 0],
      [50, 50],
    ],
    100,
  )
  close(Math.sqrt(corner!.startV2), 5)
  const [, back] = plan(
    [
      [0, 0],
      [50, 0],
      [0, 0],
    ],
    100,
  )
  close(back!.startV2, 0)
})

test('positions and speeds within a move', () => {
  const [move] = plan(
    [
      [0, 0],
      [100, 0],
    ],
    100,
  )
  close(move!.distanceAt(0), 0)
  close(move!.distanceAt(move!.duration / 2), 50)
  close(move!.distanceAt(move!.duration), 100)
  close(move!.speedAt(move!.duration / 2), 100)
  close(move!.speedAt(move!.duration), 0)
})
