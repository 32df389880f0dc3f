// What Klipper itself takes for the samples: the rows that `bench/klipper-times.ts` prints with v0.13.0-730.
import { readMachine } from '../../../../src/components/analysis/estimator/machine.ts'

const common = {
  stepper_x: { position_min: -1000, position_max: 1000, position_endstop: 0 },
  stepper_y: { position_min: -1000, position_max: 1000, position_endstop: 0 },
  stepper_z: { position_min: -100, position_max: 1000, position_endstop: 0 },
  heater_bed: { max_temp: 200 },
  firmware_retraction: {
    retract_length: 0.8,
    retract_speed: 35,
    unretract_speed: 30,
    unretract_extra_length: 0,
  },
}
const extruder = {
  nozzle_diameter: 0.4,
  filament_diameter: 1.75,
  max_extrude_cross_section: 50,
  max_extrude_only_distance: 500,
  max_temp: 400,
}

/** The settings of the machines of the table. */
export const SETTINGS = {
  usual: {
    ...common,
    printer: {
      kinematics: 'cartesian',
      max_velocity: 300,
      max_accel: 3000,
      max_z_velocity: 15,
      max_z_accel: 100,
      square_corner_velocity: 5,
    },
    extruder,
    gcode_arcs: { resolution: 0.5 },
  },
  fast: {
    ...common,
    printer: {
      kinematics: 'corexy',
      max_velocity: 500,
      max_accel: 12_000,
      max_z_velocity: 40,
      max_z_accel: 600,
      minimum_cruise_ratio: 0.2,
      square_corner_velocity: 8,
    },
    extruder: {
      ...extruder,
      instantaneous_corner_velocity: 3,
      max_extrude_only_velocity: 60,
      max_extrude_only_accel: 4000,
    },
    gcode_arcs: { resolution: 0.1 },
  },
  slow: {
    ...common,
    printer: {
      kinematics: 'cartesian',
      max_velocity: 100,
      max_accel: 500,
      max_z_velocity: 5,
      max_z_accel: 100,
      minimum_cruise_ratio: 0,
      square_corner_velocity: 0.5,
    },
    extruder: { ...extruder, instantaneous_corner_velocity: 0.2 },
    gcode_arcs: { resolution: 0.5 },
  },
  delta: {
    printer: {
      kinematics: 'delta',
      max_velocity: 300,
      max_accel: 3000,
      max_z_velocity: 150,
      delta_radius: 130,
      minimum_z_position: -100,
    },
    stepper_a: { position_endstop: 1000, arm_length: 260 },
    stepper_b: { arm_length: 261 },
    stepper_c: { arm_length: 262 },
    heater_bed: common.heater_bed,
    firmware_retraction: common.firmware_retraction,
    extruder: { ...extruder, pressure_advance: 0.05 },
    input_shaper: { shaper_freq_x: 40, shaper_freq_y: 45, shaper_type: 'mzv' },
    gcode_arcs: { resolution: 0.5 },
  },
}

/** The machines of the table. */
export const MACHINES = Object.entries(SETTINGS).map(([name, settings]) => ({
  name,
  settings,
  machine: readMachine(settings)!,
}))

/**
 * Seconds on the usual, the fast, the slow and the delta machine; null where the print leaves the machine's reach, or turning
 * the motors off waits for the input shaper.
 */
export const KLIPPER_TIMES: readonly (readonly [sample: string, ...seconds: (number | null)[]])[] = [
  ['straight lines and square corners', 56.045, 54.471, 67.615, null],
  ['a circle of many short lines', 7.204, 7.017, 13.022, 7.082],
  ['a star of uneven radius', 86.05, 50.701, 202.337, 86.097],
  ['infill', 91.795, 84.862, 132.837, null],
  ['zigzag in a gap', 23.222, 11.757, 53.181, null],
  ['retractions and travels', 31.974, 25.273, 59.026, null],
  ['wipe while retracting, and Z hop', 48.641, 35.558, 75.577, null],
  ['vase mode', 40.117, 39.964, 71.995, 39.995],
  ['arcs', 80.399, 78.125, 222.539, 80.585],
  ['arcs in the other planes', 4.927, 4.063, 9.372, 3.97],
  ['accelerations of the file', 707.79, 707.655, 708.748, 707.997],
  ['factors for speed and flow', 8.212, 8.015, 9.522, null],
  ['relative moves and saved states', 7.154, 6.766, 8.585, 6.763],
  ['firmware retraction', 24.302, 20.83, 39.59, 24.741],
  ['pauses', 18.592, 18.012, 22.397, 18.47],
  ['tiny moves', 4.626, 2.905, 9.468, 4.498],
  ['long accelerations', 14.694, 13.864, 14.769, null],
  ['one move', 1.601, 1.465, 2.399, 1.473],
  ['corners of all angles', 44.591, 34.793, 100.366, 48.112],
  ['lines of changing width', 13.684, 8.083, 31.615, 13.85],
  ['slanted moves', 11.656, 8.248, 19.063, null],
  ['filament alone', 12.991, 8.463, 29.737, 12.611],
  ['small arcs', 24.075, 11.308, 65.966, 23.953],
  ['commands that do not stop the head', 11.008, 9.096, 22.488, 10.881],
  ['motors off and on', 2.829, 2.674, 3.801, null],
  ['origins and offsets', 5.948, 5.707, 7.54, 5.825],
  ['firmware retraction with factors', 12.108, 7.512, 25.982, 11.981],
  ['odd spellings', 5.229, 5.03, 6.541, 5.108],
  ['relative moves of tenths', 2.717, 2.279, 5.013, 2.595],
  ['cruise ratios', 33.781, 19.797, 79.864, 33.654],
  ['far from the centre', 17.799, 14.849, 41.91, 23.382],
  ['a random path 1', 21.805, 14.514, 52.154, null],
  ['a random path 2', 38.966, 28.822, 78.485, null],
  ['a random path 3', 47.574, 37.18, 94.957, null],
  ['a random path of short lines 4', 15.19, 9.446, 39.004, 15.068],
  ['a random path of short lines 5', 14.558, 8.796, 39.256, 14.436],
]
