// The values of every temperature sensor in the last minutes, for the charts of clients.

import type { ResultOf } from '../../api/endpoint.ts'
import type { StatusChange } from '../../api/printer.ts'
import type { dataStore } from '../../api/server.ts'
import type { Printer } from '../../klippy/printer.ts'
import type { Follower } from '../../klippy/subscriptions.ts'
import { HundredthsRing } from './hundredths-ring.ts'

/** The series of a sensor, by the field of Klippy's object that each records. */
const SERIES = { temperature: 'temperatures', target: 'targets', power: 'powers', speed: 'speeds' } as const

type FieldName = keyof typeof SERIES
const FIELDS = Object.keys(SERIES) as FieldName[]

type Reply = ResultOf<(typeof dataStore)['methods']['server.temperature_store']>
type Values = Readonly<Record<string, unknown>>

/** A sensor with its values. */
interface Sensor {
  /** Its values may be null, and it is shown on request only. */
  readonly monitor: boolean
  readonly rings: ReadonlyMap<FieldName, HundredthsRing>
  latest: Values
}

export class TemperatureStore implements Follower {
  readonly #printer: Printer
  readonly #size: number
  #sensors: ReadonlyMap<string, Sensor> = new Map()
  #following = false

  /** Keeps `size` values of each series. */
  constructor(printer: Printer, size: number) {
    this.#printer = printer
    this.#size = size
  }

  /**
   * Finds the sensors when Klippy is ready, and records their first values. A sensor that existed before keeps its
   * history. Rejects with ApiError when Klippy disconnects meanwhile.
   */
  async follow(): Promise<void> {
    const { status } = await this.#printer.query({ heaters: ['available_sensors', 'available_monitors'] })
    const sensors = namesIn(status.heaters?.available_sensors)
    const monitors = namesIn(status.heaters?.available_monitors).filter(name => !sensors.includes(name))
    const names = [...sensors, ...monitors]
    const request = Object.fromEntries(names.map(name => [name, FIELDS]))
    const first = await this.#printer.subscribe(this, request)
    this.#sensors = new Map(
      names.map(name => [name, this.#sensor(name, monitors.includes(name), first.status[name] ?? {})]),
    )
    this.#following = true
    this.sample()
  }

  #sensor(name: string, monitor: boolean, values: Values): Sensor {
    const fields = FIELDS.filter(field => field === 'temperature' || typeof values[field] === 'number')
    const known = this.#sensors.get(name)
    const same = known?.rings.size === fields.length && fields.every(field => known.rings.has(field))
    const rings = same ? known.rings : new Map(fields.map(field => [field, new HundredthsRing(this.#size)]))
    return { monitor, rings, latest: values }
  }

  statusChanged(change: StatusChange): void {
    for (const name in change) {
      const sensor = this.#sensors.get(name)
      if (sensor !== undefined) sensor.latest = { ...sensor.latest, ...change[name] }
    }
  }

  /** Klippy has disconnected: its last values are no longer valid and not recorded. */
  pause(): void {
    this.#following = false
  }

  /** Records the latest value of each sensor; to be called once a second. */
  sample(): void {
    if (!this.#following) return
    for (const { rings, latest } of this.#sensors.values()) {
      for (const [field, ring] of rings) ring.push(latest[field])
    }
  }

  /** The reply of server.temperature_store. */
  reply(includeMonitors: boolean): Reply {
    const reply: Record<string, Record<string, (number | null)[]>> = {}
    for (const [name, { monitor, rings }] of this.#sensors) {
      if (monitor && !includeMonitors) continue
      reply[name] = Object.fromEntries([...rings].map(([field, ring]) => [SERIES[field], ring.list()]))
    }
    return reply as Reply
  }
}

function namesIn(list: unknown): string[] {
  return Array.isArray(list) ? [...new Set(list.filter(name => typeof name === 'string'))] : []
}
