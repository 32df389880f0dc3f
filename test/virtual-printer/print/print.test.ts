// Prints from their start to each of their ends, as recordings of a real Klippy show them.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type Client,
  type Json,
  MACHINE,
  type PrinterRig,
  type RigOptions,
  startPrinter,
} from '../printer-rig.ts'

const MACROS = `
[filament_switch_sensor runout]
switch_pin: x
pause_on_runout: True
[gcode_macro CANCEL_PRINT]
rename_existing: CANCEL_PRINT_BASE
gcode:
  TURN_OFF_HEATERS
  CANCEL_PRINT_BASE
[gcode_macro PAUSE]
rename_existing: PAUSE_BASE
gcode:
  PAUSE_BASE
  {% if "xyz" in printer.toolhead.homed_axes %}
  G91
  G1 Z5 F900
  G90
  {% endif %}
[gcode_macro RESUME]
rename_existing: RESUME_BASE
gcode:
  RESUME_BASE
`
const START = 'SET_KINEMATIC_POSITION X=10 Y=10 Z=1\nM83\n'

/** A file whose moves take `seconds`, with 0.5 mm of filament each. */
function lines(seconds: number): string {
  return Array.from({ length: seconds }, (_, n) => `G1 X${n % 2 === 0 ? 110 : 10} E0.5 F6000`).join('\n')
}

async function startRig(options: RigOptions): Promise<{ rig: PrinterRig; client: Client }> {
  const rig = await startPrinter({ config: MACHINE + MACROS, speed: 400, ...options })
  rig.printer.setTemperature('extruder', 200)
  await rig.printer.gcode('M104 S200\nM140 S50')
  const client = await rig.connect()
  await client.subscribeOutput()
  await client.subscribe({
    print_stats: null,
    virtual_sdcard: null,
    pause_resume: null,
    exclude_object: null,
    display_status: null,
    idle_timeout: ['state'],
  })
  return { rig, client }
}

const isReply = (message: Json) => JSON.stringify(message.result) === '{}'

const state = (client: Client, wanted: string) =>
  client.until(() => client.pushed('print_stats', 'state').includes(wanted))

