// What Klipper itself takes for the samples: `klippy.py -i FILE -o OUT -d DICT CFG` of v0.13.0-730 prints the time at its
// end. The 0.25 s before the first move are not counted.
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

/** The settings of the three machines of the table. */
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
}

/** The machines of the table. */
export const MACHINES = Object.entries(SETTINGS).map(([name, settings]) => ({
  name,
  machine: readMachine(settings)!,
}))

/** Seconds on the usual, the fast and the slow machine; null where batch mode itself adds stops or does not finish. */
export const KLIPPER_TIMES: readonly (readonly [sample: string, ...seconds: (number | null)[]])[] = [
  ['straight lines and square corners', 55.795, 54.221, 67.365],
  ['a circle of many short lines', 6.954, 6.767, 12.772],
  ['a star of uneven radius', 85.8, 50.451, 202.087],
  ['infill', 91.545, 84.612, 132.587],
  ['zigzag in a gap', 22.972, 11.507, 52.931],
  ['retractions and travels', 31.724, 25.023, 58.776],
  ['wipe while retracting, and Z hop', 48.391, 35.308, 75.327],
  ['vase mode', 39.867, 39.714, 71.745],
  ['arcs', 80.149, 77.875, 222.289],
  ['arcs in the other planes', 4.677, 3.813, 9.122],
  ['accelerations of the file', 707.54, 707.405, 708.498],
  ['factors for speed and flow', 7.962, 7.765, 9.272],
  ['relative moves and saved states', 6.904, 6.516, 8.335],
  ['firmware retraction', 24.052, 20.58, 39.34],
  ['pauses', 18.342, 17.762, 22.147],
  ['tiny moves', null, 2.655, null],
  ['long accelerations', 14.444, 13.614, null],
]
