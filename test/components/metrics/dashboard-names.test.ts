// The metrics that the example dashboards of prometheus-klipper-exporter (version 0.16) query: each is there, if the printer
// has what it describes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeKlippy } from '../../support/fake-klippy.ts'
import { type Metrics, parseMetrics } from '../../support/metrics-text.ts'
import { sendRequest } from '../../support/raw-http.ts'
import { startRig } from '../../support/rig.ts'
import { FakeSpoolman } from '../spoolman/fake-spoolman.ts'

/** Names of the printer's objects, without `klipper_`. */
const OF_PRINTER = `
  gcode_extrude_factor gcode_speed_factor gcode_position_e gcode_position_x gcode_position_y gcode_position_z
  mcu_awake mcu_clock_frequency mcu_invalid_bytes mcu_read_bytes mcu_ready_bytes mcu_retransmit_bytes mcu_rto mcu_rttvar
  mcu_srtt mcu_stalled_bytes mcu_task_avg mcu_task_stddev mcu_write_bytes
  toolhead_estimated_print_time toolhead_homed_axes_info toolhead_max_accel toolhead_max_accel_to_decel
  toolhead_max_velocity toolhead_print_time toolhead_square_corner_velocity toolhead_stalls_total
  extruder_power extruder_target extruder_temperature heater_bed_power heater_bed_target heater_bed_temperature
  generic_heater_power generic_heater_target generic_heater_temperature
  fan_rpm fan_speed controller_fan_rpm controller_fan_speed generic_fan_rpm generic_fan_speed heater_fan_rpm heater_fan_speed
  temperature_fan_rpm temperature_fan_speed temperature_fan_target temperature_fan_temperature
  temperature_sensor_temperature temperature_sensor_measured_max_temp temperature_sensor_measured_min_temp
  temperature_probe_temperature temperature_probe_measured_max_temp temperature_probe_measured_min_temp
  temperature_probe_estimated_expansion
  idle_timeout_state_info printing printing_time print_state_info print_total_duration print_filament_used
  print_file_position print_file_progress print_gcode_progress sdcard_active pause_resume_is_paused webhooks_state_info
  filament_sensor_detected filament_sensor_enabled output_pin_value
  tmc_sensor_enabled tmc_sensor_run_current tmc_sensor_temperature
  input_shaper_damping_ratio_x input_shaper_damping_ratio_y input_shaper_frequency_x input_shaper_frequency_y
  input_shaper_type_info
  firmware_retract_length firmware_retract_speed firmware_unretract_extra_length firmware_unretract_speed`

/** Names of the server and of the machine. */
const OF_SERVER = `
  klippy_connected klippy_state_info api_version_info component_info moonraker_version_info
  moonraker_cpu_usage moonraker_memory_kb moonraker_websocket_connections
  system_cpu system_cpu_count system_memory_available system_memory_total system_memory_used system_uptime
  network_bandwidth network_rx_bytes network_rx_drop network_rx_errs network_rx_packets
  network_tx_bytes network_tx_drop network_tx_errs network_tx_packets
  disk_usage_available disk_usage_total disk_usage_used
  job_queue_length job_queue_state_info
  total_jobs total_time total_print_time total_filament_used longest_job longest_print
  power_device_info power_device_state_info power_device_status
  spoolman_active_spool_id spoolman_connected spoolman_pending_reports spoolman_spool_info
  spoolman_remaining_length spoolman_remaining_weight spoolman_used_length spoolman_used_weight`

/** Milliseconds within which all of them are there. */
const LIMIT = 30_000

const sensor = { temperature: 30, measured_min_temp: 20, measured_max_temp: 40 }
const heater = { temperature: 30, target: 0, power: 0 }
const fan = { speed: 0.5, rpm: 3000 }

