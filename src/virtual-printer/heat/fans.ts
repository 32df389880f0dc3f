// Fans: the part cooling fan, those that follow heaters or steppers, and named ones.

import type { Section } from '../config/section.ts'
import { GcodeError } from '../errors.ts'
import type { Host } from '../host.ts'
import type { Status, StatusSource } from '../objects.ts'
import type { Heaters, TemperatureSource } from './heaters.ts'

/** A fan with the limits of its section; speeds are 0 to 1. */
export class Fan implements StatusSource {
  readonly #maxPower: number
  readonly #offBelow: number
  readonly #tachometer: boolean
  #speed = 0

  constructor(section: Section, shutdownSpeed = 0) {
    this.#maxPower = section.number('max_power', 1, { above: 0, max: 1 })
    section.number('kick_start_time', 0.1, { min: 0 })
    this.#offBelow = section.number('off_below', 0, { min: 0, max: 1 })
    section.number('cycle_time', 0.01, { above: 0 })
    section.boolean('hardware_pwm', false)
    section.number('shutdown_speed', shutdownSpeed, { min: 0, max: 1 })
    section.text('pin')
    this.#tachometer = section.has('tachometer_pin')
  }

  get speed(): number {
    return this.#speed
  }

  set(speed: number): void {
    const bounded = Math.min(1, Math.max(0, speed)) * this.#maxPower
    this.#speed = bounded < this.#offBelow ? 0 : bounded
  }

  status(): Status {
    return { speed: this.#speed, rpm: this.#tachometer ? Math.round(this.#speed * 5200) : null }
  }
}

/** `[fan]`: M106 and M107. */
export function partFan(host: Host, section: Section): Fan {
  const fan = new Fan(section)
  host.gcode.register('M106', command => fan.set(command.number('S', 255, { min: 0 }) / 255))
  host.gcode.register('M107', () => fan.set(0))
  return fan
}

/** `[fan_generic NAME]`: SET_FAN_SPEED. */
export function genericFan(host: Host, section: Section): Fan {
  const fan = new Fan(section)
  host.gcode.registerMux(
    'SET_FAN_SPEED',
    'FAN',
    section.title,
    command => {
      if (!command.has('SPEED')) throw new GcodeError('SET_FAN_SPEED must specify SPEED or TEMPLATE')
      fan.set(command.number('SPEED', undefined, { min: 0 }))
    },
    'Sets the speed of a fan',
  )
  return fan
}

/** `[heater_fan NAME]`: runs while one of its heaters is on or hot. */
export function heaterFan(host: Host, section: Section, heaters: Heaters): StatusSource {
  const names = section.names('heater', ['extruder'])
  const hot = section.number('heater_temp', 50)
  const fan = new Fan(section, 1)
  const speed = section.number('fan_speed', 1, { min: 0, max: 1 })
  return {
    status() {
      if (host.lifecycle.ready) {
        const needed = heaters.all.some(h => names.includes(h.name) && (h.target > 0 || h.temperature > hot))
        fan.set(needed ? speed : 0)
      }
      return fan.status()
    },
  }
}

/** `[controller_fan NAME]`: runs while a motor or heater is on, and for some time after. */
export function controllerFan(
  host: Host,
  section: Section,
  heaters: Heaters,
  motorsOn: () => boolean,
): StatusSource {
  const fan = new Fan(section)
  const speed = section.number('fan_speed', 1, { min: 0, max: 1 })
  const idleSpeed = section.number('idle_speed', speed, { min: 0, max: 1 })
  const idleTime = section.integer('idle_timeout', 30, { min: 0 })
  const names = section.names('heater', ['extruder'])
  let lastNeeded = Number.NEGATIVE_INFINITY
  return {
    status() {
      if (host.lifecycle.ready) {
        const needed = motorsOn() || heaters.all.some(h => names.includes(h.name) && h.target > 0)
        if (needed) lastNeeded = host.clock.now
        fan.set(needed ? speed : host.clock.now - lastNeeded < idleTime ? idleSpeed : 0)
      }
      return fan.status()
    },
  }
}

/** `[temperature_fan NAME]`: cools its sensor to a target. */
export function temperatureFan(
  host: Host,
  section: Section,
  sensor: TemperatureSource,
  heaters: Heaters,
): StatusSource {
  const fan = new Fan(section, 1)
  const min = section.number('min_temp', undefined, { min: -273.15 })
  const max = section.number('max_temp', undefined, { above: min })
  let maxSpeed = section.number('max_speed', 1, { above: 0, max: 1 })
  let minSpeed = section.number('min_speed', 0.3, { min: 0, max: 1 })
  const configured = section.number('target_temp', Math.min(max, 40), { min, max })
  if (section.choice('control', ['watermark', 'pid', 'curve']) === 'watermark')
    section.number('max_delta', 2, { above: 0 })
  let target = configured
  const source: TemperatureSource = {
    readTemperature: () => ({ temperature: sensor.readTemperature().temperature, target }),
  }
  heaters.addSource(section.name, source, section.optionalText('gcode_id'))
  host.gcode.registerMux(
    'SET_TEMPERATURE_FAN_TARGET',
    'TEMPERATURE_FAN',
    section.title,
    command => {
      const wanted = command.number('TARGET', configured)
      const range = `(${min.toFixed(1)}:${max.toFixed(1)})`
      if (wanted !== 0 && (wanted < min || wanted > max)) {
        throw new GcodeError(`Requested temperature (${wanted.toFixed(1)}) out of range ${range}`)
      }
      const slowest = command.number('MIN_SPEED', minSpeed, { min: 0, max: 1 })
      const fastest = command.number('MAX_SPEED', maxSpeed, { min: 0, max: 1 })
      if (slowest > fastest) {
        throw new GcodeError(
          `Requested min speed (${slowest.toFixed(1)}) is greater than max speed (${fastest.toFixed(1)})`,
        )
      }
      target = wanted
      minSpeed = slowest
      maxSpeed = fastest
    },
    'Sets a temperature fan target and fan speed limits',
  )
  return {
    status() {
      const { temperature } = sensor.readTemperature()
      const over = (temperature - target) / 10
      const wanted = target === 0 || over <= 0 ? 0 : Math.min(maxSpeed, Math.max(minSpeed, over))
      if (host.lifecycle.ready) fan.set(wanted)
      return { ...fan.status(), temperature, target }
    },
  }
}
