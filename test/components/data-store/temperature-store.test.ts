// Histories of sensors: recorded values, and values that survive a restart of Klippy.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Events } from '../../../src/api/index.ts'
import { TemperatureStore } from '../../../src/components/data-store/temperature-store.ts'
import type { Printer } from '../../../src/klippy/printer.ts'
import { printerAt, strictEvents } from '../../support/printer-at.ts'
import { SensorKlippy, type Sensors } from './sensor-klippy.ts'

const EXTRUDER = { temperature: 21.006, target: 0, power: 0.5 }
const CHAMBER = { temperature: 30, measured_min_temp: 29 }
const DRIVER = { temperature: null }

/** A Klippy with a store that follows it. */
class Setup implements AsyncDisposable {
  readonly klippy: SensorKlippy
  readonly events = strictEvents()
  readonly store: TemperatureStore
  readonly #printer: Printer

  private constructor(klippy: SensorKlippy, size: number) {
    const printer = printerAt(klippy.socketPath, { events: this.events })
    this.#printer = printer
    this.klippy = klippy
    this.store = new TemperatureStore(printer, size)
  }

  static async start(sensors: Sensors, size = 100): Promise<Setup> {
    const setup = new Setup(await SensorKlippy.start(sensors), size)
    const ready = setup.next('klippy:ready')
    setup.#printer.session.start()
    await ready
    await setup.store.setSubscribed(true)
    await setup.store.start()
    return setup
  }

  next(event: keyof Events): Promise<void> {
    return new Promise(resolve => {
      const registration = this.events.on(event, () => {
        registration.remove()
        resolve()
      })
    })
  }

  /** Sensors report values, and the store samples them. */
  async sample(change: Readonly<Record<string, Record<string, unknown>>>): Promise<void> {
    const received = this.next('klippy:status')
    this.klippy.report(change)
    await received
    await this.store.sample(1)
  }

  /** Runs a command, after which only a query returns values that are certainly present. */
  async runCommand(): Promise<void> {
    await this.#printer.link.request('gcode/script', { script: 'M117' })
  }

  /** Resolves when the server has Klippy's reply to a subscription without `name`. */
  async unsubscribed(name: string): Promise<void> {
    do await this.#printer.link.request('info')
    while (this.klippy.subscribed.includes(name))
    await this.#printer.link.request('info')
  }

  async restart(sensors: Sensors): Promise<void> {
    const gone = this.next('klippy:disconnected')
    const ready = this.next('klippy:ready')
    this.klippy.restart(sensors)
    await gone
    this.store.pause()
    await ready
    await this.store.start()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#printer.session.stop()
    await this.klippy[Symbol.asyncDispose]()
  }
}

test('a series for each field that the sensor has', async () => {
  await using setup = await Setup.start({
    sensors: ['extruder', 'temperature_fan case', 'temperature_sensor chamber'],
    values: {
      extruder: EXTRUDER,
      'temperature_fan case': { temperature: 35, target: 40, speed: 0.333 },
      'temperature_sensor chamber': CHAMBER,
    },
  })
  assert.deepEqual(setup.store.reply(false), {
    extruder: { temperatures: [21.01], targets: [0], powers: [0.5] },
    'temperature_fan case': { temperatures: [35], targets: [40], speeds: [0.33] },
    'temperature_sensor chamber': { temperatures: [30] },
  })
})

test('changed and unchanged values are recorded together, up to the size', async () => {
  await using setup = await Setup.start({ sensors: ['extruder'], values: { extruder: EXTRUDER } }, 3)
  await setup.sample({ extruder: { temperature: 22, target: 200 } })
  await setup.store.sample(1)
  await setup.sample({ extruder: { temperature: 23.456 } })
  assert.deepEqual(setup.store.reply(false), {
    extruder: { temperatures: [22, 22, 23.46], targets: [200, 200, 200], powers: [0.5, 0.5, 0.5] },
  })
})

test('monitors are returned on request, with nulls', async () => {
  await using setup = await Setup.start({
    sensors: ['temperature_sensor chamber'],
    monitors: ['tmc2240 stepper_x'],
    values: { 'temperature_sensor chamber': CHAMBER, 'tmc2240 stepper_x': DRIVER },
  })
  await setup.sample({ 'tmc2240 stepper_x': { temperature: 41.2 } })
  assert.deepEqual(Object.keys(setup.store.reply(false)), ['temperature_sensor chamber'])
  assert.deepEqual(setup.store.reply(true)['tmc2240 stepper_x'], { temperatures: [null, 41.2] })
})

test('after a restart missing sensors are dropped, others keep their history', async () => {
  const sensors = ['extruder', 'temperature_sensor chamber']
  const values = { extruder: EXTRUDER, 'temperature_sensor chamber': CHAMBER }
  await using setup = await Setup.start({ sensors, values })
  await setup.restart({
    sensors: ['heater_bed', 'extruder'],
    values: { extruder: { ...EXTRUDER, temperature: 25 }, heater_bed: { ...EXTRUDER, temperature: 50 } },
  })
  assert.deepEqual(setup.store.reply(true), {
    heater_bed: { temperatures: [50], targets: [0], powers: [0.5] },
    extruder: { temperatures: [21.01, 25], targets: [0, 0], powers: [0.5, 0.5] },
  })
})

test('a sensor with other fields starts a new history', async () => {
  await using setup = await Setup.start({ sensors: ['probe'], values: { probe: CHAMBER } })
  await setup.restart({ sensors: ['probe'], values: { probe: EXTRUDER } })
  assert.deepEqual(setup.store.reply(false), {
    probe: { temperatures: [21.01], targets: [0], powers: [0.5] },
  })
})

test('without Klippy nothing is recorded, and the history stays', async () => {
  await using setup = await Setup.start({ sensors: ['extruder'], values: { extruder: EXTRUDER } })
  setup.store.pause()
  await setup.store.sample(1)
  assert.deepEqual(setup.store.reply(false).extruder?.temperatures, [21.01])
})

test('with a subscription no sample is a query, also after a command', async () => {
  await using setup = await Setup.start({ sensors: ['extruder'], values: { extruder: EXTRUDER } })
  const { queries } = setup.klippy
  await setup.runCommand()
  await setup.store.sample(1)
  assert.equal(setup.klippy.queries, queries)
  assert.deepEqual(setup.store.reply(false).extruder?.temperatures, [21.01, 21.01])
})

test('without a subscription each sample is a query, and may count for several seconds', async () => {
  await using setup = await Setup.start({ sensors: ['extruder'], values: { extruder: EXTRUDER } })
  await setup.store.setSubscribed(false)
  await setup.unsubscribed('extruder')
  setup.klippy.report({ extruder: { temperature: 25 } })
  await setup.store.sample(2)
  assert.deepEqual(setup.store.reply(false).extruder?.temperatures, [21.01, 25, 25])
  await setup.store.setSubscribed(true)
  await setup.sample({ extruder: { temperature: 26 } })
  assert.deepEqual(setup.store.reply(false).extruder?.temperatures, [21.01, 25, 25, 26])
})

test('a printer without sensors has an empty store', async () => {
  await using setup = await Setup.start({ sensors: [], values: {} })
  await setup.store.sample(1)
  assert.deepEqual(setup.store.reply(true), {})
})