const STATUS = {
  webhooks: { state: 'ready', state_message: '' },
  gcode_move: { speed_factor: 1, extrude_factor: 1, speed: 10, gcode_position: [1, 2, 3, 4] },
  mcu: {
    last_stats: {
      mcu_awake: 0.1,
      mcu_task_avg: 1e-5,
      mcu_task_stddev: 1e-5,
      bytes_write: 1,
      bytes_read: 1,
      bytes_retransmit: 1,
      bytes_invalid: 0,
      srtt: 0.1,
      rttvar: 0.1,
      rto: 0.1,
      ready_bytes: 0,
      stalled_bytes: 0,
      freq: 72e6,
    },
  },
  toolhead: {
    homed_axes: 'xyz',
    position: [0, 0, 0, 0],
    print_time: 1,
    estimated_print_time: 1,
    max_velocity: 300,
    max_accel: 3000,
    max_accel_to_decel: 1500,
    square_corner_velocity: 5,
    stalls: 0,
  },
  extruder: heater,
  heater_bed: heater,
  'heater_generic chamber': heater,
  fan,
  'controller_fan board': fan,
  'fan_generic aux': fan,
  'heater_fan hotend': fan,
  'temperature_fan exhaust': { ...fan, temperature: 30, target: 40 },
  'temperature_sensor chamber': sensor,
  'temperature_probe eddy': { ...sensor, estimated_expansion: 0.1 },
  idle_timeout: { state: 'Idle', printing_time: 0 },
  print_stats: { state: 'standby', filename: '', total_duration: 0, print_duration: 0, filament_used: 0 },
  virtual_sdcard: { progress: 0, file_position: 0, is_active: false },
  display_status: { progress: 0 },
  pause_resume: { is_paused: false },
  'filament_switch_sensor runout': { filament_detected: true, enabled: true },
  'output_pin light': { value: 1 },
  'tmc2240 stepper_x': { run_current: 0.8, drv_status: null, temperature: 40 },
  input_shaper: {
    frequency_x: 50,
    frequency_y: 40,
    damping_ratio_x: 0.1,
    damping_ratio_y: 0.1,
    shaper_type_x: 'mzv',
    shaper_type_y: 'mzv',
  },
  firmware_retraction: { retract_length: 1, retract_speed: 1, unretract_extra_length: 0, unretract_speed: 1 },
}

function missing(metrics: Metrics, names: string): string[] {
  return names
    .trim()
    .split(/\s+/)
    .filter(name => metrics.find(`klipper_${name}`).length === 0)
}

test('every name has a series, where its object exists', async () => {
  await using klippy = await FakeKlippy.start()
  klippy.status = STATUS
  await using spoolman = await FakeSpoolman.start()
  const amounts = { remaining_length: 1, remaining_weight: 1, used_weight: 1 }
  const filament = {
    name: 'Silk "PLA"',
    material: 'PLA',
    color_hex: 'ff0000',
    vendor: { name: 'Acme, Inc.' },
  }
  spoolman.spools.set(1, { id: 1, used_length: 1, ...amounts, filament })
  await using rig = await startRig({
    klippySocket: klippy.path,
    ready: true,
    conf:
      `[metrics]\n[spoolman]\nserver: ${spoolman.url}\n` +
      '[power lamp]\ntype: klipper_device\nobject_name: output_pin light',
  })
  await spoolman.until(() => spoolman.connections > 0)
  const scrape = async () => parseMetrics((await sendRequest(rig.port, '/metrics')).body, 'text')
  let metrics = await scrape()
  // The load of the process is sampled once a second, and Spoolman is requested again after five.
  for (const end = Date.now() + LIMIT; missing(metrics, OF_SERVER).length > 0 && Date.now() < end; )
    metrics = await scrape()
  assert.deepEqual([...missing(metrics, OF_PRINTER), ...missing(metrics, OF_SERVER)], [])
  assert.deepEqual(metrics.find('klipper_spoolman_spool_info', { spool_id: '1' })[0]?.labels, {
    spool_id: '1',
    filament_name: 'SilkPLA',
    material: 'PLA',
    color: 'ff0000',
    vendor: 'AcmeInc',
  })
  const requests = () => spoolman.requests.filter(({ path }) => path === '/api/v1/spool').length
  const before = requests()
  await scrape()
  assert.equal(requests(), before)
})
