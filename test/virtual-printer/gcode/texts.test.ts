// What Klipper v0.13.0-730 answers to commands that it cannot execute as they are, compared word by word.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Client, KlippyError, MACHINE, startPrinter } from '../printer-rig.ts'

const CONFIG = `${MACHINE}
[fan_generic chamber]
pin: a
[output_pin lamp]
pin: b
[force_move]
enable_force_move: True
[input_shaper]
[probe]
pin: c
z_offset: 1
[bed_mesh]
mesh_min: 10,10
mesh_max: 200,200
[firmware_retraction]
retract_length: 1
[gcode_macro BAD]
variable_count: 3
gcode:
  {undefined_thing.x}
`

const STEPPERS = "Options: 'stepper_x', 'stepper_y', 'stepper_z', 'extruder'"
const SAVE =
  '\n// The SAVE_CONFIG command will update the printer config file\n// with the above and restart the printer.'

/** Commands with what the console shows; an error is the reply, too. */
const REPLIES: readonly (readonly [command: string, ...lines: string[]])[] = [
  ['G1 Xabc'],
  ['G1 X-abc', "!! Unable to parse move 'G1 X-abc'"],
  ['FOO BAR=1', '// Unknown command:"FOO"'],
  ['ECHO x', "!! Malformed command 'ECHO x'"],
  ['HELP FOO', "!! Malformed command 'HELP FOO'"],
  ['SET_FAN_SPEED FAN=chamber', '!! SET_FAN_SPEED must specify SPEED or TEMPLATE'],
  ['SET_PIN PIN=lamp', '!! SET_PIN command must specify VALUE or TEMPLATE'],
  [
    'FORCE_MOVE STEPPER=nope DISTANCE=1 VELOCITY=5',
    `!! The value 'nope' is not valid for STEPPER. ${STEPPERS}`,
  ],
  ['SET_STEPPER_ENABLE STEPPER=nope ENABLE=0', `!! The value 'nope' is not valid for STEPPER. ${STEPPERS}`],
  [
    'SET_EXTRUDER_ROTATION_DISTANCE EXTRUDER=extruder',
    "// Extruder 'extruder' rotation distance set to 7.700000",
  ],
  [
    'BAD',
    "!! Error evaluating 'gcode_macro BAD:gcode': jinja2.exceptions.UndefinedError: 'undefined_thing' is undefined",
  ],
  [
    'G10',
    "// Extrude below minimum temp\n// See the 'min_extrude_temp' config option for details",
    '!! Extrude below minimum temp',
  ],
  // It was not retracted.
  ['G11'],
  ['BED_MESH_OFFSET X=1', '// No mesh loaded to offset'],
  ['SET_KINEMATIC_POSITION X=10 Y=10 Z=10'],
  ['BED_MESH_CALIBRATE PROBE_COUNT=x', "!! Unable to parse parameter 'PROBE_COUNT'"],
  [
    'SET_INPUT_SHAPER',
    '// shaper_type_x:mzv shaper_freq_x:0.000 damping_ratio_x:0.100000',
    '// shaper_type_y:mzv shaper_freq_y:0.000 damping_ratio_y:0.100000',
  ],
  ['G0 X1.2.3', "!! Unable to parse move 'G0 X1.2.3'"],
  [
    'MANUAL_PROBE',
    '// Starting manual Z probe. Use TESTZ to adjust position.\n// Finish with ACCEPT or ABORT command.',
    '// Z position: ?????? --> 10.000 <-- ??????',
  ],
  ['TESTZ Z=x', "!! Error on 'TESTZ Z=x': unable to parse x"],
  ['TESTZ Z=+', '// Z position: 10.000 --> 10.200 <-- ??????'],
  ['TESTZ Z=-', '// Z position: 10.000 --> 10.100 <-- 10.200'],
  [
    'ACCEPT',
    '// Manual probe failed! Use TESTZ commands to position the\n// nozzle prior to running ACCEPT.',
  ],
  ['Z_OFFSET_APPLY_ENDSTOP', '// Nothing to do: Z Offset is 0'],
  ['SET_GCODE_OFFSET Z=0.2'],
  ['Z_OFFSET_APPLY_ENDSTOP', `// stepper_z: position_endstop: -0.200${SAVE}`],
]

/** Runs a command; resolves with what the console shows, and with the first line of the error of the reply. */
async function answer(client: Client, command: string): Promise<[lines: string[], error: string | null]> {
  const from = client.output.length
  const error = await client.script(command).then(
    () => null,
    (problem: unknown) => {
      assert.ok(problem instanceof KlippyError)
      return problem.message.split('\n')[0] ?? ''
    },
  )
  return [client.output.slice(from), error]
}

test('replies to commands have the words of Klipper', async () => {
  await using rig = await startPrinter({ config: CONFIG })
  const client = await rig.connect()
  await client.subscribeOutput()
  for (const [command, ...lines] of REPLIES) {
    const error = lines.find(line => line.startsWith('!! '))?.slice(3) ?? null
    assert.deepEqual(await answer(client, command), [lines, error], command)
  }
  const { save_config_pending_items: pending } = await client.query('configfile')
  assert.deepEqual(pending, { stepper_z: { position_endstop: '-0.200' } })
})
