// Heaters and the commands about temperatures; every heater controls a thermal body.

import type { Section } from '../config/section.ts'
import { ConfigError, GcodeError, UnsupportedError } from '../errors.ts'
import type { GcodeCommand } from '../gcode/command.ts'
import type { Host } from '../host.ts'
import type { Status } from '../objects.ts'
import { type Body, holdingPower, reading, ThermalBody } from './thermal.ts'

/** A heater or sensor for M105 and TEMPERATURE_WAIT. */
export interface TemperatureSource {
  /** °C: the reading and the target, 0 for none. */
  readTemperature(): { temperature: number; target: number }
}

const HOTEND: Body = { power: 50, capacity: 11, loss: 0.13 }
const BED: Body = { power: 320, capacity: 260, loss: 1.6 }
const CHAMBER: Body = { power: 200, capacity: 400, loss: 2 }

/** A heater with its sensor; temperatures in °C. */
export class Heater implements TemperatureSource {
  /** The last word of its section: `extruder`, `heater_bed`, `chamber`. */
  readonly name: string
  readonly #host: Host
  readonly #body: Body
  readonly #thermal: ThermalBody
  readonly #min: number
  readonly #max: number
  readonly #minExtrude: number
  readonly #maxPower: number
  readonly #watermark: number | undefined
  readonly #seed: number
  #target = 0
  #on = false
  #cold = false
  #powered = true

