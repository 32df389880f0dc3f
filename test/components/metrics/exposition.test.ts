// The writer of metrics: both formats, names of every kind, and its limits.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Exposition, formatFor, labelText, MAX_SERIES } from '../../../src/components/metrics/exposition.ts'
import { PrinterFamilies } from '../../../src/components/metrics/printer-families.ts'
import { parseMetrics } from '../../support/metrics-text.ts'

const FORMATS = ['text', 'openmetrics'] as const

test('the header Accept selects the format', () => {
  const accepted: readonly [string | undefined, string][] = [
    [undefined, 'text'],
    ['*/*', 'text'],
    ['text/html', 'text'],
    ['application/openmetrics-text', 'openmetrics'],
    ['application/openmetrics-text;version=1.0.0;q=0.5, text/plain;version=0.0.4;q=0.2', 'openmetrics'],
    ['application/openmetrics-text; version=1.0.0; q=0.1, text/plain; q=0.9', 'text'],
    ['application/openmetrics-text;version=2.0.0', 'text'],
    ['application/openmetrics-text;q=0', 'text'],
  ]
  for (const [accept, format] of accepted) assert.equal(formatFor(accept), format, accept)
})

test('label values and numbers of every kind stay valid', () => {
  for (const format of FORMATS) {
    const out = new Exposition(format)
    const labels = { text: 'a "quoted"\\ text\nof two lines {},= ü' }
    const samples = [
      { value: Number.NaN, labels: labelText(labels) },
      { value: Number.POSITIVE_INFINITY },
      { value: Number.NEGATIVE_INFINITY, labels: labelText({ text: '' }) },
      { value: 1e-9, labels: labelText({ text: 'small' }) },
    ]
    out.add({ name: 'values', type: 'gauge', help: 'Values' }, samples)
    const metrics = parseMetrics(out.toString(), format)
    assert.equal(metrics.value('values', labels), Number.NaN)
    assert.equal(metrics.value('values', { text: 'small' }), 1e-9)
    assert.equal(metrics.series[1]?.value, Number.POSITIVE_INFINITY)
    assert.equal(metrics.value('values', { text: '' }), Number.NEGATIVE_INFINITY)
  }
})

test('10,000 objects with wild names lead to a valid document of limited size', () => {
  const names = Array.from(
    { length: 10_000 },
    (_, i) => `temperature_sensor ${'"\\\n{}-ü '.repeat(i % 3)}${i}`,
  )
  const families = new PrinterFamilies(['webhooks', ...names, '__proto__', 'constructor', 'tmc', 'mcu '])
  assert.ok(Object.keys(families.request).length <= MAX_SERIES)
  const status = Object.fromEntries(
    Object.keys(families.request).map(name => [
      name,
      { temperature: 20, measured_min_temp: 1, state: 'ready' },
    ]),
  )
  for (const format of FORMATS) {
    const out = new Exposition(format)
    families.write(status, out)
    const { series } = parseMetrics(out.toString(), format)
    assert.ok(series.length > 1000 && series.length <= MAX_SERIES, String(series.length))
    assert.ok(out.dropped > 28_000)
  }
})

test('of two objects whose names have the same label, one is written and one counted', () => {
  const families = new PrinterFamilies(['heater_fan a-b', 'heater_fan a_b', 'fan_generic a-b'])
  const out = new Exposition('text')
  const status = {
    'heater_fan a-b': { speed: 1 },
    'heater_fan a_b': { speed: 0.5 },
    'fan_generic a-b': { speed: 0 },
  }
  families.write(status, out)
  const metrics = parseMetrics(out.toString(), 'text')
  assert.equal(metrics.value('klipper_heater_fan_speed', { fan: 'a_b' }), 1)
  assert.equal(metrics.value('klipper_generic_fan_speed', { fan: 'a_b' }), 0)
  assert.equal(out.dropped, 1)
})

test('names and labels are those of prometheus-klipper-exporter', () => {
  const status = {
    mcu: { last_stats: { mcu_awake: 0.5, freq: 72e6 } },
    'mcu ebb-36': { last_stats: { mcu_awake: 0.25 } },
    'tmc2209 stepper_x': { run_current: 0.8, drv_status: { ot: 1 }, temperature: null },
    'tmc2209 stepper_y': { run_current: 0.7, drv_status: null, temperature: 40.5 },
    'filament_motion_sensor run-out': { filament_detected: true, enabled: false },
    'temperature_probe bed': { temperature: 30 },
    'output_pin light': { value: 0.5 },
    'heater_generic chamber': { power: 0.1 },
    'temperature_fan exhaust': { rpm: null, speed: 0.2 },
    input_shaper: { shaper_type_x: 'mzv', shaper_type_y: 'ei', frequency_x: 50 },
    gcode_move: { gcode_position: [1, 2, 3, 4] },
    print_stats: { state: 'printing' },
  }
  const out = new Exposition('text')
  new PrinterFamilies(Object.keys(status)).write(status, out)
  const metrics = parseMetrics(out.toString(), 'text')
  const expected: readonly [string, Record<string, string>, number][] = [
    ['klipper_mcu_awake', { mcu: 'mcu' }, 0.5],
    ['klipper_mcu_awake', { mcu: 'ebb_36' }, 0.25],
    ['klipper_mcu_clock_frequency', { mcu: 'mcu' }, 72e6],
    ['klipper_tmc_sensor_run_current', { sensor: 'tmc2209_stepper_x' }, 0.8],
    ['klipper_tmc_sensor_enabled', { sensor: 'tmc2209_stepper_x' }, 1],
    ['klipper_tmc_sensor_enabled', { sensor: 'tmc2209_stepper_y' }, 0],
    ['klipper_tmc_sensor_temperature', { sensor: 'tmc2209_stepper_y' }, 40.5],
    ['klipper_filament_sensor_detected', { sensor: 'run_out' }, 1],
    ['klipper_filament_sensor_enabled', { sensor: 'run_out' }, 0],
    ['klipper_temperature_probe_temperature', { sensor: 'bed' }, 30],
    ['klipper_output_pin_value', { pin: 'light' }, 0.5],
    ['klipper_generic_heater_power', { heater: 'chamber' }, 0.1],
    ['klipper_temperature_fan_speed', { fan: 'exhaust' }, 0.2],
    ['klipper_input_shaper_type_info', { axis: 'x', type: 'mzv' }, 1],
    ['klipper_input_shaper_type_info', { axis: 'y', type: 'ei' }, 1],
    ['klipper_input_shaper_frequency_x', {}, 50],
    ['klipper_gcode_position_e', {}, 4],
    ['klipper_print_state_info', { state: 'printing' }, 1],
    ['klipper_printing', {}, 1],
  ]
  for (const [name, labels, value] of expected) assert.equal(metrics.value(name, labels), value, name)
  assert.deepEqual(metrics.find('klipper_temperature_fan_rpm'), [])
})
