// The status of a common printer: 60 objects as Mainsail subscribes to them, and what of them changes on each of
// Klippy's ticks, while it prints and while it is idle.

type Fields = Record<string, unknown>
type Status = Record<string, Fields>

const MACROS = [
  'PAUSE',
  'RESUME',
  'CANCEL_PRINT',
  'PRINT_START',
  'PRINT_END',
  'LOAD_FILAMENT',
  'UNLOAD_FILAMENT',
  'M600',
  'PARK',
  'PURGE_LINE',
  'BED_LEVEL',
  'LIGHT_ON',
  'LIGHT_OFF',
  'TIMELAPSE_TAKE_FRAME',
  'HEAT_SOAK',
  'TEST_SPEED',
]

const STEPPERS = ['stepper_x', 'stepper_y', 'stepper_z', 'extruder']

/** As many settings as a printer.cfg has: a subscription to `configfile` sends them all. */
function configuration(): Status {
  const section = (name: string) => [
    name,
    Object.fromEntries(
      Array.from({ length: 12 }, (_, index) => [`option_${index}`, `value ${index} of ${name}`]),
    ),
  ]
  return Object.fromEntries([...MACROS.map(name => `gcode_macro ${name}`), ...STEPPERS].map(section))
}

function macros(): Status {
  return Object.fromEntries(
    MACROS.map(name => [`gcode_macro ${name}`, { last_extruder_temp: 0, restore_idle_timeout: 0 }]),
  )
}

function drivers(): Status {
  return Object.fromEntries(
    STEPPERS.map(name => [
      `tmc2209 ${name}`,
      {
        run_current: 0.8,
        hold_current: 0.5,
        phase_offset_position: null,
        drv_status: null,
        temperature: null,
      },
    ]),
  )
}

const MCU = {
  mcu_version: 'v0.13.0-0-gbench',
  mcu_build_versions: 'gcc: 12.2',
  mcu_constants: { CLOCK_FREQ: 72_000_000, MCU: 'stm32f103xe', STEPPER_BOTH_EDGE: 1, ADC_MAX: 4095 },
  last_stats: {
    mcu_awake: 0.011,
    mcu_task_avg: 0.000012,
    bytes_write: 1,
    bytes_read: 1,
    srtt: 0.001,
    freq: 72_000_000,
  },
}

/** The printer before its first tick: 60 objects. */
export function sessionStatus(): Status {
  return {
    webhooks: { state: 'ready', state_message: 'Printer is ready' },
    configfile: {
      config: configuration(),
      settings: configuration(),
      warnings: [],
      save_config_pending: false,
    },
    gcode: { commands: Object.fromEntries(MACROS.map(name => [name, { help: `Runs ${name}` }])) },
    mcu: MCU,
    'mcu toolhead': MCU,
    heaters: {
      available_heaters: ['extruder', 'heater_bed'],
      available_sensors: ['extruder', 'heater_bed', ...SENSORS],
      available_monitors: [],
    },
    gcode_move: {
      speed_factor: 1,
      speed: 4800,
      extrude_factor: 1,
      absolute_coordinates: true,
      absolute_extrude: true,
      homing_origin: [0, 0, 0, 0],
      position: [0, 0, 0, 0],
      gcode_position: [0, 0, 0, 0],
    },
    toolhead: {
      homed_axes: 'xyz',
      axis_minimum: [0, 0, -2, 0],
      axis_maximum: [250, 250, 250, 0],
      stalls: 0,
      print_time: 0,
      estimated_print_time: 0,
      extruder: 'extruder',
      position: [0, 0, 0, 0],
      max_velocity: 300,
      max_accel: 3000,
      minimum_cruise_ratio: 0.5,
      square_corner_velocity: 5,
    },
    motion_report: {
      live_position: [0, 0, 0, 0],
      live_velocity: 0,
      live_extruder_velocity: 0,
      steppers: STEPPERS,
      trapq: ['extruder', 'toolhead'],
    },
    extruder: { temperature: 215, target: 215, power: 0.35, can_extrude: true, pressure_advance: 0.04 },
    heater_bed: { temperature: 60, target: 60, power: 0.22 },
    ...Object.fromEntries(SENSORS.map(name => [name, { temperature: 38 }])),
    fan: { speed: 0.78, rpm: null },
    'heater_fan hotend_fan': { speed: 1, rpm: null },
    'controller_fan electronics_fan': { speed: 0.5, rpm: null },
    print_stats: {
      filename: 'part.gcode',
      state: 'printing',
      message: '',
      info: { total_layer: 120, current_layer: 14 },
      total_duration: 1402.5,
      print_duration: 1366.1,
      filament_used: 1824.3,
    },
    virtual_sdcard: {
      file_path: '/gcodes/part.gcode',
      file_size: 12_842_311,
      is_active: true,
      progress: 0.41,
      file_position: 5_313_277,
    },
    display_status: { progress: 0.41, message: null },
    pause_resume: { is_paused: false },
    idle_timeout: { state: 'Printing', printing_time: 1402.6 },
    system_stats: { sysload: 0.41, cputime: 812.4, memavail: 612_384 },
    exclude_object: { objects: [], excluded_objects: [], current_object: null },
    bed_mesh: {
      profile_name: 'default',
      mesh_min: [15, 15],
      mesh_max: [235, 235],
      profiles: {},
      probed_matrix: Array.from({ length: 5 }, (_, y) =>
        Array.from({ length: 5 }, (__, x) => (x * y) / 1000),
      ),
    },
    probe: { name: 'probe', last_query: false, last_z_result: 0.002 },
    query_endstops: { last_query: {} },
    stepper_enable: { steppers: Object.fromEntries(STEPPERS.map(name => [name, true])) },
    manual_probe: { is_active: false, z_position: null, z_position_lower: null, z_position_upper: null },
    bed_screws: { is_active: false, state: null, current_screw: 0, accepted_screws: 0 },
    'filament_switch_sensor filament': { filament_detected: true, enabled: true },
    'output_pin caselight': { value: 0.5 },
    'neopixel toolhead': { color_data: [[0.2, 0, 0, 0]] },
    firmware_retraction: { retract_length: 0.5, retract_speed: 35, unretract_speed: 35 },
    'fan_generic auxiliary': { speed: 0, rpm: null },
    'servo flap': { value: 0 },
    z_tilt: { applied: false },
    screws_tilt_adjust: { error: false, max_deviation: null, results: {} },
    save_variables: { variables: { z_offset: 0.02 } },
    ...drivers(),
    ...macros(),
  }
}

