// The entities of what this printer has: heaters, temperature sensors, fans, filament sensors.
import type { ObjectRequest } from '../../../klippy/object-request.ts'
import { type Entity, field, gcode, rounded, shortName, slug, title } from './entity.ts'
import { numberIn } from './payloads.ts'

/** Klipper's configuration: options by section. */
export type Settings = Readonly<Record<string, Readonly<Record<string, unknown>>>>

const TEMPERATURE = {
  device_class: 'temperature',
  unit_of_measurement: '°C',
  suggested_display_precision: 1,
}
const PERCENT = { unit_of_measurement: '%' }

/** Sensors of the controllers and of the computer: of little interest in a home. */
const OF_ELECTRONICS = /mcu|host|cpu|board|driver|raspberry|\bpi\b|_pi\b|toolhead/i

const HEATER = /^(extruder\d*|heater_bed|heater_generic .+)$/
const SENSOR = /^temperature_(sensor|fan) .+$/
const FAN = /^(fan|(heater|controller|temperature)_fan .+|fan_generic .+)$/
const FILAMENT = /^filament_(switch|motion)_sensor .+$/

/** The fields to subscribe to of those objects that have entities here. */
export function objectRequest(objects: readonly string[]): ObjectRequest {
  const wanted = objects.flatMap((object): [string, string[]][] => {
    const fields = [
      ...(HEATER.test(object) || SENSOR.test(object) ? ['temperature', 'target'] : []),
      ...(FAN.test(object) ? ['speed'] : []),
      ...(FILAMENT.test(object) ? ['filament_detected'] : []),
    ]
    return fields.length === 0 ? [] : [[object, fields]]
  })
  return Object.fromEntries(wanted)
}

/** The sensors of these objects. */
export function objectSensors(objects: readonly string[]): Entity[] {
  return objects.flatMap(object => [
    ...(HEATER.test(object) || SENSOR.test(object) ? temperatures(object) : []),
    ...(FAN.test(object) ? [fanSpeed(object)] : []),
    ...(FILAMENT.test(object) ? [filament(object)] : []),
  ])
}

function temperatures(object: string): Entity[] {
  const key = slug(shortName(object))
  const hasTarget = !object.startsWith('temperature_sensor ')
  const isDiagnostic = !hasTarget && OF_ELECTRONICS.test(shortName(object))
  const diagnostic = isDiagnostic && { entity_category: 'diagnostic', enabled_by_default: false }
  const sensor = (suffix: string, name: string, fieldName: string, config: object): Entity => ({
    key: `${key}${suffix}`,
    platform: 'sensor',
    config: { name, ...TEMPERATURE, ...config },
    value: view => rounded(field(view, object, fieldName), 1),
  })
  return [
    sensor('', title(object), 'temperature', { state_class: 'measurement', ...diagnostic }),
    ...(hasTarget ? [sensor('_target', `${title(object)} target`, 'target', {})] : []),
  ]
}

function fanSpeed(object: string): Entity {
  return {
    key: `${slug(object)}_speed`,
    platform: 'sensor',
    config: { name: fanName(object), ...PERCENT, state_class: 'measurement', icon: 'mdi:fan' },
    value: view => percent(field(view, object, 'speed')),
  }
}

function fanName(object: string): string {
  return object === 'fan' ? 'Part fan' : title(object)
}

function percent(value: unknown): number | null {
  return typeof value === 'number' ? rounded(value * 100, 0) : null
}

function filament(object: string): Entity {
  return {
    key: `${slug(shortName(object))}_filament`,
    platform: 'binary_sensor',
    config: { name: `Filament ${shortName(object)}`, icon: 'mdi:printer-3d-nozzle' },
    value: view => {
      const detected = field(view, object, 'filament_detected')
      return typeof detected === 'boolean' ? (detected ? 'ON' : 'OFF') : null
    },
  }
}

/** Numbers that set heaters and fans. A heater without a known limit has none. */
export function objectNumbers(objects: readonly string[], settings: Settings): Entity[] {
  return objects.flatMap(object => [
    ...(HEATER.test(object) || object.startsWith('temperature_fan ') ? heaterTarget(object, settings) : []),
    ...(object === 'fan' || object.startsWith('fan_generic ') ? [fanNumber(object)] : []),
  ])
}

function heaterTarget(object: string, settings: Settings): Entity[] {
  // Klipper's names of sections are in lower case in its settings.
  const max = settings[object.toLowerCase()]?.max_temp
  if (typeof max !== 'number') return []
  const name = shortName(object)
  const isFan = object.startsWith('temperature_fan ')
  return [
    {
      key: `${slug(name)}_set`,
      platform: 'number',
      config: {
        name: `Set ${title(object).toLowerCase()}`,
        ...TEMPERATURE,
        min: 0,
        max,
        step: 1,
        mode: 'box',
      },
      value: view => rounded(field(view, object, 'target'), 1),
      command: payload => {
        const target = numberIn(payload, 0, max)
        return gcode(
          isFan
            ? `SET_TEMPERATURE_FAN_TARGET TEMPERATURE_FAN="${name}" TARGET=${target}`
            : `SET_HEATER_TEMPERATURE HEATER="${name}" TARGET=${target}`,
        )
      },
    },
  ]
}

function fanNumber(object: string): Entity {
  const name = shortName(object)
  return {
    key: `${slug(object)}_set`,
    platform: 'number',
    config: { name: `Set ${fanName(object).toLowerCase()}`, ...PERCENT, min: 0, max: 100, step: 1 },
    value: view => percent(field(view, object, 'speed')),
    command: payload => {
      const speed = numberIn(payload, 0, 100)
      if (object === 'fan') return gcode(`M106 S${Math.round(speed * 2.55)}`)
      return gcode(`SET_FAN_SPEED FAN="${name}" SPEED=${speed / 100}`)
    },
  }
}
