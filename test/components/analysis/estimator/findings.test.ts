// The checks of a file against the machine: each finding with its text, and what is no finding.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Machine, readMachine } from '../../../../src/components/analysis/estimator/machine.ts'
import { examineText } from './examine-text.ts'

const SETTINGS = {
  printer: { kinematics: 'cartesian', max_velocity: 300, max_accel: 3000 },
  stepper_x: { position_min: -5, position_max: 235 },
  stepper_y: { position_min: 0, position_max: 235 },
  stepper_z: { position_min: -2, position_max: 250 },
  extruder: { nozzle_diameter: 0.4, filament_diameter: 1.75, max_temp: 260 },
  heater_bed: { max_temp: 110 },
}
const KNOWN = [
  'G0',
  'G1',
  'G28',
  'G90',
  'G91',
  'G92',
  'M82',
  'M83',
  'M104',
  'M109',
  'M140',
  'M190',
  'M117',
  'T1',
  'START_PRINT',
]

async function check(
  gcode: string,
  {
    settings = SETTINGS,
    slicer = {},
    knownCommands = KNOWN,
  }: { settings?: object; slicer?: object; knownCommands?: string[] | null } = {},
): Promise<{ problems: string[]; remarks: string[] }> {
  const machine = readMachine(settings as Record<string, unknown>) as Machine
  const { findings } = await examineText(gcode, { machine, knownCommands })
  return {
    problems: findings.problems(slicer as Record<string, unknown>),
    remarks: findings.remarks(slicer as Record<string, unknown>),
  }
}

test('a file that fits has no findings', async () => {
  const gcode =
    'START_PRINT BED=60\nM104 S260\nM140 S110\nG28\nT0\nT1\nG92 E0\nM83\nG1 X-5 Y235 Z250 F3000\nG1 X235 E5\nM117 100 percent\n'
  assert.deepEqual(await check(gcode), { problems: [], remarks: [] })
})

test('positions outside the range', async () => {
  assert.deepEqual((await check('G1 X236.5 Y-1 Z251 F3000\n')).problems, [
    "The print moves X to 236.5 mm, beyond the machine's limit of 235 mm: Klipper will stop the print",
    "The print moves Y to -1 mm, below the machine's limit of 0 mm: Klipper will stop the print",
    "The print moves Z to 251 mm, beyond the machine's limit of 250 mm: Klipper will stop the print",
  ])
  // Where the print starts is not known before an absolute position or homing.
  assert.deepEqual((await check('G91\nG1 X-50 F3000\nG1 Z-20\n')).problems, [])
  assert.equal((await check('G28\nG91\nG1 X-50 F3000\n')).problems.length, 1)
  assert.deepEqual(
    (await check('G1 X236.5 F3000\n', { settings: { ...SETTINGS, stepper_x: {} } })).problems,
    [],
  )
})

test('a round bed', async () => {
  const settings = {
    printer: { kinematics: 'delta', max_velocity: 300, max_accel: 3000, delta_radius: 100 },
    stepper_a: { position_endstop: 300 },
    extruder: SETTINGS.extruder,
  }
  assert.deepEqual((await check('G1 X70 Y70 Z5 F3000\n', { settings })).problems, [])
  assert.deepEqual((await check('G1 X90 Y90 Z5 F3000\n', { settings })).problems, [
    'The print reaches 127.28 mm from the centre of the bed, beyond its radius of 100 mm: Klipper will stop the print',
  ])
})

test('temperatures of commands, and of the slicer', async () => {
  const expected = 'The print heats extruder to 280 °C, but its max_temp is 260 °C'
  assert.deepEqual((await check('M109 S280\n')).problems, [expected])
  assert.deepEqual((await check('SET_HEATER_TEMPERATURE HEATER=extruder TARGET=280\n')).problems, [expected])
  assert.deepEqual((await check('START_PRINT\n', { slicer: { first_layer_extr_temp: 280 } })).problems, [
    expected,
  ])
  assert.deepEqual((await check('M190 S120\n')).problems, [
    'The print heats heater_bed to 120 °C, but its max_temp is 110 °C',
  ])
})

test('tools without an extruder or a macro', async () => {
  assert.deepEqual((await check('T0\nT1\nT4\nM104 T3 S200\n')).problems, [
    'The print uses T3, T4, but Klipper has neither such an extruder nor such a macro',
  ])
})

test('arcs', async () => {
  const arc = 'G1 X50 Y50 F3000\nG2 X60 Y50 I5 J0\n'
  assert.match((await check(arc)).problems.join(), /without the section \[gcode_arcs\]/)
  const settings = { ...SETTINGS, gcode_arcs: {} }
  assert.deepEqual((await check(arc, { settings })).problems, [])
  const texts = (await check(`${arc}G2 X70 R5\nG2 X70\nG91\nG2 X7 I3\n`, { settings })).problems
  for (const part of [/by its radius/, /no centre/, /in relative coordinates/])
    assert.match(texts.join('\n'), part)
})

test('extrusions that the extruder rejects', async () => {
  const { problems } = await check('M83\nG1 X10 F3000\nG1 X12 E5\nG1 E-80\n')
  assert.deepEqual(
    problems.map(text => /max_extrude_\w+/.exec(text)?.[0]),
    ['max_extrude_cross_section', 'max_extrude_only_distance'],
  )
})

test('the nozzle, and commands that Klipper ignores', async () => {
  const { remarks } = await check('M862.3 P"MK4"\nM201 X1000\nG1 X5 F600\nm201 Y1\n', {
    slicer: { nozzle_diameter: 0.6 },
  })
  assert.deepEqual(remarks, [
    'The file was sliced for a nozzle of 0.6 mm, but the extruder has one of 0.4 mm',
    'Klipper does not know and ignores: M201, M862.3',
  ])
  assert.deepEqual(await check('M201 X1\nT5\n', { knownCommands: null }), { problems: [], remarks: [] })
})
