// The entities that control the printer.
import { type ControlLevel, type Entity, field, gcode, rounded, shortName, slug, title } from './entity.ts'
import { lights } from './lights.ts'
import { objectNumbers, type Settings } from './object-entities.ts'
import { numberIn, oneOf } from './payloads.ts'

/** What a button sends. */
const PRESS = 'PRESS'

/** Macros that have buttons of their own already. */
const PRINT_MACROS = new Set(['PAUSE', 'RESUME', 'CANCEL_PRINT'])

function button(
  key: string,
  name: string,
  call: ReturnType<NonNullable<Entity['command']>>,
  config = {},
): Entity {
  return {
    key,
    platform: 'button',
    config: { name, payload_press: PRESS, ...config },
    command: payload => {
      oneOf(payload, PRESS)
      return call
    },
  }
}

const PRINT_BUTTONS: readonly Entity[] = [
  button('pause', 'Pause', { method: 'printer.print.pause', params: {} }, { icon: 'mdi:pause' }),
  button('resume', 'Resume', { method: 'printer.print.resume', params: {} }, { icon: 'mdi:play' }),
  button('cancel', 'Cancel', { method: 'printer.print.cancel', params: {} }, { icon: 'mdi:stop' }),
  button(
    'emergency_stop',
    'Emergency stop',
    { method: 'printer.emergency_stop', params: {} },
    { icon: 'mdi:alert-octagon' },
  ),
]

const ALL_BUTTONS: readonly Entity[] = [
  {
    ...button(
      'restart',
      'Firmware restart',
      { method: 'printer.firmware_restart', params: {} },
      { device_class: 'restart' },
    ),
    withoutKlipper: true,
  },
  button(
    'start_queue',
    'Start queue',
    { method: 'server.job_queue.start', params: {} },
    { icon: 'mdi:tray-full' },
  ),
]

/** A factor of G-code in percent. */
function factor(key: string, name: string, fieldName: string, command: string, max: number): Entity {
  return {
    key,
    platform: 'number',
    config: { name, unit_of_measurement: '%', min: 1, max, step: 1, mode: 'box' },
    value: view => {
      const value = field(view, 'gcode_move', fieldName)
      return typeof value === 'number' ? rounded(value * 100, 0) : null
    },
    command: payload => gcode(`${command} S${numberIn(payload, 1, max)}`),
  }
}

const FACTORS: readonly Entity[] = [
  factor('speed_factor', 'Speed factor', 'speed_factor', 'M220', 500),
  factor('flow_factor', 'Flow factor', 'extrude_factor', 'M221', 200),
]

function macros(objects: readonly string[]): Entity[] {
  return objects
    .filter(object => object.startsWith('gcode_macro '))
    .map(shortName)
    .filter(name => !name.startsWith('_') && !PRINT_MACROS.has(name.toUpperCase()))
    .map(name =>
      button(`macro_${slug(name)}`, title(name.toLowerCase()), gcode(name), { icon: 'mdi:script' }),
    )
}

/** A switch for each power device that is not locked while a print runs. */
function powerSwitches(devices: readonly string[]): Entity[] {
  return devices.map(device => ({
    key: `power_${slug(device)}`,
    platform: 'switch',
    config: { name: title(device), payload_on: 'on', payload_off: 'off', icon: 'mdi:power' },
    value: view => view.power[device] ?? null,
    command: payload => ({
      method: 'machine.device_power.post_device',
      params: { device, action: oneOf(payload, 'on', 'off') },
    }),
    withoutKlipper: true,
  }))
}

/** The status object that these entities need in addition. */
export const CONTROL_OBJECTS = { gcode_move: ['speed_factor', 'extrude_factor'] }

/** What the controls depend on. */
export interface ControlParts {
  readonly level: ControlLevel
  readonly objects: readonly string[]
  readonly settings: Settings
  /** Names of power devices. */
  readonly power: readonly string[]
}

export function controlEntities({ level, objects, settings, power }: ControlParts): Entity[] {
  if (level === 'none') return []
  const forPrint = [...PRINT_BUTTONS, ...powerSwitches(power), ...lights(objects, settings)]
  if (level === 'print') return forPrint
  return [...forPrint, ...ALL_BUTTONS, ...FACTORS, ...objectNumbers(objects, settings), ...macros(objects)]
}
