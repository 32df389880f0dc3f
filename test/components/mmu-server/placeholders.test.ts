// G-code files for Happy Hare: placeholders, tool changes, and files that stay as they are.
import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import process from '../../../src/components/mmu-server/placeholders.processor.ts'
import { startRig } from '../../support/rig.ts'
import { upload } from '../files/form.ts'
import { lines, PRUSA, run } from './process-file.ts'

const SETTINGS = [
  '; extruder_colour = #FF8000;;#00FF00',
  '; filament_colour = #111111;#2222EE;#333333',
  '; temperature = 215,220,225',
  '; filament_type = PLA;PETG;ABS',
  '; wiping_volumes_matrix = 0,140,70,0',
  '; filament_settings_id = "Generic PLA";"Other PETG"',
]
const ALL =
  'MMU_START_SETUP TOOLS=!referenced_tools! N=!total_toolchanges! COLORS=!colors! TEMPS=!temperatures! ' +
  'MATERIALS=!materials! PURGE=!purge_volumes! NAMES=!filament_names!'

test('every placeholder of a file of PrusaSlicer', async () => {
  const { text, listed, notes } = await run(
    lines(
      PRUSA,
      ALL,
      'T0',
      'G1 X10 Y20',
      'T2',
      'G1 E1',
      'G1 Y-40 X30.5 E1',
      'T0 ; back',
      'G0 X1 Y2',
      ...SETTINGS,
    ),
  )
  assert.equal(
    text,
    lines(
      '; processed by HappyHare',
      PRUSA,
      'MMU_START_SETUP TOOLS=0,2 N=3 COLORS=FF8000,2222EE,00FF00 TEMPS=215,220,225 ' +
        'MATERIALS=PLA,PETG,ABS PURGE=0,140,70,0 NAMES="Generic PLA","Other PETG"',
      'MMU_CHANGE_TOOL TOOL=0 NEXT_POS="10,20" ; T0',
      'G1 X10 Y20',
      'MMU_CHANGE_TOOL TOOL=2 NEXT_POS="30.5,-40" ; T2',
      'G1 E1',
      'G1 Y-40 X30.5 E1',
      'MMU_CHANGE_TOOL TOOL=0 NEXT_POS="1,2" ; T0',
      'G0 X1 Y2',
      ...SETTINGS,
      '; referenced_tools = 0,2',
    ),
  )
  assert.deepEqual([listed, notes], [true, ['2 tools, 3 tool changes']])
})

test('names of filaments that Klipper or the macros of Happy Hare cannot take', async () => {
  const { text } = await run(
    lines(
      PRUSA,
      'START NAMES=!filament_names! MATERIALS=!materials! END=1',
      `START NAMES="!filament_names!" MATERIALS='!materials!'`,
      String.raw`; filament_settings_id = "Bob's PLA";"PLA, \"red\"";"a;b";PLA#1;"50% * #2\\";`,
      '; filament_type = "PLA Silk";PLA+;PA6-CF;;PETG "x";T\\',
    ),
  )
  assert.deepEqual((text ?? '').split('\n').slice(2, 4), [
    'START NAMES="Bob`s PLA","PLA `red`","a;b","PLA#1","50% * #2/", ' +
      'MATERIALS="PLA Silk",PLA+,PA6-CF,,"PETG x","T/" END=1',
    'START NAMES="Bob`s PLA,PLA `red`,a;b,PLA#1,50% * #2/," ' + "MATERIALS='PLA Silk,PLA+,PA6-CF,,PETG x,T/'",
  ])
})

test('names of filaments in UTF-8, and bytes that are none', async () => {
  const names = Buffer.from('; filament_settings_id = "Ünï — 🐰";Voilà;', 'utf8')
  const broken = Buffer.from([0xff, 0x0a])
  const { text } = await run(Buffer.concat([Buffer.from(lines(PRUSA, 'X !filament_names!')), names, broken]))
  assert.match(Buffer.from(text ?? '', 'latin1').toString(), /^X "Ünï — 🐰","Voilà","\ufffd"$/m)
})

test('colours that are none', async () => {
  const colors = '; extruder_colour = #FF8000;#GGGGGG;x";#12345678;#12'
  const { text } = await run(lines(PRUSA, 'X !colors!', colors))
  assert.match(text ?? '', /^X FF8000,,,12345678,$/m)
})

