// The metrics of each kind of Klipper's status objects, under the names and labels of prometheus-klipper-exporter.
import type { ObjectStatus } from '../../api/printer.ts'
import { isPlainObject } from '../../schema/index.ts'
import { type Family, labelText, type MetricType, type Sample } from './exposition.ts'

/** One metric of an object. */
export interface Metric extends Family {
  /** The fields that it is read from. */
  readonly fields: readonly string[]
  /** The value of an object, or its series with labels of their own; undefined or none if the value is missing. */
  readonly read: (status: ObjectStatus) => number | undefined | readonly Sample[]
}

/** The metrics of one kind of objects. */
export interface Kind {
  /** The name of an object of this kind without its type; undefined for an object of another kind. */
  readonly nameOf: (object: string) => string | undefined
  /** Null for a kind with one object. */
  readonly label: string | null
  readonly metrics: readonly Metric[]
}

function numeric(type: MetricType, name: string, path: string, help: string): Metric {
  const [field = '', child] = path.split('.')
  return {
    name: `klipper_${name}`,
    type,
    help,
    fields: [field],
    read(status) {
      const value = child === undefined ? status[field] : childOf(status[field], child)
      if (typeof value === 'number') return value
      return typeof value === 'boolean' ? Number(value) : undefined
    },
  }
}

function childOf(value: unknown, key: string): unknown {
  return isPlainObject(value) || Array.isArray(value) ? (value as Record<string, unknown>)[key] : undefined
}

const gauge = (name: string, path: string, help: string) => numeric('gauge', name, path, help)
const counter = (name: string, path: string, help: string) => numeric('counter', name, path, help)

/** 1, with the text of the field as the label `state`. */
function state(name: string, help: string): Metric {
  const read = ({ state }: ObjectStatus) => textSamples([state], text => ({ state: text }))
  return { name: `klipper_${name}_state_info`, type: 'gauge', help, fields: ['state'], read }
}

/** A series with the value 1 for each text that is not empty. */
function textSamples(
  values: readonly unknown[],
  labelsOf: (text: string, index: number) => Readonly<Record<string, string>>,
): Sample[] {
  return values.flatMap((text, index) =>
    typeof text === 'string' && text !== '' ? [{ value: 1, labels: labelText(labelsOf(text, index)) }] : [],
  )
}

/** Each axis that is homed, of a text such as `xyz`. */
function homedAxes(text: unknown): string[] {
  return typeof text === 'string' ? text.split('') : []
}

function one(object: string, ...metrics: Metric[]): Kind {
  return { nameOf: name => (name === object ? name : undefined), label: null, metrics }
}

/** What follows one of the types, as in `TYPE NAME`. */
function nameAfter(types: readonly string[], object: string): string | undefined {
  const type = types.find(each => object.startsWith(`${each} `))
  return type === undefined ? undefined : object.slice(type.length + 1)
}

/** The objects `TYPE NAME` of some types. */
function named(types: string | readonly string[], label: string, ...metrics: Metric[]): Kind {
  return { nameOf: object => nameAfter([types].flat(), object), label, metrics }
}

function fan(type: string, name: string): Kind {
  return named(
    type,
    'fan',
    gauge(`${name}_speed`, 'speed', 'Speed of the fan, 0 to 1'),
    gauge(`${name}_rpm`, 'rpm', 'Turns of the fan in a minute'),
  )
}

function sensor(type: string, ...further: Metric[]): Kind {
  return named(
    type,
    'sensor',
    gauge(`${type}_temperature`, 'temperature', 'Temperature, in °C'),
    gauge(`${type}_measured_min_temp`, 'measured_min_temp', 'Lowest temperature since the start, in °C'),
    gauge(`${type}_measured_max_temp`, 'measured_max_temp', 'Highest temperature since the start, in °C'),
    ...further,
  )
}

const heater = (name: string) => [
  gauge(`${name}_temperature`, 'temperature', 'Temperature, in °C'),
  gauge(`${name}_target`, 'target', 'Target temperature, in °C; 0 for off'),
  gauge(`${name}_power`, 'power', 'Power of the heater, 0 to 1'),
]

const mcu = (name: string, field: string, help: string) => gauge(`mcu_${name}`, `last_stats.${field}`, help)

