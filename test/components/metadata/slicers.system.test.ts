// Real slicers: the settings with which each sliced a block are what the server reports about the file,
// and the file prints.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { openAsBlob, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { suite, test } from 'node:test'
import { absent } from '../../support/program.ts'
import { startRig } from '../../support/rig.ts'
import { type Frame, WebClient } from '../../support/web-client.ts'
import { curaDefinition } from './cura-settings.ts'
import { type Edges, slice } from './sliced-block.ts'

/** The first layer and 49 more. */
const BLOCK: Edges = [20, 16, 10.1]
const LAYERS = 50
const LAYER = 0.2
const FIRST_LAYER = 0.3
const NOZZLE = 0.4
const FILAMENT = { diameter: 1.75, density: 1.27 }
const FIRST_LAYER_HEAT = { first_layer_extr_temp: 215, first_layer_bed_temp: 60 }
const EXTRUDER_HEAT = 205
const BED_HEAT = 55

/** PrusaSlicer has kept the names of Slic3r, which it comes from. */
const SLIC3R_ARGS = [
  `--layer-height=${LAYER}`,
  `--first-layer-height=${FIRST_LAYER}`,
  `--nozzle-diameter=${NOZZLE}`,
  `--filament-diameter=${FILAMENT.diameter}`,
  `--first-layer-temperature=${FIRST_LAYER_HEAT.first_layer_extr_temp}`,
  `--first-layer-bed-temperature=${FIRST_LAYER_HEAT.first_layer_bed_temp}`,
  `--temperature=${EXTRUDER_HEAT}`,
  `--bed-temperature=${BED_HEAT}`,
]

const CURA_SETTINGS = {
  layer_height: `${LAYER}`,
  layer_height_0: `${FIRST_LAYER}`,
  machine_nozzle_size: `${NOZZLE}`,
  material_diameter: `${FILAMENT.diameter}`,
  material_print_temperature: `${EXTRUDER_HEAT}`,
  material_print_temperature_layer_0: `${FIRST_LAYER_HEAT.first_layer_extr_temp}`,
  material_bed_temperature: `${BED_HEAT}`,
  material_bed_temperature_layer_0: `${FIRST_LAYER_HEAT.first_layer_bed_temp}`,
}

suite('a block sliced by', () => {
  test('PrusaSlicer', { skip: absent('prusa-slicer') }, async () => {
    using block = slice(BLOCK, 'prusa-slicer', ({ model, gcode }) => [
      '--export-gcode',
      ...SLIC3R_ARGS,
      '--filament-type=PETG',
      `--filament-density=${FILAMENT.density}`,
      '--gcode-label-objects',
      `--output=${gcode}`,
      model,
    ])
    await using upload = await uploadTo(block.path)
    const { metadata } = upload
    assertFields(metadata, {
      slicer: 'PrusaSlicer',
      slicer_version: versionOf('prusa-slicer', '--help', /PrusaSlicer-([\d.]+)/),
      layer_height: LAYER,
      first_layer_height: FIRST_LAYER,
      object_height: BLOCK[2],
      nozzle_diameter: NOZZLE,
      ...FIRST_LAYER_HEAT,
      filament_temps: [EXTRUDER_HEAT],
      filament_type: 'PETG',
      file_processors: ['preprocess_cancellation'],
    })
    const section = (Math.PI / 4) * FILAMENT.diameter ** 2
    assertNear(
      metadata.filament_weight_total,
      (metadata.filament_total * section * FILAMENT.density) / 1000,
      0.01,
    )
    assert.deepEqual(metadata.filament_weights, [metadata.filament_weight_total])

    const { stats, parts } = await upload.print()
    assert.equal(parts.length, 1)
    assertNear(stats.filament_used, metadata.filament_total, 0.01)
    assertNear(stats.print_duration, metadata.estimated_time, 0.1)
  })

  test('Slic3r', { skip: absent('slic3r') }, async () => {
    using block = slice(BLOCK, 'slic3r', ({ model, gcode }) => [...SLIC3R_ARGS, '--output', gcode, model])
    await using upload = await uploadTo(block.path)
    const { metadata } = upload
    assertFields(metadata, {
      slicer: 'Slic3r',
      slicer_version: versionOf('slic3r', '--version', /([\d.]+)/),
      layer_height: LAYER,
      first_layer_height: FIRST_LAYER,
      object_height: BLOCK[2],
      nozzle_diameter: NOZZLE,
      ...FIRST_LAYER_HEAT,
      filament_temps: [EXTRUDER_HEAT],
    })
    assert.equal(metadata.filament_total, Number(/filament used = ([\d.]+)mm/.exec(block.text)?.[1]))
    const { stats } = await upload.print()
    assertNear(stats.filament_used, metadata.filament_total, 0.01)
  })

  test('CuraEngine', { skip: absent('CuraEngine') }, async () => {
    using block = slice(BLOCK, 'CuraEngine', ({ folder, model, gcode }) => {
      const definition = join(folder, 'machine.def.json')
      writeFileSync(definition, curaDefinition(CURA_SETTINGS))
      return ['slice', '-j', definition, '-o', gcode, '-e0', '-l', model]
    })
    await using upload = await uploadTo(block.path)
    const lastLayerEnd = Number([...block.text.matchAll(/^;TIME_ELAPSED:(.*)$/gm)].at(-1)?.[1])
    // The rest of its header is filled in by Cura: without it, the engine leaves placeholders there, which do not count.
    assertFields(upload.metadata, {
      slicer: 'Cura',
      slicer_version: versionOf('CuraEngine', 'help', /version ([\d.]+)/),
      layer_count: LAYERS,
      layer_height: LAYER,
      first_layer_height: undefined,
      object_height: undefined,
      filament_total: undefined,
      estimated_time: Math.floor(lastLayerEnd),
      ...FIRST_LAYER_HEAT,
      file_processors: ['preprocess_cancellation'],
    })
    const { stats, parts } = await upload.print()
    assert.equal(parts.length, 1)
    assertNear(stats.print_duration, lastLayerEnd, 0.1)
  })
})

