// Temperature sensors without a heater: values near the temperature of the room, the electronics or the host.

import type { Section } from '../config/section.ts'
import type { Host } from '../host.ts'
import type { Status, StatusSource } from '../objects.ts'
import { seedOf, type TemperatureSource } from './heaters.ts'
import { reading } from './thermal.ts'

/** A sensor whose value drifts slowly around a base; tests may set it. */
export class RoomSensor implements TemperatureSource {
  readonly #host: Host
  readonly #seed: number
  #base: number

  constructor(host: Host, name: string, base: number) {
    this.#host = host
    this.#seed = seedOf(name)
    this.#base = base
  }

  /** Sets the temperature of the simulated sensor in °C. */
  setTemperature(temperature: number): void {
    this.#base = temperature
  }

  readTemperature(): { temperature: number; target: number } {
    const now = this.#host.clock.now
    const drift = Math.sin(now / 90 + this.#seed) * 0.6
    return { temperature: reading(this.#base + drift, now, this.#seed), target: 0 }
  }
}

/** The base temperature of a sensor by its type: hosts and boards are warmer than air. */
export function sensorBase(type: string): number {
  if (type.includes('host')) return 44
  if (type.includes('mcu')) return 38
  return 27
}

/** The `temperature_sensor NAME` object: value and the extremes since the start. */
export function temperatureSensor(section: Section, sensor: TemperatureSource): StatusSource {
  section.number('min_temp', -273.15, { min: -273.15 })
  section.number('max_temp', 99999999.9, { above: -273.15 })
  let min = 99999999
  let max = 0
  return {
    status(): Status {
      const { temperature } = sensor.readTemperature()
      min = Math.min(min, temperature)
      max = Math.max(max, temperature)
      return { temperature, measured_min_temp: min, measured_max_temp: max }
    },
  }
}