test('without the next position, tool changes are still commands of Happy Hare', async () => {
  const { text } = await run(lines(PRUSA, 'X !referenced_tools!', 'T1', 'G1 X1 Y1'), { nextPosition: false })
  assert.match(text ?? '', /^X 1\nMMU_CHANGE_TOOL TOOL=1 ; T1\nG1 X1 Y1\n/m)
})

test('a tool change without a move after it, and two in a row, are one change each', async () => {
  const { text } = await run(lines(PRUSA, 'T1', 'T2', 'G1 E1', 'T3', 'M84'))
  const commands = (text ?? '').split('\n').filter(line => /^(T|MMU)/.test(line))
  assert.deepEqual(
    commands,
    [1, 2, 3].map(tool => `MMU_CHANGE_TOOL TOOL=${tool} ; T${tool}`),
  )
  assert.match(text ?? '', /; T2\nG1 E1\nMMU.*; T3\nM84\n; referenced_tools = 1,2,3\n$/)
})

test('tool changes of Happy Hare count, comments and other commands do not', async () => {
  const { text } = await run(
    lines(
      PRUSA,
      'X !referenced_tools! !total_toolchanges!',
      'MMU_CHANGE_TOOL TOOL=3',
      'mmu_change_tool FOO=bar tool=4 BAZ=x',
      'MMU_CHANGE_TOOL_STANDALONE TOOL=5',
      '; T7',
      'OTHER ARG=T8',
      'T12 ; two digits',
    ),
  )
  assert.match(text ?? '', /^X 3,4,5,12 4$/m)
})

test('steps of the wipe tower', async () => {
  const { text } = await run(lines(PRUSA, 'T1', '; CP TOOLCHANGE WIPE', 'G1 X1 Y1', '; CP TOOLCHANGE END'))
  assert.match(text ?? '', /WIPE\n_MMU_STEP_SET_ACTION STATE=12\nG1/)
  assert.match(text ?? '', /END\n_MMU_STEP_SET_ACTION RESTORE=1\n/)
})

test('comments keep their placeholders', async () => {
  const comment = '; start_gcode = SETUP TOOLS=!referenced_tools!'
  const { text } = await run(lines(PRUSA, 'X !referenced_tools!', comment))
  assert.ok(text?.includes(`\n${comment}\n`))
  assert.match(text ?? '', /^X 0$/m)
})

test('OrcaSlicer: the matrix contains the multiplier from version 2.3.2 on', async () => {
  const settings = ['; flush_multiplier = 0.5', '; flush_volumes_matrix = 0,140,71.3,0', 'X !purge_volumes!']
  for (const [version, volumes] of [
    ['2.3.1', '0,70,35.6,0'],
    ['2.3.2', '0,140,71.3,0'],
    ['2.3.2-dev', '0,140,71.3,0'],
    ['2.10.0', '0,140,71.3,0'],
    ['1.9', '0,70,35.6,0'],
  ]) {
    const { text } = await run(lines(`; generated by OrcaSlicer ${version} on 2025-01-01`, ...settings))
    assert.match(text ?? '', new RegExp(`^X ${volumes}$`, 'm'), version)
  }
  const bambu = await run(lines('; BambuStudio 01.09.00.70', ...settings))
  assert.match(bambu.text ?? '', /^X 0,70,35.6,0$/m)
})

test('settings of Orca and Bambu', async () => {
  const { text } = await run(
    lines(
      '; generated by OrcaSlicer 2.3.0 on 2025-01-01',
      '; extruder_colour = #018001',
      '; filament_colour = #AAAAAA;#BBBBBB',
      '; nozzle_temperature = 220,230',
      'X !colors! !temperatures!',
    ),
  )
  assert.match(text ?? '', /^X AAAAAA,BBBBBB 220,230$/m)
})

test('what stays as it is', async () => {
  for (const content of [
    lines(PRUSA, 'G1 X1', '; T1 !colors!'),
    lines('; generated by Cura 5.0 on 2025', 'X !colors!', 'T1', 'G1 X1 Y1'),
    lines('X !referenced_tools!', 'T1'),
    lines('; generated by prusaslicer 2.9 on', 'X !colors!'),
    'GCDE\x01\x00\x00\x00',
    '',
  ]) {
    const { text, rewritten, listed } = await run(content)
    assert.deepEqual([text, rewritten, listed], [null, undefined, undefined], content)
  }
})