const SENSORS = [
  'temperature_sensor chamber',
  'temperature_sensor mcu_temp',
  'temperature_sensor raspberry_pi',
  'temperature_fan exhaust',
]

/** The same printer, which does nothing. */
export function idleStatus(): Status {
  const { print_stats, virtual_sdcard, idle_timeout, ...rest } = sessionStatus()
  return {
    ...rest,
    print_stats: { ...print_stats, state: 'standby', filename: '' },
    virtual_sdcard: { ...virtual_sdcard, is_active: false },
    idle_timeout: { ...idle_timeout, state: 'Ready' },
  }
}

/** A number with the digits that Klippy sends. */
const digits = (value: number, count: number) => Number(value.toFixed(count))
/** Measured values differ from tick to tick. */
const noise = (tick: number, range: number) => digits(range * Math.sin(tick * 1.7), 2)

function temperatures(tick: number): Status {
  return {
    extruder: { temperature: 215 + noise(tick, 0.4), power: digits(0.35 + noise(tick, 0.05), 6) },
    heater_bed: { temperature: 60 + noise(tick + 1, 0.2), power: digits(0.22 + noise(tick, 0.03), 6) },
    ...Object.fromEntries(
      SENSORS.map((name, index) => [name, { temperature: 38 + noise(tick + index, 0.3) }]),
    ),
  }
}

/** What changes on tick `tick` of a print: about 1 kB of JSON. */
export function printingChanges(tick: number): Status {
  const seconds = tick / 4
  const [x, y, e] = [
    digits(110 + 60 * Math.sin(tick), 3),
    digits(95 + 50 * Math.cos(tick), 3),
    digits(tick / 7, 5),
  ]
  const everySecond: Status = {
    system_stats: { sysload: digits(0.4 + noise(tick, 0.1), 2), cputime: digits(812 + seconds / 5, 6) },
    mcu: { last_stats: { ...MCU.last_stats, bytes_write: tick * 812, bytes_read: tick * 415 } },
    'mcu toolhead': { last_stats: { ...MCU.last_stats, bytes_write: tick * 311, bytes_read: tick * 220 } },
  }
  return {
    ...temperatures(tick),
    toolhead: {
      position: [x, y, 2.8, e],
      print_time: digits(1375.4953 + seconds, 6),
      estimated_print_time: digits(1374.8921 + seconds, 6),
    },
    gcode_move: { position: [x, y, 2.8, e], gcode_position: [x, y, 2.8, e], speed: 4800 + (tick % 3) * 600 },
    motion_report: {
      live_position: [digits(x - 0.4, 3), digits(y + 0.3, 3), 2.8, digits(e - 0.01, 5)],
      live_velocity: digits(80 + noise(tick, 20), 6),
      live_extruder_velocity: digits(2.7 + noise(tick, 1), 6),
    },
    print_stats: {
      total_duration: digits(1402.5521 + seconds, 6),
      print_duration: digits(1366.12 + seconds, 6),
      filament_used: digits(1824.31 + e, 5),
    },
    virtual_sdcard: { progress: digits(0.41372 + tick / 20_000, 8), file_position: 5_313_277 + tick * 420 },
    display_status: { progress: digits(0.41 + tick / 20_000, 6) },
    idle_timeout: { printing_time: digits(1402.6 + seconds, 6) },
    ...(tick % 4 === 0 && everySecond),
  }
}

/** What changes on tick `tick` of an idle printer. */
export function idleChanges(tick: number): Status {
  return {
    ...temperatures(tick),
    toolhead: { estimated_print_time: digits(1374.8921 + tick / 4, 6) },
  }
}
