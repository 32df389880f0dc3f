// The state of a printer: its newest value is in the bucket `fleet_state`.
import { bool, float, type Infer, int, list, object, record, string, tuple } from '../../schema/index.ts'
import { ulidField } from './message.ts'

/** What a printer can do for the fleet: take jobs, send live status, call API methods. */
export const CAPABILITIES = ['dispatch', 'live', 'calls'] as const

const printerJob = object({
  id: ulidField().nullable().describe('The job of the fleet; null for a local print'),
  file: string(),
  state: string().describe('Of print_stats: printing, paused, …'),
  progress: float(),
  print_s: float().nullable(),
  left_s: float().nullable(),
  layer: int().nullable(),
  layers: int().nullable(),
})

export const stateSchema = object({
  boot: string().describe('Identifies one run of the server'),
  seq: int({ min: 0 }).describe('Increases within a boot'),
  t: int().describe('UTC').unit('ms'),
  et: float().nullable().describe("Klipper's clock, which starts again with Klipper").unit('s'),
  next_s: float({ above: 0 }).describe('The next state comes within this time').unit('s'),
  link: string().describe('open, or closed after a clean stop'),
  klippy: string(),
  sw: string().describe('Version of the server'),
  api: string(),
  caps: list(string()),
  epoch: string().nullable().describe('The epoch of the engine that the printer accepts jobs of'),
  plate: string().describe('clear or occupied'),
  slot_rev: int({ min: 0 }).describe('The newest revision of its slot that the printer knows'),
  job: printerJob.nullable(),
  temp: record(tuple(float(), float())).describe('Heaters: temperature and target'),
  err: string().nullable().describe('What keeps Klipper from printing'),
  off: bool().describe("Whether the printer's power is off"),
  labels: record(string()).default({}),
  nozzle: float().nullable().default(null).describe('Diameter').unit('mm'),
  size: tuple(float(), float(), float()).nullable().default(null).describe('What the axes reach').unit('mm'),
})

export type PrinterState = Infer<typeof stateSchema>
export type PrinterJob = NonNullable<PrinterState['job']>

/** The least changes that are worth a message. */
const TEMPERATURE_STEP = 0.5
const PROGRESS_STEP = 0.001
const SECONDS_STEP = 5
/** Differences of floating-point numbers that are no differences. */
const EPSILON = 1e-9

/** Whether `after` differs from `before` by at least one step. What changes with each message does not count. */
export function hasChanged(before: PrinterState, after: PrinterState): boolean {
  const { boot: _b, seq: _s, t: _t, et: _e, next_s: _n, job, temp, ...rest } = before
  const { boot: _b2, seq: _s2, t: _t2, et: _e2, next_s: _n2, job: newJob, temp: newTemp, ...newRest } = after
  return (
    JSON.stringify(rest) !== JSON.stringify(newRest) ||
    temperaturesChanged(temp, newTemp) ||
    jobChanged(job, newJob)
  )
}

function temperaturesChanged(before: PrinterState['temp'], after: PrinterState['temp']): boolean {
  const names = Object.keys(after)
  return (
    names.length !== Object.keys(before).length ||
    names.some(name => {
      const [temperature, target] = after[name]!
      const [oldTemperature, oldTarget] = before[name] ?? [Number.POSITIVE_INFINITY, 0]
      return target !== oldTarget || isStep(oldTemperature, temperature, TEMPERATURE_STEP)
    })
  )
}

function jobChanged(before: PrinterJob | null, after: PrinterJob | null): boolean {
  if (before === null || after === null) return before !== after
  const { progress, print_s, left_s, ...rest } = before
  const { progress: newProgress, print_s: newPrint, left_s: newLeft, ...newRest } = after
  return (
    JSON.stringify(rest) !== JSON.stringify(newRest) ||
    isStep(progress, newProgress, PROGRESS_STEP) ||
    isStep(print_s, newPrint, SECONDS_STEP) ||
    isStep(left_s, newLeft, SECONDS_STEP)
  )
}

function isStep(before: number | null, after: number | null, step: number): boolean {
  if (before === null || after === null) return before !== after
  return Math.abs(after - before) >= step - EPSILON
}

/** Whether `after` replaces `before`: another boot does, within one boot only a larger `seq`. */
export function isNewer(before: PrinterState | null, after: PrinterState): boolean {
  return before === null || before.boot !== after.boot || after.seq > before.seq
}
