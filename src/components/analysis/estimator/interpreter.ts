// Runs the lines of a print file without a printer: moves go to the planner, everything that the checks need is noted.

import { ARC_PLANES } from '../../../motion/arcs.ts'
import {
  commandName,
  isTraditional,
  keyParams,
  letterParams,
  parseNumber,
} from '../../../motion/command-text.ts'
import { MoveWords } from '../../../motion/move-words.ts'
import type { RetractionSettings } from '../../../motion/retraction.ts'
import { featureOf, startsLayer } from './comments.ts'
import type { Findings } from './findings.ts'
import type { Machine } from './machine.ts'
import { type ArcWords, PrintMotion } from './print-motion.ts'
import type { PrintMove } from './print-move.ts'
import { Tally } from './tally.ts'
import { Thinned } from './thinned.ts'

const SEMICOLON = 0x3b
const BLANK = 0x20
const TAB = 0x09
/** Points of the slicer's own table of remaining minutes. */
const SLICER_POINTS = 1024
/** A layer without a comment is at least so much higher than the one before, in mm. */
const LAYER_STEP = 0.01

/** Klipper stops before these commands. The time that they need themselves is 0, or not known. */
const STOPPING = [
  'M400',
  'SET_DUAL_CARRIAGE',
  'SET_EXTRUDER_ROTATION_DISTANCE',
  'SET_INPUT_SHAPER',
  'SET_STEPPER_ENABLE',
  'SYNC_EXTRUDER_MOTION',
  'TEMPERATURE_WAIT',
]

type Params = ReadonlyMap<string, string>
type Handler = (params: Params, line: string) => void

/** The file needs more work than any print. */
export class TooMuchWork extends Error {
  override readonly name: string = 'TooMuchWork'
}

export class Interpreter {
  readonly tally = new Tally()
  /** Bytes, and the remaining minutes that the slicer's M73 R states from there on. */
  readonly slicerPoints = new Thinned(SLICER_POINTS)
  /** Whether the file sets a speed factor other than 1. */
  setsSpeed = false
  readonly #findings: Findings
  readonly #motion: PrintMotion
  readonly #words = new MoveWords()
  readonly #handlers: ReadonlyMap<string, Handler>
  readonly #knowsArcs: boolean
  /** Whether the slicer marks the layers; else their heights separate them. */
  #hasLayerComments = false
  #isNewLayer = false
  #layerZ = Number.NEGATIVE_INFINITY
  #lastMinutes = Number.POSITIVE_INFINITY

  readonly #mostMoves: number
  #moves = 0