/** Every kind of objects with metrics. An object belongs to the first that matches. */
export const KINDS: readonly Kind[] = [
  one(
    'gcode_move',
    gauge('gcode_speed_factor', 'speed_factor', 'Factor of all speeds (M220)'),
    gauge('gcode_speed', 'speed', 'Speed of the last move, in mm/s'),
    gauge('gcode_extrude_factor', 'extrude_factor', 'Factor of all extrusion (M221)'),
    gauge('gcode_position_x', 'gcode_position.0', 'X in coordinates of G-code, in mm'),
    gauge('gcode_position_y', 'gcode_position.1', 'Y in coordinates of G-code, in mm'),
    gauge('gcode_position_z', 'gcode_position.2', 'Z in coordinates of G-code, in mm'),
    gauge('gcode_position_e', 'gcode_position.3', 'E in coordinates of G-code, in mm'),
  ),
  {
    nameOf: object => (object === 'mcu' ? object : nameAfter(['mcu'], object)),
    label: 'mcu',
    metrics: [
      mcu('awake', 'mcu_awake', 'Share of the time in which the controller was busy'),
      mcu('task_avg', 'mcu_task_avg', 'Mean time of a task, in s'),
      mcu('task_stddev', 'mcu_task_stddev', 'Standard deviation of the time of a task, in s'),
      mcu('write_bytes', 'bytes_write', 'Bytes sent to the controller'),
      mcu('read_bytes', 'bytes_read', 'Bytes received from the controller'),
      mcu('retransmit_bytes', 'bytes_retransmit', 'Bytes sent again'),
      mcu('invalid_bytes', 'bytes_invalid', 'Bytes received that were invalid'),
      mcu('send_seq', 'send_seq', 'Sequence number of the last message sent'),
      mcu('receive_seq', 'receive_seq', 'Sequence number of the last message received'),
      mcu('retransmit_seq', 'retransmit_seq', 'Sequence number of the last message sent again'),
      mcu('srtt', 'srtt', 'Smoothed round-trip time, in s'),
      mcu('rttvar', 'rttvar', 'Variation of the round-trip time, in s'),
      mcu('rto', 'rto', 'Time after which a message is sent again, in s'),
      mcu('ready_bytes', 'ready_bytes', 'Bytes that are ready to be sent'),
      mcu('stalled_bytes', 'stalled_bytes', 'Bytes that wait for their time'),
      mcu('clock_frequency', 'freq', "Measured frequency of the controller's clock, in Hz"),
    ],
  },
  one(
    'toolhead',
    gauge(
      'toolhead_print_time',
      'print_time',
      'Time of the last planned move, on the clock of the controller',
    ),
    gauge(
      'toolhead_estimated_print_time',
      'estimated_print_time',
      'Time now, on the clock of the controller',
    ),
    gauge('toolhead_max_velocity', 'max_velocity', 'Limit of the velocity, in mm/s'),
    gauge('toolhead_max_accel', 'max_accel', 'Limit of the acceleration, in mm/s²'),
    gauge(
      'toolhead_max_accel_to_decel',
      'max_accel_to_decel',
      'Limit of accelerations that end at once, in mm/s²',
    ),
    gauge(
      'toolhead_square_corner_velocity',
      'square_corner_velocity',
      'Velocity in a corner of 90°, in mm/s',
    ),
    {
      name: 'klipper_toolhead_homed_axes_info',
      type: 'gauge',
      help: 'One series for each homed axis',
      fields: ['homed_axes'],
      read: ({ homed_axes }) => textSamples(homedAxes(homed_axes), axis => ({ axis })),
    },
    counter('toolhead_stalls_total', 'stalls', 'Times the printer had to wait for the next move'),
  ),
  one(
    'extruder',
    ...heater('extruder'),
    gauge('extruder_pressure_advance', 'pressure_advance', 'Pressure advance, in s'),
    gauge('extruder_smooth_time', 'smooth_time', 'Time over which pressure advance is smoothed, in s'),
  ),
  one('heater_bed', ...heater('heater_bed')),
  one(
    'fan',
    gauge('fan_speed', 'speed', 'Speed of the part cooling fan, 0 to 1'),
    gauge('fan_rpm', 'rpm', 'Turns of the part cooling fan in a minute'),
  ),
  one(
    'idle_timeout',
    counter('printing_time', 'printing_time', 'Time in the state Printing, in s'),
    state('idle_timeout', 'State of the idle timeout'),
  ),
  one(
    'virtual_sdcard',
    counter('print_file_progress', 'progress', 'Share of the file that is read, 0 to 1'),
    counter('print_file_position', 'file_position', 'Bytes of the file that are read'),
    gauge('sdcard_active', 'is_active', '1 while the file is read'),
  ),
  one(
    'print_stats',
    counter('print_total_duration', 'total_duration', 'Time since the start of the print, in s'),
    counter(
      'print_print_duration',
      'print_duration',
      'Time since the start of the print without pauses, in s',
    ),
    counter('print_filament_used', 'filament_used', 'Filament used by the print, in mm'),
    state('print', 'State of the print'),
    {
      name: 'klipper_printing',
      type: 'gauge',
      help: '1 while a print runs and is not paused',
      fields: ['state'],
      read: ({ state }) => (state ? Number(state === 'printing') : undefined),
    },
  ),
  one('webhooks', state('webhooks', 'State of Klippy')),
  one('pause_resume', gauge('pause_resume_is_paused', 'is_paused', '1 while the print is paused')),
  one(
    'display_status',
    counter('print_gcode_progress', 'progress', 'Progress by the file itself (M73), 0 to 1'),
  ),
  sensor('temperature_sensor'),
  named(
    'temperature_fan',
    'fan',
    gauge('temperature_fan_speed', 'speed', 'Speed of the fan, 0 to 1'),
    gauge('temperature_fan_temperature', 'temperature', 'Temperature, in °C'),
    gauge('temperature_fan_target', 'target', 'Target temperature, in °C'),
    gauge('temperature_fan_rpm', 'rpm', 'Turns of the fan in a minute'),
  ),
  sensor(
    'temperature_probe',
    gauge(
      'temperature_probe_estimated_expansion',
      'estimated_expansion',
      'Estimated thermal expansion, in mm',
    ),
  ),
  named('output_pin', 'pin', gauge('output_pin_value', 'value', 'Value of the pin, 0 to 1')),
  fan('fan_generic', 'generic_fan'),
  fan('controller_fan', 'controller_fan'),
  fan('heater_fan', 'heater_fan'),
  named(
    ['filament_switch_sensor', 'filament_motion_sensor'],
    'sensor',
    gauge('filament_sensor_detected', 'filament_detected', '1 while the sensor detects filament'),
    gauge('filament_sensor_enabled', 'enabled', '1 while the sensor is enabled'),
  ),
  named('heater_generic', 'heater', ...heater('generic_heater')),
  {
    // The type of the driver belongs to the name: tmc2209_stepper_x.
    nameOf: object => (object.startsWith('tmc') ? object.replaceAll(' ', '_') : undefined),
    label: 'sensor',
    metrics: [
      gauge('tmc_sensor_temperature', 'temperature', 'Temperature of the driver, in °C'),
      gauge('tmc_sensor_run_current', 'run_current', 'Current while the motor moves, in A'),
      {
        name: 'klipper_tmc_sensor_enabled',
        type: 'gauge',
        help: '1 while the driver is enabled',
        fields: ['drv_status'],
        read: ({ drv_status }) => Number(isPlainObject(drv_status)),
      },
    ],
  },
  one(
    'input_shaper',
    gauge('input_shaper_frequency_x', 'frequency_x', 'Frequency of the shaper of X, in Hz'),
    gauge('input_shaper_frequency_y', 'frequency_y', 'Frequency of the shaper of Y, in Hz'),
    gauge('input_shaper_damping_ratio_x', 'damping_ratio_x', 'Damping ratio of X'),
    gauge('input_shaper_damping_ratio_y', 'damping_ratio_y', 'Damping ratio of Y'),
    {
      name: 'klipper_input_shaper_type_info',
      type: 'gauge',
      help: 'Shaper of each axis',
      fields: ['shaper_type_x', 'shaper_type_y'],
      read: ({ shaper_type_x, shaper_type_y }) =>
        textSamples([shaper_type_x, shaper_type_y], (type, index) => ({ axis: 'xy'.charAt(index), type })),
    },
  ),
  one(
    'firmware_retraction',
    gauge('firmware_retract_length', 'retract_length', 'Length of a retraction, in mm'),
    gauge('firmware_retract_speed', 'retract_speed', 'Speed of a retraction, in mm/s'),
    gauge('firmware_unretract_extra_length', 'unretract_extra_length', 'Length added when it ends, in mm'),
    gauge('firmware_unretract_speed', 'unretract_speed', 'Speed with which it ends, in mm/s'),
  ),
]
