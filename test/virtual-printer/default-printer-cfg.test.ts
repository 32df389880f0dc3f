// The machine of the default printer.cfg: commands that it skips, commands that the strict one rejects, and its macros.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { defaultPrinterCfg } from '../../src/virtual-printer/index.ts'
import { FOREIGN_FILES } from './foreign-files.ts'
import { type Client, type PrinterRig, print, startPrinter } from './printer-rig.ts'

async function start(strict = false, speed = 1000): Promise<{ rig: PrinterRig; client: Client }> {
  const rig = await startPrinter({ config: defaultPrinterCfg({ strict }), speed })
  const client = await rig.connect()
  await client.subscribeOutput()
  return { rig, client }
}

test('files of other machines print one after the other, each with a message about what is skipped', async () => {
  const { rig, client } = await start(false, 20_000)
  await using _ = rig
  for (const [what, { gcode, skips }] of Object.entries(FOREIGN_FILES)) {
    rig.writeGcode('a.gcode', gcode)
    const { state, message, output } = await print(rig, client, 'a.gcode')
    assert.deepEqual({ state, message }, { state: 'complete', message: '' }, what)
    if (skips === undefined) continue
    const responses = output.map(text => text.replace('// ', ''))
    assert.ok(
      responses.some(text => skips.test(text)),
      `${what}: ${responses.join('\n')}`,
    )
  }
})

test('on the strict machine they end as with Klipper', async () => {
  const { rig, client } = await start(true, 20_000)
  await using _ = rig
  for (const [what, { gcode, strictError }] of Object.entries(FOREIGN_FILES)) {
    if (strictError === undefined) continue
    rig.writeGcode('a.gcode', gcode)
    await client.script('G90\nM82\nG92 E0\nM84')
    const { state, message } = await print(rig, client, 'a.gcode')
    assert.equal(state, 'error', what)
    assert.match(String(message), strictError, what)
  }
})

describe('the macros', { concurrency: true }, () => {
  const targets = (rig: PrinterRig) =>
    ['heater_bed', 'extruder'].map(name => rig.printer.status(name)!.target)

  for (const [call, bed, hotend] of [
    ['START_PRINT', 60, 200],
    ['PRINT_START EXTRUDER_TEMP=220 BED_TEMP=50', 50, 220],
    ['START_PRINT BED=65 HOTEND=215', 65, 215],
    ['PRINT_START BED=70 EXTRUDER=230 CHAMBER=0', 70, 230],
    ['START_PRINT FIRST_LAYER_TEMPERATURE=205 FIRST_LAYER_BED_TEMPERATURE=55', 55, 205],
    ['M140 S40\nM104 S190\nSTART_PRINT', 40, 190],
    ['START_PRINT EXTRUDER_TEMP=210,0 BED_TEMP=', 60, 200],
  ] as const) {
    test(`${call.replaceAll('\n', ', ')} homes and heats to ${bed} and ${hotend} °C`, async () => {
      const { rig, client } = await start(true)
      await using _ = rig
      await client.script(call)
      assert.deepEqual(targets(rig), [bed, hotend])
      assert.equal((await client.query('toolhead')).homed_axes, 'xyz')
      assert.ok(Number(rig.printer.status('extruder')!.temperature) > hotend - 5)
    })
  }

  for (const strict of [false, true]) {
    test(`on the ${strict ? 'strict' : 'forgiving'} machine they leave the modes of coordinates as they were`, async () => {
      const { rig, client } = await start(strict)
      await using _ = rig
      const modes = async () => {
        const { absolute_coordinates, absolute_extrude } = await client.query('gcode_move')
        return [absolute_coordinates, absolute_extrude]
      }
      for (const [codes, expected] of [
        ['G90\nM82', [true, true]],
        ['G90\nM83', [true, false]],
        ['G91\nM82', [false, true]],
        ['G91\nM83', [false, false]],
      ] as const) {
        await client.script(codes)
        for (const macro of ['START_PRINT', 'PAUSE', 'RESUME', 'END_PRINT', 'CANCEL_PRINT']) {
          await client.script(macro)
          assert.deepEqual(await modes(), expected, `${macro} after ${codes}`)
        }
      }
      await client.script('END_PRINT')
      assert.deepEqual(targets(rig), [0, 0])
    })
  }

  test('PAUSE retracts once, RESUME restores the filament, and only when paused', async () => {
    const { rig, client } = await start()
    await using _ = rig
    const filament = async () => ((await client.query('toolhead')).position as number[])[3]
    await client.script('PAUSE\nPAUSE')
    assert.equal(await filament(), -1)
    await client.script('RESUME\nRESUME')
    assert.equal(await filament(), 0)
    assert.ok(client.output.includes('// Print already paused'))
    assert.ok(client.output.includes('// Print is not paused, resume aborted'))
  })
})

