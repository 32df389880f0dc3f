// Files that no slicer writes: the examination ends, in bounded work, with finite times.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Examination } from '../../../../src/components/analysis/estimator/examine-file.ts'
import { examineText } from './examine-text.ts'
import { MACHINES } from './klipper-times.ts'
import { randomGcode } from './random-gcode.ts'

const SEEDS = Number(process.env.FUZZ_ROUNDS ?? 50)
const machine = MACHINES[0]!.machine

/** The parts of the time are finite, not negative, and add up; the tables are in order. */
function checkTimes({ times, slicerPoints }: Examination): void {
  const sum = (values: Iterable<number>) => [...values].reduce((a, b) => a + b, 0)
  const close = (a: number, b: number) =>
    assert.ok(Math.abs(a - b) <= 1e-6 * Math.max(1, b), `${a} is not ${b}`)
  assert.ok(times.total >= 0 && Number.isFinite(times.total), `${times.total}`)
  close(sum(times.layers.map(([, seconds]) => seconds)), times.total)
  for (const seconds of times.features.values()) assert.ok(seconds > 0 && Number.isFinite(seconds))
  for (const table of [times.points, slicerPoints]) {
    const offsets = table.map(([offset]) => offset)
    assert.deepEqual(
      offsets,
      offsets.toSorted((a, b) => a - b),
    )
    assert.ok(table.length <= 1025)
  }
  const seconds = times.points.map(([, at]) => at)
  assert.deepEqual(
    seconds,
    seconds.toSorted((a, b) => a - b),
  )
  close(seconds.at(-1) ?? 0, times.total)
}

const CASES: Readonly<Record<string, string | Buffer>> = {
  'no commands': '',
  'numbers that are none':
    'G1 XNaN\nG1 Xinf Y-inf\nG1 X1e400\nG1 X--5\nG1 X1.2.3\nG1 F-5\nG1 X5 F0\nG4 Pnan\nM204 Snan\n',
  'numbers beyond all machines': `G1 X${'9'.repeat(400)}\nG1 X1${'0'.repeat(300)} F600\nG1 X10 F0.${'0'.repeat(300)}1\nG1 X20\n`,
  'limits beyond all machines': `M204 S0.${'0'.repeat(250)}1\nG1 X10 F600\nM204 S1${'0'.repeat(300)}\nG1 X0\nSET_VELOCITY_LIMIT ACCEL=1e-300 VELOCITY=1e-200\nG1 X5\nM220 S${'9'.repeat(300)}\nG1 X0 F60\n`,
  'speeds that are none':
    'SET_RETRACTION RETRACT_SPEED=-0 UNRETRACT_SPEED=0\nG10\nG11\nSET_GCODE_OFFSET X=5 MOVE=1 MOVE_SPEED=-0\nM220 S-0\nG1 X9\n',
  'a line of megabytes': `G1 X5 F600\n;${'x'.repeat(3_000_000)}\nG1 X0 ${'Y1 '.repeat(900_000)}\nG1 X5`,
  'no line ends': 'G1 X5 '.repeat(300_000),
  'bytes of every value': Buffer.from(Array.from({ length: 100_000 }, (_, n) => (n * 7919) % 256)),
  'layers without end': `M83\n${Array.from({ length: 30_000 }, (_, n) => `;LAYER:${n}\nG1 X${n % 2} Z${n} E1 F6000`).join('\n')}`,
  'features without end': `M83\n${Array.from({ length: 5000 }, (_, n) => `;TYPE:${n}\nG1 X${n % 2} E1 F6000`).join('\n')}`,
  'states without end': Array.from(
    { length: 20_000 },
    (_, n) => `SAVE_GCODE_STATE NAME=${n}\nRESTORE_GCODE_STATE NAME=${n}`,
  ).join('\n'),
  'commands without end': Array.from({ length: 20_000 }, (_, n) => `X${n}_Y\nT${n}\nM104 T${n} S900`).join(
    '\n',
  ),
  'moves that never settle': `M204 S0.001\nG1 F60000\n${Array.from({ length: 60_000 }, (_, n) => `G1 X${(n / 100).toFixed(2)}`).join('\n')}`,
}

for (const [name, gcode] of Object.entries(CASES)) {
  test(name, async () => checkTimes(await examineText(gcode, { machine, knownCommands: ['G1'] })))
}

test('endless arcs end the examination', async () => {
  const gcode = 'G1 X50 Y50 F600\nG2 X50 Y50 I9000000 J0\n'.repeat(20)
  await assert.rejects(examineText(gcode, { machine, mostMoves: 150_000 }), { name: 'TooMuchWork' })
})

test('an aborted examination ends', async () => {
  const signal = AbortSignal.abort(new Error('the file changed'))
  await assert.rejects(examineText('G1 X5\n'.repeat(1e5), { machine, signal }), /the file changed/)
})

test('random G-code', async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const examination = await examineText(randomGcode(seed), { machine, knownCommands: ['G1', 'G2'] })
    checkTimes(examination)
    for (const text of examination.findings.problems({}))
      assert.ok(!/NaN|Infinity|undefined/.test(text), text)
  }
})
