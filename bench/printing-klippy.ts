// A Klippy in the middle of a print that pushes status as fast as requested, to measure what the server makes of it.
import { rmSync } from 'node:fs'
import { FakeKlippy } from '../test/support/fake-klippy.ts'

/** The objects that updates are about, with their values. */
const STATUS = {
  webhooks: { state: 'ready', state_message: 'Printer is ready' },
  configfile: { config: {}, settings: {}, warnings: [], save_config_pending: false },
  toolhead: {
    homed_axes: 'xyz',
    position: [110.204, 95.731, 12.4, 1824.30561],
    print_time: 1375.4953,
    estimated_print_time: 1374.8921,
    extruder: 'extruder',
    max_velocity: 300,
    max_accel: 3000,
  },
  extruder: { temperature: 214.87, target: 215, power: 0.3471, can_extrude: true, pressure_advance: 0.04 },
  heater_bed: { temperature: 59.96, target: 60, power: 0.2218 },
  gcode_move: {
    position: [110.204, 95.731, 12.4, 1824.30561],
    gcode_position: [110.204, 95.731, 12.4, 2.19335],
    speed: 4800,
    speed_factor: 1,
    extrude_factor: 1,
  },
  motion_report: {
    live_position: [109.8172, 95.4417, 12.4, 1824.2953],
    live_velocity: 79.99,
    live_extruder_velocity: 2.741,
  },
  print_stats: {
    filename: 'part.gcode',
    state: 'printing',
    total_duration: 1402.5521,
    print_duration: 1366.12,
    filament_used: 1824.31,
  },
  virtual_sdcard: {
    progress: 0.41372,
    is_active: true,
    file_position: 5313277,
    file_path: '/gcodes/part.gcode',
  },
  display_status: { progress: 0.41, message: null },
  fan: { speed: 0.7843, rpm: null },
  'temperature_sensor chamber': { temperature: 38.41, measured_min_temp: 21.05, measured_max_temp: 38.52 },
}

const INFO = {
  state: 'ready',
  state_message: 'Printer is ready',
  hostname: 'bench',
  klipper_path: '/klipper',
  python_path: '/klippy-env/bin/python',
  process_id: process.pid,
  user_id: 0,
  group_id: 0,
  log_file: '/logs/klippy.log',
  config_file: '/config/printer.cfg',
  software_version: 'v0.13.0-0-gbench',
  cpu_info: '2 cores',
}

/** What a client of the benchmark follows: all that updates are about. */
export const FOLLOWED: Readonly<Record<string, null>> = Object.fromEntries(
  Object.keys(STATUS)
    .filter(name => name !== 'webhooks' && name !== 'configfile')
    .map(name => [name, null]),
)

/** What changes while printing: about 750 bytes once the server has put it into a notification. */
function changes(): string {
  const { toolhead, extruder, heater_bed, gcode_move, motion_report, print_stats, virtual_sdcard } = STATUS
  return JSON.stringify({
    toolhead: pick(toolhead, 'position', 'print_time', 'estimated_print_time'),
    extruder: pick(extruder, 'temperature', 'power'),
    heater_bed: pick(heater_bed, 'temperature', 'power'),
    gcode_move: pick(gcode_move, 'position', 'gcode_position', 'speed'),
    motion_report,
    print_stats: pick(print_stats, 'total_duration', 'print_duration', 'filament_used'),
    virtual_sdcard: pick(virtual_sdcard, 'progress', 'file_position'),
    'temperature_sensor chamber': STATUS['temperature_sensor chamber'],
  })
}

function pick(values: Readonly<Record<string, unknown>>, ...fields: string[]): Record<string, unknown> {
  return Object.fromEntries(fields.map(field => [field, values[field]]))
}

const CHANGES = changes()

/** Seconds on the clock by which pushes are stamped. */
export function stamp(): number {
  return performance.now() / 1000
}

/** A Klippy that prints, at `path`. Rejects where it cannot listen there. */
export async function printingKlippy(path: string): Promise<FakeKlippy> {
  rmSync(path, { force: true })
  const klippy = new FakeKlippy(path)
  klippy.status = { ...STATUS }
  klippy.answer('info', () => INFO)
  await klippy.listen()
  return klippy
}

/** Pushes `count` status updates to every connected client, with the current time, in one write. */
export function pushUpdates(klippy: FakeKlippy, count: number): void {
  const params = `{"eventtime":${stamp().toFixed(6)},"status":${CHANGES}}`
  const update = `{"method":"process_status_update","params":${params}}\x03`
  klippy.send(Buffer.from(update.repeat(count)))
}
