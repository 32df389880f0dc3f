// Probing, meshes, levelling, screws and other calibration.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Client, MACHINE, type PrinterRig, startPrinter } from '../printer-rig.ts'

const PROBED = `${MACHINE}
[probe]
pin: x
z_offset: 1.0
[bed_mesh]
mesh_min: 15,15
mesh_max: 220,220
probe_count: 3,4
[bed_screws]
screw1: 20,20
screw2: 200,20
[screws_tilt_adjust]
screw1: 20,20
screw1_name: front left
screw2: 200,20
[firmware_retraction]
retract_length: 0.5
[skew_correction]
`

async function homed(): Promise<{ rig: PrinterRig; client: Client }> {
  const rig = await startPrinter({ config: PROBED })
  const client = await rig.connect()
  await client.subscribeOutput()
  await client.script('SET_KINEMATIC_POSITION X=100 Y=100 Z=10')
  return { rig, client }
}

describe('calibration', { concurrency: true }, () => {
  test('the probe reports the height', async () => {
    const { rig, client } = await homed()
    await using _ = rig
    await client.script('PROBE')
    assert.match(
      client.output.at(-1)!,
      /^\/\/ Result: at \d+\.\d{3},\d+\.\d{3} estimate contact at z=[01]\.\d{6}$/,
    )
    const probe = await client.query('probe')
    assert.equal(probe.name, 'probe')
    assert.equal(typeof probe.last_z_result, 'number')
    await client.script('PROBE_ACCURACY SAMPLES=3')
    assert.match(client.output.at(-1)!, /probe accuracy results: maximum .*standard deviation 0\.000000$/)
  })

  test('a mesh is measured, saved, loaded and removed', async () => {
    const { rig, client } = await homed()
    await using _ = rig
    await client.script('BED_MESH_CALIBRATE')
    const mesh = await client.query('bed_mesh')
    assert.equal(mesh.profile_name, 'default')
    assert.deepEqual(
      [(mesh.probed_matrix as unknown[]).length, (mesh.probed_matrix as unknown[][])[0]!.length],
      [4, 3],
    )
    assert.deepEqual(
      [(mesh.mesh_matrix as unknown[]).length, (mesh.mesh_matrix as unknown[][])[0]!.length],
      [10, 7],
    )
    await client.script('BED_MESH_CLEAR')
    assert.deepEqual((await client.query('bed_mesh')).mesh_matrix, [[]])
    await client.script(
      'BED_MESH_PROFILE LOAD=default\nBED_MESH_PROFILE SAVE=other\nBED_MESH_PROFILE REMOVE=default',
    )
    const kept = await client.query('bed_mesh')
    assert.deepEqual(Object.keys(kept.profiles as object), ['other'])
    assert.equal(kept.profile_name, 'other')
    await assert.rejects(client.script('BED_MESH_PROFILE LOAD=none'), {
      message: 'bed_mesh: Unknown profile [none]',
    })
  })

  test('probe offset by hand', async () => {
    const { rig, client } = await homed()
    await using _ = rig
    await client.script('PROBE_CALIBRATE\nTESTZ Z=-1')
    assert.equal((await client.query('manual_probe')).is_active, true)
    await client.script('ACCEPT')
    assert.equal((await client.query('manual_probe')).is_active, false)
    const { save_config_pending_items } = await client.query('configfile')
    assert.deepEqual(Object.keys(save_config_pending_items as object), ['probe'])
    await client.script('ACCEPT')
    assert.equal(client.output.at(-1), '// Unknown command:"ACCEPT"')
  })

  test('screws, by hand and by probe', async () => {
    const { rig, client } = await homed()
    await using _ = rig
    await client.script('BED_SCREWS_ADJUST\nACCEPT')
    const screws = await client.query('bed_screws')
    assert.deepEqual([screws.is_active, screws.current_screw, screws.accepted_screws], [true, 1, 1])
    await client.script('ACCEPT')
    assert.equal((await client.query('bed_screws')).is_active, false)
    await client.script('SCREWS_TILT_CALCULATE')
    const { results } = (await client.query('screws_tilt_adjust')) as { results: Record<string, unknown> }
    assert.deepEqual(Object.keys(results), ['screw1', 'screw2'])
  })

  test('firmware retraction and skew', async () => {
    const { rig, client } = await homed()
    await using _ = rig
    rig.printer.setTemperature('extruder', 200)
    await client.script('M109 S200\nG10\nG10')
    assert.equal(((await client.query('gcode_move')).position as number[])[3], -0.5)
    await client.script('G11')
    assert.equal(((await client.query('gcode_move')).position as number[])[3], 0)
    await client.script('M221 S50\nG10')
    assert.equal(((await client.query('gcode_move')).position as number[])[3], -0.25)
    await client.script('G11\nM221')
    await client.script('SET_SKEW XY=140.4,142.8,99.8\nSKEW_PROFILE SAVE=mine\nSKEW_PROFILE LOAD=mine')
    assert.equal((await client.query('skew_correction')).current_profile_name, 'mine')
  })

  test('a tuning tower changes its parameter with the height', async () => {
    const { rig, client } = await homed()
    await using _ = rig
    await client.script(
      'TUNING_TOWER COMMAND=SET_PRESSURE_ADVANCE PARAMETER=ADVANCE START=0 FACTOR=0.01\nG1 Z20 F1200\nM400',
    )
    await client.script('M400')
    assert.equal((await client.query('extruder')).pressure_advance, 0.2)
  })
})
