// One straight move: its geometry, its limits, and the trapezoid of speed that the planner gives it.

/** Machine limits that shape moves, in mm and seconds. */
export interface MotionLimits {
  maxVelocity: number
  maxAccel: number
  /** Least share of a move at cruising speed, 0 to 1. */
  minimumCruiseRatio: number
  squareCornerVelocity: number
  /** max_accel_to_decel of Klipper before 2024, in place of minimumCruiseRatio: changes of maxAccel do not change it. */
  accelToDecel?: number
}

/** The acceleration of moves of the extruder alone before the extruder's own limit, in mm/s². */
const EXTRUDER_ACCEL = 99999999.9

function gentleAccel({ maxAccel, minimumCruiseRatio, accelToDecel }: MotionLimits): number {
  return accelToDecel === undefined ? maxAccel * (1 - minimumCruiseRatio) : Math.min(accelToDecel, maxAccel)
}

/** A move between two positions (x, y, z, e). All squared speeds end in `V2`. */
export class Move {
  readonly startX: number
  readonly startY: number
  readonly startZ: number
  readonly startE: number
  readonly dx: number
  readonly dy: number
  readonly dz: number
  readonly de: number
  /** Length in mm: of the path, or of the filament when nothing else moves. */
  readonly length: number
  /** 1 / length; 0 without a length. */
  readonly inverseLength: number
  /** Whether an axis moves, not only the extruder. */
  readonly kinematic: boolean
  accel: number
  /** The most by which the squared speed can change within the move. */
  deltaV2: number
  /** The same at the lower acceleration that leaves room for minimum_cruise_ratio. */
  gentleDeltaV2: number
  junctionDeviation: number
  maxCruiseV2: number
  /** Shortest possible time in seconds. */
  minTime: number
  maxStartV2 = 0
  /** The highest start when all moves before accelerate at the lower acceleration. */
  maxGentleStartV2 = 0
  startV2 = 0
  cruiseV2 = 0
  endV2 = 0
  /** Start in print time; set when the move is planned. */
  startTime = 0
  accelTime = 0
  cruiseTime = 0
  decelTime = 0

  constructor(start: Float64Array, end: Float64Array, speed: number, limits: MotionLimits) {
    this.startX = start[0]!
    this.startY = start[1]!
    this.startZ = start[2]!
    this.startE = start[3]!
    const dx = end[0]! - this.startX
    const dy = end[1]! - this.startY
    const dz = end[2]! - this.startZ
    this.de = end[3]! - this.startE
    const path = Math.sqrt(dx * dx + dy * dy + dz * dz)
    // The rest of sums of relative positions is no move.
    this.kinematic = path >= 1e-9
    this.dx = this.kinematic ? dx : 0
    this.dy = this.kinematic ? dy : 0
    this.dz = this.kinematic ? dz : 0
    this.length = this.kinematic ? path : Math.abs(this.de)
    this.inverseLength = this.length === 0 ? 0 : 1 / this.length
    // The printer's acceleration does not limit the extruder alone, only its own limits do.
    const velocity = this.kinematic ? Math.min(speed, limits.maxVelocity) : speed
    this.accel = this.kinematic ? limits.maxAccel : EXTRUDER_ACCEL
    this.deltaV2 = 2 * this.length * this.accel
    // Klipper derives it from the printer's acceleration for the extruder alone too.
    this.gentleDeltaV2 = 2 * this.length * gentleAccel(limits)
    this.junctionDeviation = (limits.squareCornerVelocity ** 2 * (Math.SQRT2 - 1)) / limits.maxAccel
    this.maxCruiseV2 = velocity * velocity
    this.minTime = this.length / velocity
  }

  /** Lowers speed and acceleration to the limits of an axis. */
  limit(speed: number, accel: number): void {
    if (speed * speed < this.maxCruiseV2) {
      this.maxCruiseV2 = speed * speed
      this.minTime = this.length / speed
    }
    this.accel = Math.min(this.accel, accel)
    this.deltaV2 = 2 * this.length * this.accel
    this.gentleDeltaV2 = Math.min(this.gentleDeltaV2, this.deltaV2)
  }

  /** Sets the speeds at both ends and the trapezoid between them. */
  shape(startV2: number, cruiseV2: number, endV2: number): void {
    this.startV2 = startV2
    this.cruiseV2 = cruiseV2
    this.endV2 = endV2
    const startV = Math.sqrt(startV2)
    const cruiseV = Math.sqrt(cruiseV2)
    const endV = Math.sqrt(endV2)
    const accelLength = (cruiseV2 - startV2) / (2 * this.accel)
    const decelLength = (cruiseV2 - endV2) / (2 * this.accel)
    this.accelTime = accelLength > 0 ? (2 * accelLength) / (startV + cruiseV) : 0
    this.decelTime = decelLength > 0 ? (2 * decelLength) / (endV + cruiseV) : 0
    this.cruiseTime = Math.max(0, this.length - accelLength - decelLength) / cruiseV
  }

  get duration(): number {
    return this.accelTime + this.cruiseTime + this.decelTime
  }

  get endTime(): number {
    return this.startTime + this.duration
  }

  /** Speed in mm/s at a print time within the move. */
  speedAt(time: number): number {
    const since = Math.min(Math.max(time - this.startTime, 0), this.duration)
    const cruise = Math.sqrt(this.cruiseV2)
    if (since < this.accelTime) return Math.sqrt(this.startV2) + this.accel * since
    const intoDecel = since - this.accelTime - this.cruiseTime
    return intoDecel <= 0 ? cruise : Math.max(0, cruise - this.accel * intoDecel)
  }

  /** Distance in mm from its start at a print time within the move. */
  distanceAt(time: number): number {
    const since = Math.min(Math.max(time - this.startTime, 0), this.duration)
    const start = Math.sqrt(this.startV2)
    const cruise = Math.sqrt(this.cruiseV2)
    const a = Math.min(since, this.accelTime)
    let distance = (start + 0.5 * this.accel * a) * a
    const c = Math.min(Math.max(since - this.accelTime, 0), this.cruiseTime)
    distance += cruise * c
    const d = Math.max(since - this.accelTime - this.cruiseTime, 0)
    return Math.min(this.length, distance + (cruise - 0.5 * this.accel * d) * d)
  }
}