  /** After `mostMoves` moves `run` throws TooMuchWork. */
  constructor(machine: Machine, findings: Findings, mostMoves: number) {
    this.#findings = findings
    this.#mostMoves = mostMoves
    this.#knowsArcs = machine.arcResolution !== null
    this.#motion = new PrintMotion(machine, {
      moved: moves => this.tally.add(moves),
      waited: (seconds, origin) => this.tally.wait(seconds, origin),
      planned: (move, z) => this.#planned(move, z),
      rejected: problem => findings.rejected(problem),
    })
    this.#handlers = this.#commands()
  }

  /** Runs one line; `offset` is that of the byte after it. */
  run(line: string, offset: number): void {
    this.#motion.origin.offset = offset
    let start = 0
    while (line.charCodeAt(start) === BLANK || line.charCodeAt(start) === TAB) start++
    if (start === line.length) return
    if (line.charCodeAt(start) === SEMICOLON) this.#comment(line)
    else if (isPlainMove(line, start)) this.#move(start === 0 ? line : line.slice(start))
    else this.#command(line.slice(start))
  }

  /** The file has ended. */
  end(): void {
    this.#motion.stop()
  }

  #move(line: string): void {
    this.#count(1)
    const { values } = this.#words
    if (this.#words.read(line)) {
      this.#findings.noteWords(values, this.#motion.coordinates.absolute)
      this.#motion.move(values)
    } else this.#findings.rejected('number')
  }

  #count(moves: number): void {
    this.#moves += moves
    if (this.#moves > this.#mostMoves) throw new TooMuchWork('the file contains too many moves')
  }

  #planned(move: PrintMove, z: number): void {
    this.#findings.moved(move)
    if (!(move.kinematic && move.de > 0)) return
    if (this.#hasLayerComments ? this.#isNewLayer : z > this.#layerZ + LAYER_STEP) {
      this.#isNewLayer = false
      this.#layerZ = z
      const { origin } = this.#motion
      origin.layer = this.tally.layer(z)
      move.layer = origin.layer
    }
  }

  #comment(line: string): void {
    const feature = featureOf(line)
    if (feature !== undefined) this.#motion.origin.feature = this.tally.feature(feature)
    else if (startsLayer(line)) {
      this.#hasLayerComments = true
      this.#isNewLayer = true
    }
  }

  #command(line: string): void {
    const name = commandName(line)
    if (name === '') return
    const handler = this.#handlers.get(name)
    this.#findings.command(name)
    if (handler === undefined) {
      if (/^T\d{1,2}$/.test(name)) this.#findings.tool(Number(name.slice(1)))
      return
    }
    const params = isTraditional(name) ? letterParams(line) : keyParams(line)
    if (params !== undefined) handler(params, line)
  }

  #arc(params: Params, clockwise: boolean): void {
    this.#findings.arc()
    if (!this.#knowsArcs) return
    const word = (name: string) => optional(params, name) ?? Number.NaN
    const words = Object.fromEntries(
      ['X', 'Y', 'Z', 'E', 'F', 'I', 'J', 'K', 'R'].map(name => [name, word(name)]),
    )
    this.#count(this.#motion.arc(words as ArcWords, clockwise))
  }

  #commands(): ReadonlyMap<string, Handler> {
    return new Map<string, Handler>([
      ...this.#moveCommands(),
      ...this.#coordinateCommands(),
      ...this.#limitCommands(),
      ...this.#heaterCommands(),
      ['M73', params => this.#slicerProgress(params)],
    ])
  }

  #moveCommands(): [string, Handler][] {
    const motion = this.#motion
    const stop = () => motion.stop()
    const planes = Object.entries(ARC_PLANES).map(([name, plane]): [string, Handler] => [
      name,
      () => {
        motion.plane = plane
      },
    ])
    return [
      ['G0', (_, line) => this.#move(line)],
      ['G1', (_, line) => this.#move(line)],
      ['G2', params => this.#arc(params, true)],
      ['G3', params => this.#arc(params, false)],
      ...planes,
      ['G4', params => motion.dwell((optional(params, 'P') ?? 0) / 1000)],
      ['G10', () => motion.retraction?.retract(move => motion.feed(move))],
      ['G11', () => motion.retraction?.unretract(move => motion.feed(move))],
      ['G28', params => this.#home(params)],
      ['SET_KINEMATIC_POSITION', params => motion.setPosition(axes(params))],
      ['ACTIVATE_EXTRUDER', params => void motion.useExtruder(params.get('EXTRUDER') ?? '')],
      ['M18', () => motion.motorsOff()],
      ['M84', () => motion.motorsOff()],
      ...STOPPING.map((name): [string, Handler] => [name, stop]),
    ]
  }

  #coordinateCommands(): [string, Handler][] {
    const { coordinates } = this.#motion
    const mode = (name: 'absolute' | 'absoluteExtrude', value: boolean) => () => {
      coordinates[name] = value
    }
    return [
      ['G90', mode('absolute', true)],
      ['G91', mode('absolute', false)],
      ['M82', mode('absoluteExtrude', true)],
      ['M83', mode('absoluteExtrude', false)],
      ['G92', params => coordinates.setOrigin(axes(params))],
      ['M220', params => setFactor(params, factor => this.#setSpeed(factor))],
      ['M221', params => setFactor(params, factor => coordinates.setExtrudeFactor(factor))],
      ['SET_GCODE_OFFSET', params => this.#setOffset(params)],
      ['SAVE_GCODE_STATE', params => coordinates.save(params.get('NAME') ?? 'default')],
      ['RESTORE_GCODE_STATE', params => this.#restore(params)],
    ]
  }

  #limitCommands(): [string, Handler][] {
    const { limits, retraction } = this.#motion
    return [
      [
        'M204',
        params => {
          const accel = optional(params, 'S') ?? Math.min(word(params, 'P'), word(params, 'T'))
          if (accel > 0) limits.maxAccel = accel
        },
      ],
      ['SET_VELOCITY_LIMIT', params => this.#setLimits(params)],
      ['SET_RETRACTION', params => retraction?.change(retractionChange(params))],
    ]
  }

  #heaterCommands(): [string, Handler][] {
    const findings = this.#findings
    const extruder: Handler = params => findings.temperature(optional(params, 'S'), optional(params, 'T'))
    const bed: Handler = params => findings.heaterTemperature('heater_bed', optional(params, 'S'))
    // Klipper stops all motion while it waits for a temperature.
    const waiting =
      (heat: Handler): Handler =>
      (params, line) => {
        heat(params, line)
        this.#motion.stop()
      }
    return [
      ['M104', extruder],
      ['M109', waiting(extruder)],
      ['M140', bed],
      ['M190', waiting(bed)],
      [
        'SET_HEATER_TEMPERATURE',
        params => findings.heaterTemperature(params.get('HEATER') ?? '', optional(params, 'TARGET')),
      ],
    ]
  }

  #home(params: Params): void {
    const named = ['X', 'Y', 'Z'].filter(axis => params.has(axis))
    const homed = (named.length === 0 ? ['X', 'Y', 'Z'] : named).join('').toLowerCase()
    this.#motion.home(homed)
    this.#findings.homed(homed)
  }

  #setLimits(params: Params): void {
    const { limits } = this.#motion
    const set = (name: keyof typeof limits, key: string, fits: (value: number) => boolean) => {
      const value = optional(params, key)
      if (value !== undefined && fits(value)) limits[name] = value
    }
    set('maxVelocity', 'VELOCITY', value => value > 0)
    set('maxAccel', 'ACCEL', value => value > 0)
    set('squareCornerVelocity', 'SQUARE_CORNER_VELOCITY', value => value >= 0)
    if (limits.accelToDecel !== undefined) set('accelToDecel', 'ACCEL_TO_DECEL', value => value > 0)
    set('minimumCruiseRatio', 'MINIMUM_CRUISE_RATIO', value => value >= 0 && value < 1)
  }

  #setSpeed(factor: number): void {
    this.setsSpeed ||= factor !== 1
    this.#motion.coordinates.setSpeedFactor(factor)
  }

  #setOffset(params: Params): void {
    const { coordinates } = this.#motion
    const moves = optional(params, 'MOVE') === 1
    coordinates.setOffset(axes(params), axes(params, '_ADJUST'), moves)
    if (moves) this.#motion.send(speedOf(params) ?? coordinates.moveSpeed)
  }

  #restore(params: Params): void {
    const { coordinates } = this.#motion
    const moves = optional(params, 'MOVE') === 1
    if (coordinates.restore(params.get('NAME') ?? 'default', moves) && moves)
      this.#motion.send(speedOf(params) ?? coordinates.moveSpeed)
  }

  #slicerProgress(params: Params): void {
    const minutes = optional(params, 'R')
    if (minutes === undefined || minutes < 0 || minutes > this.#lastMinutes) return
    this.#lastMinutes = minutes
    this.slicerPoints.add(this.#motion.origin.offset, -minutes)
  }
}

/** Whether a line is G0 or G1 with a space after it, as almost all lines are. */
function isPlainMove(line: string, at: number): boolean {
  if (line.charCodeAt(at) !== 0x47) return false
  const digit = line.charCodeAt(at + 1)
  return (digit === 0x31 || digit === 0x30) && line.charCodeAt(at + 2) === BLANK
}

function optional(params: Params, name: string): number | undefined {
  const text = params.get(name)
  const value = text === undefined ? Number.NaN : parseNumber(text)
  return Number.isFinite(value) ? value : undefined
}

function word(params: Params, name: string): number {
  return optional(params, name) ?? Number.NaN
}

function axes(params: Params, suffix = ''): (number | undefined)[] {
  return ['X', 'Y', 'Z', 'E'].map(axis => optional(params, axis + suffix))
}

function retractionChange(params: Params): Partial<RetractionSettings> {
  const given = [
    ['length', optional(params, 'RETRACT_LENGTH'), 0],
    ['speed', optional(params, 'RETRACT_SPEED'), 1],
    ['extra', optional(params, 'UNRETRACT_EXTRA_LENGTH'), 0],
    ['backSpeed', optional(params, 'UNRETRACT_SPEED'), 1],
  ] as const
  const accepted = given.filter(([, value, least]) => value !== undefined && value >= least)
  return Object.fromEntries(accepted.map(([name, value]) => [name, value]))
}

function speedOf(params: Params): number | undefined {
  const speed = optional(params, 'MOVE_SPEED')
  return speed !== undefined && speed > 0 ? speed : undefined
}

/** M220 and M221: percent, 100 where none are given. */
function setFactor(params: Params, set: (factor: number) => void): void {
  const percent = params.has('S') ? word(params, 'S') : 100
  if (percent > 0) set(percent / 100)
}
