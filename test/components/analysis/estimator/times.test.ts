// The times of a print against those that Klipper computes; layers, features, and positions in the file.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { examineText } from './examine-text.ts'
import { KLIPPER_TIMES, MACHINES } from './klipper-times.ts'
import { PRINT_SAMPLES } from './print-samples.ts'

describe('the times are those of Klipper', () => {
  for (const [index, { name, machine }] of MACHINES.entries()) {
    for (const [sample, ...seconds] of KLIPPER_TIMES) {
      const expected = seconds[index]
      if (typeof expected !== 'number') continue
      test(`${sample} on the ${name} machine`, async () => {
        const { gcode } = PRINT_SAMPLES.find(each => each.name === sample)!
        const { times } = await examineText(gcode, { machine })
        assert.ok(Math.abs(times.total - expected) < 0.005, `${times.total} s, Klipper takes ${expected} s`)
      })
    }
  }
})

const machine = MACHINES[0]!.machine

test('features have their times, travel and retraction apart', async () => {
  const { times } = await examineText(
    'M83\n;TYPE:External perimeter\nG1 X100 E5 F3000\nG1 X0 F6000\nG1 E-2 F1200\n; FEATURE: Infill\nG1 X50 E2 F3000\n',
    { machine },
  )
  assert.deepEqual([...times.features.keys()], ['External perimeter', 'Infill', 'Travel', 'Retraction'])
  const sum = [...times.features.values()].reduce((a, b) => a + b)
  // The rest is what Klipper needs before the first move.
  assert.ok(Math.abs(sum + 0.25 - times.total) < 1e-9)
  assert.ok(times.features.get('External perimeter')! > 2 && times.features.get('External perimeter')! < 2.2)
})

test('layers start at the comments of slicers, else at a greater height', async () => {
  const layer = (mark: string, z: number) =>
    `${mark}\nG1 Z${z}\nG1 X50 E1\nG1 Z${z + 0.4}\nG1 X0\nG1 Z${z}\nG1 X50 E1\n`
  for (const mark of [
    ';LAYER_CHANGE',
    '; CHANGE_LAYER',
    ';LAYER:3',
    '; layer 4, Z = 1',
    ';; --- layer 1 (0.2 @ 1) ---',
    '; <layer>',
    '',
  ]) {
    const { times } = await examineText(`M83\nG1 F3000\n${layer(mark, 0.2)}${layer(mark, 0.4)}`, { machine })
    assert.deepEqual(
      times.layers.map(([z]) => z),
      [0, 0.2, 0.4],
      mark,
    )
    const sum = times.layers.reduce((total, [, seconds]) => total + seconds, 0)
    assert.ok(Math.abs(sum - times.total) < 1e-9)
  }
})

test('the table of positions follows the moves', async () => {
  const lines = Array.from({ length: 20_000 }, (_, n) => `G1 X${n % 2 === 0 ? 60 : 0} F6000\n`)
  const { times } = await examineText(lines.join(''), { machine })
  const { points } = times
  assert.ok(points.length > 400 && points.length <= 1025, `${points.length}`)
  const length = lines.join('').length
  for (const [offset, seconds] of points) {
    const expected = (offset / length) * times.total
    assert.ok(Math.abs(seconds - expected) < times.total / 500, `${seconds} s at ${offset}`)
  }
  assert.deepEqual(points.at(-1), [length, times.total])
})

test('a file that sets a speed factor itself', async () => {
  const setsSpeed = async (gcode: string) => (await examineText(gcode, { machine })).setsSpeed
  assert.equal(await setsSpeed('M220 S100\nG1 X10 F600\nM220\n'), false)
  assert.equal(await setsSpeed('G1 X10 F600\nM220 S80\nG1 X0\nM220 S100\n'), true)
})

test("the slicer's remaining minutes are kept", async () => {
  const { slicerPoints } = await examineText(
    'M73 P0 R60\nG1 X10 F600\nM73 P50 R30\nM73 Q5 S2\nG1 X0\nM73 P100 R0\n',
    { machine },
  )
  assert.deepEqual(
    slicerPoints.map(([, left]) => left),
    [3600, 1800, 0],
  )
})