describe('a print', { concurrency: true }, () => {
  test('a print that completes', async () => {
    const file = `${START}M117 Printing\nM201 X5\n${lines(40)}\nM400\nM117 Done`
    const { rig, client } = await startRig({ speed: 60, files: { 'a.gcode': file } })
    await using _ = rig
    assert.deepEqual(await client.script('SDCARD_PRINT_FILE FILENAME="a.gcode"'), {})
    await state(client, 'complete')
    // The reply comes between the file's selection and its first line.
    const order = client.all.filter(message => message.method === 'output' || isReply(message))
    const reply = order.findLastIndex(isReply)
    assert.deepEqual(order[reply - 1]?.params, { response: 'File selected' })
    assert.equal(client.output[0], `File opened:a.gcode Size:${file.length}`)
    assert.deepEqual(client.pushed('print_stats', 'state'), ['printing', 'complete'])
    assert.deepEqual(client.output.slice(2), ['// Unknown command:"M201"', 'Done printing file'])
    const stats = await client.query('print_stats')
    assert.equal(stats.filename, 'a.gcode')
    assert.ok(Math.abs((stats.filament_used as number) - 20) < 1e-6)
    assert.deepEqual(await client.query('virtual_sdcard'), {
      file_path: null,
      progress: 1,
      is_active: false,
      file_position: file.length,
      file_size: file.length,
    })
    assert.deepEqual(await client.query('display_status'), { progress: 1, message: 'Done' })
    await client.until(() => client.pushed('idle_timeout', 'state').at(-1) === 'Ready')
    const progress = client.pushed('virtual_sdcard', 'progress') as number[]
    assert.deepEqual(
      progress,
      progress.toSorted((a, b) => a - b),
    )
  })

  test('an empty file is complete at once', async () => {
    const { rig, client } = await startRig({ files: { 'empty.gcode': '' } })
    await using _ = rig
    await client.script('SDCARD_PRINT_FILE FILENAME=empty.gcode')
    await state(client, 'complete')
    assert.equal(client.output.at(-1), 'Done printing file')
  })

  test('pause, resume, cancel', async () => {
    const { rig, client } = await startRig({ files: { 'a.gcode': `${START}${lines(3000)}\n` } })
    await using _ = rig
    await client.script('SDCARD_PRINT_FILE FILENAME=a.gcode')
    await client.until(() => (client.pushed('print_stats', 'filament_used').at(-1) as number) > 0)
    await client.call('pause_resume/pause')
    const paused = await client.query('print_stats')
    assert.equal(paused.state, 'paused')
    assert.deepEqual(await client.query('pause_resume'), { is_paused: true })
    assert.equal((await client.query('virtual_sdcard')).is_active, false)
    await client.call('pause_resume/pause')
    assert.ok(client.output.includes('// Print already paused'))
    const later = await client.query('print_stats')
    assert.ok((later.total_duration as number) > (paused.total_duration as number))
    assert.ok(Math.abs((later.print_duration as number) - (paused.print_duration as number)) < 1e-6)
    await client.call('pause_resume/resume')
    assert.equal((await client.query('print_stats')).state, 'printing')
    await client.call('pause_resume/cancel')
    assert.deepEqual(await client.query('pause_resume'), { is_paused: false })
    assert.equal((await client.query('print_stats')).state, 'cancelled')
    assert.deepEqual(await client.query('virtual_sdcard'), {
      file_path: null,
      progress: 0,
      is_active: false,
      file_position: 0,
      file_size: 0,
    })
    assert.equal((await client.query('heater_bed')).target, 0)
  })

  test('without a print, pause and resume only respond', async () => {
    const { rig, client } = await startRig({ config: MACHINE })
    await using _ = rig
    for (const call of ['pause', 'pause', 'resume', 'resume', 'cancel'])
      await client.call(`pause_resume/${call}`)
    assert.deepEqual(client.output, [
      '// action:paused',
      '// Print already paused',
      '// action:resumed',
      '// Print is not paused, resume aborted',
      '// action:cancel',
    ])
  })

  test('a failing line runs on_error_gcode; a cancel in it makes the state cancelled', async () => {
    const file = 'M117 hello\nSET_HEATER_TEMPERATURE HEATER=nosuch TARGET=1\nM117 never\n'
    const { rig, client } = await startRig({ files: { 'a.gcode': file } })
    await using _ = rig
    await client.script('SDCARD_PRINT_FILE FILENAME=a.gcode')
    await state(client, 'cancelled')
    assert.equal(
      client.output.at(-1),
      "!! The value 'nosuch' is not valid for HEATER. Options: 'heater_bed', 'extruder'",
    )
    assert.equal((await client.query('print_stats')).message, '')
    assert.equal((await client.query('display_status')).message, 'hello')
  })

  test('without a cancel in on_error_gcode the state is error, with the message', async () => {
    const config = MACHINE.replace('on_error_gcode: CANCEL_PRINT', 'on_error_gcode: M117 failed')
    const { rig, client } = await startRig({ config, files: { 'a.gcode': 'G1 X5\n' } })
    await using _ = rig
    await client.script('SDCARD_PRINT_FILE FILENAME=a.gcode')
    await state(client, 'error')
    const stats = await client.query('print_stats')
    assert.equal(stats.message, 'Must home axis first: 5.000 0.000 0.000 [0.000]')
    assert.equal((await client.query('virtual_sdcard')).is_active, false)
  })

  test('while a file prints, another one is rejected', async () => {
    const { rig, client } = await startRig({ files: { 'a.gcode': `${START}${lines(3000)}\n` } })
    await using _ = rig
    await client.script('SDCARD_PRINT_FILE FILENAME=a.gcode')
    await assert.rejects(client.script('SDCARD_PRINT_FILE FILENAME=a.gcode'), { message: 'SD busy' })
    await client.script('CANCEL_PRINT')
    await client.script('SDCARD_RESET_FILE')
    const stats = await client.query('print_stats')
    assert.deepEqual([stats.state, stats.filename, stats.total_duration], ['standby', '', 0])
  })

  test('a filament runout pauses the print', async () => {
    const { rig, client } = await startRig({ files: { 'a.gcode': `${START}${lines(3000)}\n` } })
    await using _ = rig
    await client.script('SDCARD_PRINT_FILE FILENAME=a.gcode')
    await client.until(() => (client.pushed('print_stats', 'filament_used').at(-1) as number) > 0)
    rig.printer.setFilament('runout', false)
    await client.until(() => client.pushed('pause_resume', 'is_paused').at(-1) === true)
    assert.equal((await client.query('print_stats')).state, 'paused')
    assert.deepEqual(await client.query('filament_switch_sensor runout'), {
      filament_detected: false,
      enabled: true,
    })
  })

  test('excluded objects are skipped together with their filament', async () => {
    const object = (name: string) =>
      `EXCLUDE_OBJECT_START NAME=${name}\n${lines(4)}\nEXCLUDE_OBJECT_END NAME=${name}\n`
    const define =
      'EXCLUDE_OBJECT_DEFINE NAME=b CENTER=1,2 POLYGON=[[0,0],[1,1]]\nEXCLUDE_OBJECT_DEFINE NAME=a\n'
    const file = `${START}${define}EXCLUDE_OBJECT NAME=b\n${object('a')}${object('b')}${object('a')}M400\n`
    const { rig, client } = await startRig({ files: { 'a.gcode': file } })
    await using _ = rig
    await client.script('SDCARD_PRINT_FILE FILENAME=a.gcode')
    await state(client, 'complete')
    assert.ok(client.output.includes('// Excluding object B'))
    const status = await client.query('exclude_object')
    assert.deepEqual(status, {
      objects: [
        { name: 'A' },
        {
          name: 'B',
          center: [1, 2],
          polygon: [
            [0, 0],
            [1, 1],
          ],
        },
      ],
      excluded_objects: ['B'],
      current_object: null,
    })
    const position = (await client.query('toolhead')).position as number[]
    assert.ok(Math.abs(position[3]! - 4) < 1e-6)
  })

  test('durations and filament are those of the moves, at any speed', async () => {
    // 400 moves of 100 mm at 100 mm/s with full stops at each turn: 1 s and one acceleration time each.
    const expected = 400 * (1 + 100 / 3000)
    const results: Json[] = []
    for (const speed of [2000, 20_000]) {
      const { rig, client } = await startRig({ speed, files: { 'a.gcode': `${START}${lines(400)}\nM400\n` } })
      await using _ = rig
      await client.script('SDCARD_PRINT_FILE FILENAME=a.gcode')
      await state(client, 'complete')
      results.push(await client.query('print_stats'))
    }
    for (const stats of results) {
      assert.ok(
        Math.abs((stats.print_duration as number) - expected) < expected * 0.01,
        String(stats.print_duration),
      )
      assert.ok(Math.abs((stats.filament_used as number) - 200) < 1e-6)
    }
    assert.ok(
      Math.abs((results[0]!.print_duration as number) - (results[1]!.print_duration as number)) < 0.01,
    )
  })

  test('M20 to M27 work on files as on an SD card', async () => {
    const { rig, client } = await startRig({ files: { 'b.gcode': 'M118 b\n', 'a.gcode': 'M118 a\n' } })
    await using _ = rig
    await client.script('M20\nM23 A.GCODE\nM27\nM24')
    await client.until(() => client.output.includes('Done printing file'))
    assert.deepEqual(client.output, [
      'Begin file list',
      'a.gcode 7',
      'b.gcode 7',
      'End file list',
      'File opened:A.GCODE Size:7',
      'File selected',
      'SD printing byte 0/7',
      'echo: a',
      'Done printing file',
    ])
  })
})