  constructor(host: Host, section: Section) {
    this.#host = host
    this.name = section.title
    this.#seed = seedOf(section.name)
    readSensor(section)
    this.#min = section.number('min_temp', undefined, { min: -273.15 })
    this.#max = section.number('max_temp', undefined, { above: this.#min })
    this.#minExtrude = section.number('min_extrude_temp', 170, { min: this.#min, max: this.#max })
    this.#maxPower = section.number('max_power', 1, { above: 0, max: 1 })
    section.number('smooth_time', 1, { above: 0 })
    const control = section.choice('control', ['watermark', 'pid', 'pid_v', 'mpc'])
    if (control === 'pid') for (const part of ['pid_kp', 'pid_ki', 'pid_kd']) section.number(part)
    this.#watermark = control === 'watermark' ? section.number('max_delta', 2, { above: 0 }) : undefined
    section.text('heater_pin')
    section.number('pwm_cycle_time', 0.1, { above: 0 })
    verifySettings(host, section.name)
    this.#body = section.name.startsWith('extruder') ? HOTEND : section.name === 'heater_bed' ? BED : CHAMBER
    this.#thermal = new ThermalBody(this.#body, host.clock.now, 22 + (this.#seed % 20) / 10)
    host.lifecycle.onShutdown(() => this.#switchOff())
  }

  get target(): number {
    return this.#target
  }

  get temperature(): number {
    this.#advance()
    return this.#thermal.temperature
  }

  get canExtrude(): boolean {
    // A heater that was cold and has no target is still cold: no need to compute its temperature for every move.
    if (this.#cold && this.#target === 0) return false
    if (this.#target >= this.#minExtrude + 5 && this.#hotAt === this.#target) return true
    const hot = this.temperature >= this.#minExtrude
    this.#cold = !hot
    if (hot && this.temperature > this.#minExtrude + 2) this.#hotAt = this.#target
    return hot
  }

  /** Whether it has not reached the target yet. */
  get busy(): boolean {
    const { temperature } = this
    if (this.#watermark !== undefined) return temperature < this.#target - this.#watermark
    return this.#target > 0 && Math.abs(this.#target - temperature) > 1
  }

  setTarget(target: number): void {
    if (target !== 0 && (target < this.#min || target > this.#max)) {
      throw new GcodeError(
        `Requested temperature (${target.toFixed(1)}) out of range (${this.#min.toFixed(1)}:${this.#max.toFixed(1)})`,
      )
    }
    this.#advance()
    this.#target = target
    this.#hotAt = undefined
    this.#cold = false
  }

  /** Sets the temperature of the simulated heater. */
  setTemperature(temperature: number): void {
    this.#advance()
    this.#thermal.set(temperature)
    this.#hotAt = undefined
    this.#cold = false
  }

  readTemperature(): { temperature: number; target: number } {
    this.#advance()
    const temperature = reading(this.#thermal.temperature, this.#host.clock.now, this.#seed)
    return { temperature, target: this.#target }
  }

  status(): Status {
    const { temperature, target } = this.readTemperature()
    return { temperature, target, power: Math.round(this.#thermal.power * 1e4) / 1e4 }
  }

  // The target at which it was last hot enough to extrude.
  #hotAt: number | undefined

  #advance(): void {
    const target = this.#target
    const delta = this.#watermark
    this.#thermal.advance(this.#host.clock.now, temperature => {
      if (target === 0 || !this.#powered) return 0
      if (delta === undefined) {
        return Math.min(this.#maxPower, holdingPower(this.#body, target, temperature))
      }
      if (temperature >= target + delta) this.#on = false
      else if (temperature <= target - delta) this.#on = true
      return this.#on ? this.#maxPower : 0
    })
  }

  // Klipper keeps the target in its status, while the micro-controller switches the heater off.
  #switchOff(): void {
    this.#advance()
    this.#powered = false
    this.#hotAt = undefined
  }
}

/** All heaters and sensors, the `heaters` object, and the commands about all of them. */
export class Heaters {
  readonly #host: Host
  readonly #keepAwake: () => void
  readonly #heaters = new Map<string, Heater>()
  readonly #sources = new Map<string, TemperatureSource>()
  readonly #byGcodeId = new Map<string, TemperatureSource>()
  readonly #heaterObjects: string[] = []
  readonly #monitors: string[] = []

  /** `keepAwake` is called while a command waits for a temperature. */
  constructor(host: Host, keepAwake: () => void) {
    this.#host = host
    this.#keepAwake = keepAwake
    const { gcode } = host
    gcode.register('TURN_OFF_HEATERS', () => this.turnOff(), 'Turn off all heaters')
    gcode.register('M105', () => gcode.respondRaw(this.report()), undefined, true)
  }

  /** Adds a heater under its section's name; `gcodeId` is its letter in M105. */
  add(section: Section, gcodeId?: string): Heater {
    const { gcode } = this.#host
    const heater = new Heater(this.#host, section)
    if (this.#heaters.has(heater.name)) throw new ConfigError(`Heater ${heater.name} already registered`)
    this.#heaters.set(heater.name, heater)
    this.#heaterObjects.push(section.name)
    this.addSource(section.name, heater, gcodeId ?? section.optionalText('gcode_id'))
    gcode.registerMux(
      'SET_HEATER_TEMPERATURE',
      'HEATER',
      heater.name,
      command => heater.setTarget(command.number('TARGET', 0)),
      'Sets a heater temperature',
    )
    return heater
  }

  /** Adds a sensor under its object's name. */
  addSource(name: string, source: TemperatureSource, gcodeId?: string): void {
    this.#sources.set(name, source)
    const wait = (command: GcodeCommand) => this.#waitCommand(command, source)
    const help = 'Wait for a temperature on a sensor'
    this.#host.gcode.registerMux('TEMPERATURE_WAIT', 'SENSOR', name, wait, help)
    if (gcodeId !== undefined) this.#byGcodeId.set(gcodeId, source)
  }

  /** A heater by its short name. Throws GcodeError. */
  heater(name: string): Heater {
    const heater = this.#heaters.get(name)
    if (heater === undefined) throw new UnsupportedError(`Unknown heater '${name}'`)
    return heater
  }

  get all(): Heater[] {
    return [...this.#heaters.values()]
  }

  turnOff(): void {
    for (const heater of this.#heaters.values()) heater.setTarget(0)
  }

  /** M105's response: `B:60.0 /60.0 T0:200.1 /200.0`. */
  report(): string {
    const parts = [...this.#byGcodeId]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([id, source]) => {
        const { temperature, target } = source.readTemperature()
        return `${id}:${temperature.toFixed(1)} /${target.toFixed(1)}`
      })
    return parts.length === 0 ? 'T:0' : parts.join(' ')
  }

  /** Sets a target; with `wait` it resolves when the target is reached, with a report each second. */
  async heat(heater: Heater, target: number, wait: boolean): Promise<void> {
    heater.setTarget(target)
    if (wait && target > 0) await this.waitWhile(() => heater.busy)
  }

  /** Reports temperatures each second while `busy` returns true. */
  async waitWhile(busy: () => boolean): Promise<void> {
    while (busy() && this.#host.lifecycle.ready) {
      this.#keepAwake()
      this.#host.gcode.respondRaw(this.report())
      await this.#host.waitUntil(this.#host.clock.now + 1)
    }
  }

  /** The `heaters` object. */
  status(): Status {
    return {
      available_heaters: this.#heaterObjects,
      available_sensors: [...this.#sources.keys()],
      available_monitors: this.#monitors,
    }
  }

  #waitCommand(command: GcodeCommand, source: TemperatureSource): Promise<void> {
    const min = command.optionalNumber('MINIMUM') ?? Number.NEGATIVE_INFINITY
    const max = command.number('MAXIMUM', Number.POSITIVE_INFINITY, { above: min })
    if (!Number.isFinite(min) && !Number.isFinite(max)) {
      throw new GcodeError("Error on 'TEMPERATURE_WAIT': missing MINIMUM or MAXIMUM.")
    }
    return this.waitWhile(() => {
      const { temperature } = source.readTemperature()
      return temperature < min || temperature > max
    })
  }
}

/** Reads the options of a temperature sensor, which have no effect here; returns its type. */
export function readSensor(section: Section): string {
  const type = section.text('sensor_type')
  if (section.has('sensor_pin')) {
    section.text('sensor_pin')
    section.number('pullup_resistor', 4700, { above: 0 })
    section.number('inline_resistor', 0, { min: 0 })
  }
  return type
}

function verifySettings(host: Host, name: string): void {
  const section = host.config.section(`verify_heater ${name}`)
  section.number('hysteresis', 5, { min: 0 })
  section.number('max_error', 120, { min: 0 })
  section.number('heating_gain', 2, { above: 0 })
  section.number('check_gain_time', name === 'heater_bed' ? 60 : 20, { min: 1 })
}

/** A number derived from a name, so that sensors differ from each other. */
export function seedOf(name: string): number {
  let seed = 7
  for (const char of name) seed = (seed * 31 + char.charCodeAt(0)) % 997
  return seed
}