describe('the forgiving machine', { concurrency: true }, () => {
  test('a file starts homed and in absolute mode, also after a print that ended otherwise', async () => {
    const { rig, client } = await start()
    await using _ = rig
    rig.writeGcode('bad.gcode', 'G91\nM83\nM220 S50\nM221 S90\nG92 X500 Z500\nG1 Z1\nG1 Z-none\n')
    const bad = await print(rig, client, 'bad.gcode')
    assert.deepEqual([bad.state, bad.message], ['error', "Unable to parse move 'G1 Z-none'"])
    await client.script('SET_KINEMATIC_POSITION CLEAR_HOMED=XYZ')
    rig.writeGcode('good.gcode', 'G1 X50 Y60 Z2 E3 F6000\n')
    assert.equal((await print(rig, client, 'good.gcode')).state, 'complete')
    const { position, speed_factor, extrude_factor } = await client.query('gcode_move')
    assert.deepEqual([(position as number[]).slice(0, 3), speed_factor, extrude_factor], [[50, 60, 2], 1, 1])
  })

  test('a running print keeps its modes when a client starts another', async () => {
    const { rig, client } = await start(false, 50)
    await using _ = rig
    rig.writeGcode('a.gcode', `G91\nM83\n${'G1 X1 F60\nG1 X-1\n'.repeat(300)}`)
    await client.subscribe({ gcode_move: ['absolute_coordinates'] })
    await client.script('SDCARD_PRINT_FILE FILENAME=a.gcode')
    await client.until(() => client.pushed('gcode_move', 'absolute_coordinates').at(-1) === false)
    await assert.rejects(client.script('SDCARD_PRINT_FILE FILENAME=a.gcode'), { message: 'SD busy' })
    const { absolute_coordinates, absolute_extrude } = await client.query('gcode_move')
    assert.deepEqual([absolute_coordinates, absolute_extrude], [false, false])
  })

  test('an unsupported command is skipped in files only, also inside of a macro that a file calls', async () => {
    const macro = '[gcode_macro LIGHT]\ngcode:\n  SET_PIN PIN=sun VALUE=1\n  M118 after\n'
    const rig = await startPrinter({ config: `${macro}${defaultPrinterCfg()}` })
    await using _ = rig
    const client = await rig.connect()
    await client.subscribeOutput()
    const message = "The value 'sun' is not valid for PIN. Options: 'caselight'"
    await assert.rejects(client.script('SET_PIN PIN=sun VALUE=1'), { message })
    rig.writeGcode('a.gcode', 'LIGHT\n')
    const { state, output } = await print(rig, client, 'a.gcode')
    assert.equal(state, 'complete')
    assert.deepEqual(output.slice(2), [`// ${message}`, 'echo: after', 'Done printing file'])
  })

  test('TEMPERATURE_WAIT waits for what is heated, and for cooling', async () => {
    const { rig, client } = await start()
    await using _ = rig
    const bed = () => Number(rig.printer.status('heater_bed')!.temperature)
    await client.script('M140 S50\nTEMPERATURE_WAIT SENSOR=heater_bed MINIMUM=45')
    assert.ok(bed() >= 44.9)
    await client.script('M140 S0\nTEMPERATURE_WAIT SENSOR=heater_bed MAXIMUM=35')
    assert.ok(bed() <= 35.1)
  })
})
