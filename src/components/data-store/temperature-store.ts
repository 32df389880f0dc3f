// The history of every temperature sensor, for clients that draw it.
import type { ResultOf } from '../../api/endpoint.ts'
import type { dataStore } from '../../api/server.ts'
import type { ObjectRequest } from '../../klippy/object-request.ts'
import type { Printer } from '../../klippy/printer.ts'
import type { Follower } from '../../klippy/subscriptions.ts'
import { HundredthsRing } from './hundredths-ring.ts'

/** The series of a sensor, by the field of Klippy's object that each records. */
const SERIES = { temperature: 'temperatures', target: 'targets', power: 'powers', speed: 'speeds' } as const

type FieldName = keyof typeof SERIES
const FIELDS = Object.keys(SERIES) as FieldName[]

type Reply = ResultOf<(typeof dataStore)['methods']['server.temperature_store']>
type Values = Readonly<Record<string, unknown>>

/** A sensor with its history. */
interface Sensor {
  /** Its values may be null, and clients get it on request only. */
  readonly isMonitor: boolean
  readonly rings: ReadonlyMap<FieldName, HundredthsRing>
}

export class TemperatureStore {
  readonly #printer: Printer
  readonly #size: number
  readonly #follower: Follower = {}
  #isSubscribed = false
  /** Whether Klippy has replied to the subscription: the printer's last status has all values. */
  #isFollowing = false
  #sensors: ReadonlyMap<string, Sensor> = new Map()
  #request: ObjectRequest = {}
  #isRecording = false

  /** Keeps `size` values of each series. */
  constructor(printer: Printer, size: number) {
    this.#printer = printer
    this.#size = size
  }

  /**
   * Finds the sensors of a Klippy that has become ready and records their first values. Sensors of the session before
   * keep their history. Rejects with ApiError when Klippy disconnects meanwhile.
   */
  async start(): Promise<void> {
    const { status } = await this.#printer.query({ heaters: ['available_sensors', 'available_monitors'] })
    const sensors = namesIn(status.heaters?.available_sensors)
    const monitors = namesIn(status.heaters?.available_monitors).filter(name => !sensors.includes(name))
    const names = [...sensors, ...monitors]
    this.#request = Object.fromEntries(names.map(name => [name, FIELDS]))
    if (this.#isSubscribed) await this.#follow()
    const first = (await this.#printer.query(this.#request)).status
    this.#sensors = new Map(
      names.map(name => [name, this.#sensor(name, monitors.includes(name), first[name] ?? {})]),
    )
    this.#isRecording = true
    this.#record(first, 1)
  }

  #sensor(name: string, isMonitor: boolean, values: Values): Sensor {
    const fields = FIELDS.filter(field => field === 'temperature' || typeof values[field] === 'number')
    const known = this.#sensors.get(name)
    const same = known?.rings.size === fields.length && fields.every(field => known.rings.has(field))
    const rings = same ? known.rings : new Map(fields.map(field => [field, new HundredthsRing(this.#size)]))
    return { isMonitor, rings }
  }

  async #follow(): Promise<void> {
    await this.#printer.subscribe(this.#follower, this.#request)
    this.#isFollowing = this.#isSubscribed
  }

  /** Klippy has disconnected: its last values are not recorded any more. */
  pause(): void {
    this.#isRecording = false
    this.#isFollowing = false
  }

  /** Whether Klippy pushes the values, four times a second; otherwise each sample is a query. */
  async setSubscribed(isSubscribed: boolean): Promise<void> {
    this.#isSubscribed = isSubscribed
    this.#isFollowing = false
    if (!isSubscribed) this.#printer.unsubscribe(this.#follower)
    else if (this.#isRecording) await this.#follow()
  }

  /** Records the present values once for each of the last `seconds`. Rejects with ApiError when Klippy disconnects. */
  async sample(seconds: number): Promise<void> {
    if (!this.#isRecording) return
    const { lastStatus } = this.#printer
    this.#record(this.#isFollowing ? lastStatus : (await this.#printer.query(this.#request)).status, seconds)
  }

  #record(status: Readonly<Record<string, Values>>, seconds: number): void {
    if (!this.#isRecording) return
    for (const [name, { rings }] of this.#sensors) {
      const values = status[name] ?? {}
      for (const [field, ring] of rings) {
        for (let second = 0; second < seconds; second += 1) ring.push(values[field])
      }
    }
  }

  /** The reply of server.temperature_store. */
  reply(includeMonitors: boolean): Reply {
    const reply: Record<string, Record<string, (number | null)[]>> = {}
    for (const [name, { isMonitor, rings }] of this.#sensors) {
      if (isMonitor && !includeMonitors) continue
      reply[name] = Object.fromEntries([...rings].map(([field, ring]) => [SERIES[field], ring.list()]))
    }
    return reply as Reply
  }
}

function namesIn(list: unknown): string[] {
  return Array.isArray(list) ? [...new Set(list.filter(name => typeof name === 'string'))] : []
}