/** The version that a program prints, on either stream. */
function versionOf(command: string, arg: string, pattern: RegExp): string {
  const { stdout, stderr } = spawnSync(command, [arg], { encoding: 'utf8' })
  const version = pattern.exec(stdout + stderr)?.[1]
  assert.ok(version, `${command} ${arg} shows no version`)
  return version
}

/** A file on a rig of its own. */
interface Upload extends AsyncDisposable {
  /** The reply of server.files.metadata. */
  readonly metadata: Frame
  /** Prints the file; resolves at the end with print_stats and the objects that can be excluded. */
  print(): Promise<{ stats: Frame; parts: Frame[] }>
}

/** Uploads a file to a rig of its own, as a slicer does. */
async function uploadTo(path: string): Promise<Upload> {
  const rig = await startRig({ speed: 2000, conf: '[file_manager]\nenable_object_processing: True' })
  try {
    const client = await WebClient.open(rig.url)
    const filename = basename(path)
    const form = new FormData()
    form.set('file', await openAsBlob(path), filename)
    const reply = await fetch(`${rig.url}/server/files/upload`, { method: 'POST', body: form })
    assert.equal(reply.status, 201)
    await client.notified('notify_filelist_changed')
    const { result: metadata } = await client.call('server.files.metadata', { filename })
    return {
      metadata,
      print: () => print(client, filename),
      [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
    }
  } catch (error) {
    await rig[Symbol.asyncDispose]()
    throw error
  }
}

async function print(client: WebClient, filename: string): Promise<{ stats: Frame; parts: Frame[] }> {
  const objects = { print_stats: ['state'], exclude_object: ['objects'] }
  await client.call('printer.objects.subscribe', { objects })
  await client.call('printer.print.start', { filename })
  const ended = ({ method, params }: Frame) =>
    method === 'notify_status_update' && /complete|error|cancelled/.test(params[0].print_stats?.state)
  await client.find(ended)
  const { result } = await client.call('printer.objects.query', {
    objects: { print_stats: null, exclude_object: null },
  })
  const { print_stats: stats, exclude_object: excludable } = result.status
  assert.deepEqual([stats.state, stats.message], ['complete', ''])
  return { stats, parts: excludable.objects }
}

function assertFields(actual: Frame, expected: Readonly<Record<string, unknown>>): void {
  const names = Object.keys(expected)
  assert.deepEqual(Object.fromEntries(names.map(name => [name, actual[name]])), expected)
}

/** Within `share` of the expected number. */
function assertNear(actual: number, expected: number, share: number): void {
  assert.ok(Math.abs(actual - expected) <= expected * share, `${actual} is not near ${expected}`)
}
