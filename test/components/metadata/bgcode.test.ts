// Binary G-code: metadata in every compression, images, and damage.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { scanFile } from '../../../src/components/metadata/scan.ts'
import type { BlockToWrite } from './bgcode-writer.ts'
import { binaryGcode, deflated, settings, shrunk } from './bgcode-writer.ts'
import { GcodeFolder } from './gcode-folder.ts'

const PRODUCER = settings(0, 'Producer=PrusaSlicer 2.8.1\n')
const PRINTER = settings(3, 'printer_model=MK4S\nmax_layer_z=6.20\nfilament used [mm]=252.22\n')
const PRINT = settings(4, 'estimated printing time (normal mode)=3m 41s\nfilament used [mm]=252.22\n')
const SLICER = settings(
  2,
  'layer_height=0.2\ntemperature=225\nfilament_colour=#FF8000\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=1\n',
)
const IMAGE: BlockToWrite = { type: 5, parameters: [2, 16, 12], data: Buffer.from('an image') }
const GCODE = settings(1, 'G1 X1\n')

async function scan(bytes: Buffer) {
  using folder = new GcodeFolder()
  return await scanFile(folder.write('part.bgcode', bytes))
}

suite('a binary file gives the metadata of its text', () => {
  const kinds: Record<string, (block: BlockToWrite) => BlockToWrite> = {
    plain: block => block,
    deflate: deflated,
    'heatshrink 11': block => shrunk(block, 11),
    'heatshrink 12': block => shrunk(block, 12),
  }
  for (const [name, pack] of Object.entries(kinds)) {
    test(name, async () => {
      const blocks = [PRODUCER, PRINTER, IMAGE, PRINT, SLICER].map(block =>
        block === IMAGE ? block : pack(block),
      )
      const { metadata, thumbnails, notes } = await scan(binaryGcode([...blocks, GCODE, SLICER]))
      const { size: _s, modified: _m, uuid: _u, ...rest } = metadata
      assert.deepEqual(rest, {
        file_processors: [],
        slicer: 'PrusaSlicer',
        slicer_version: '2.8.1',
        object_height: 6.2,
        estimated_time: 221,
        layer_height: 0.2,
        filament_total: 252.22,
        filament_colors: ['#FF8000'],
        extruder_colors: [],
        filament_temps: [225],
        referenced_tools: [],
        printer_model: 'MK4S',
      })
      assert.deepEqual(thumbnails, [{ width: 16, height: 12, format: 'qoi', data: Buffer.from('an image') }])
      assert.deepEqual(notes, [])
    })
  }
})

test('nothing is read after the first block of commands', async () => {
  const { metadata } = await scan(binaryGcode([PRODUCER, GCODE, SLICER]))
  assert.equal(metadata.layer_height, undefined)
})

suite('damage', () => {
  test('a block with a wrong checksum is left out, the others are read', async () => {
    const bytes = binaryGcode([PRODUCER, PRINTER, SLICER])
    bytes[bytes.indexOf('MK4S')] = 0x58
    const { metadata, notes } = await scan(bytes)
    assert.equal(metadata.printer_model, undefined)
    assert.equal(metadata.layer_height, 0.2)
    assert.match(notes.join(), /checksum/)
  })

  test('of an incomplete file the complete blocks are read', async () => {
    const bytes = binaryGcode([PRODUCER, SLICER, PRINTER])
    const { metadata, notes } = await scan(bytes.subarray(0, bytes.length - 20))
    assert.equal(metadata.layer_height, 0.2)
    assert.match(notes.join(), /cut short/)
  })

  test('a block that inflates to more than it declares is left out', async () => {
    const bomb: BlockToWrite = { ...deflated(settings(2, 'x'.repeat(5_000_000))) }
    const { metadata, notes } = await scan(binaryGcode([PRODUCER, bomb]))
    assert.equal(metadata.slicer, 'PrusaSlicer')
    assert.match(notes.join(), /too large/)
    const liar: BlockToWrite = { ...deflated(settings(2, 'x'.repeat(1_000_000))), claimed: 10 }
    assert.match((await scan(binaryGcode([PRODUCER, liar]))).notes.join(), /decompressed/)
  })

  test('a file that contains only the first bytes', async () => {
    const { metadata } = await scan(Buffer.from('GCDE'))
    assert.equal(metadata.slicer, 'Unknown')
  })
})