test('a processed file is not processed again', async () => {
  const { text } = await run(lines(PRUSA, 'X !colors!', 'T1', 'G1 X1 Y1'))
  const again = await run(text ?? '')
  assert.deepEqual([again.text, again.listed], [null, true])
})

test('line ends of Windows, a last line without an end, and bytes that are no UTF-8', async () => {
  const content = Buffer.from(`${PRUSA}\r\nT1\r\nG1 X1 Y1\r\n; \xff\xfe\r\nM84 !colors!`, 'latin1')
  const { text } = await run(content)
  assert.equal(
    text,
    [
      '; processed by HappyHare',
      PRUSA,
      'MMU_CHANGE_TOOL TOOL=1 NEXT_POS="1,1" ; T1',
      'G1 X1 Y1',
      '; \xff\xfe',
      'M84 ',
      '; referenced_tools = 1',
      '',
    ].join('\r\n'),
  )
})

test('very long lines, and a placeholder after them', async () => {
  const long = `; ${'x'.repeat(3_000_000)}`
  const { text } = await run(lines(PRUSA, long, 'X !referenced_tools!', 'T1'))
  assert.match(text?.slice(-200) ?? '', /\nX 1\nMMU_CHANGE_TOOL TOOL=1 ; T1\n; referenced_tools = 1\n$/)
  assert.ok(text?.includes(long))
})

test('values that would make the file huge', async () => {
  const names = `; filament_settings_id = ${'n'.repeat(100_000)}`
  const { text, warnings } = await run(lines(PRUSA, names, 'X !filament_names!'.repeat(1000)))
  assert.equal(text, null)
  assert.match(warnings?.[0] ?? '', /too large/)
})

test('a file of 40 MB in little memory, and cancellation', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mmu-large-'))
  const [path, output] = [join(folder, 'in'), join(folder, 'out')]
  try {
    const file = openSync(path, 'w')
    writeSync(file, lines(PRUSA, 'X !total_toolchanges!'))
    const layer = lines('T1', ...Array.from({ length: 20_000 }, (_, index) => `G1 X${index} Y${index} E.01`))
    for (let count = 0; count < 80; count += 1) writeSync(file, layer)
    closeSync(file)
    const input = { path, shownPath: 'large', output, metadata: {}, options: { nextPosition: true } }
    const before = globalThis.process.memoryUsage().rss
    const { rewritten } = await process({ ...input, signal: new AbortController().signal })
    const grown = (globalThis.process.memoryUsage().rss - before) / 1024 ** 2
    assert.equal(rewritten, true)
    assert.ok(grown < 150, `${Math.round(grown)} MiB`)
    rmSync(output)
    await assert.rejects(
      async () => process({ ...input, signal: AbortSignal.abort(new Error('stop')) }),
      /stop/,
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('an upload is prepared before it can be printed, and its metadata are those of the new file', async () => {
  await using rig = await startRig({ printer: 'none', conf: '[mmu_server]' })
  const { status } = await upload(
    rig.port,
    'part.gcode',
    Buffer.from(lines(PRUSA, 'X !referenced_tools!', 'T3', 'G1 X1 Y1')),
  )
  assert.equal(status, 201)
  const reply = await fetch(`${rig.url}/server/files/metadata?filename=part.gcode`)
  const { result } = (await reply.json()) as { result: Readonly<Record<string, unknown>> }
  assert.deepEqual(result.referenced_tools, [3])
  assert.deepEqual(result.file_processors, ['mmu_server'])
  assert.match(readFileSync(join(rig.paths.gcodes, 'part.gcode'), 'latin1'), /^X 3$/m)
})

test('without the option, files stay as they are', async () => {
  await using rig = await startRig({ printer: 'none', conf: '[mmu_server]\nenable_file_preprocessor: False' })
  const content = lines(PRUSA, 'X !referenced_tools!', 'T3', 'G1 X1 Y1')
  await upload(rig.port, 'part.gcode', Buffer.from(content))
  assert.equal(readFileSync(join(rig.paths.gcodes, 'part.gcode'), 'latin1'), content)
})
