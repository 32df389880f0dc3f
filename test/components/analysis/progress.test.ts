// The progress of a print by time: endpoint, notifications, the pace, the slicer's M73, and prints without an analysis.
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { Pace } from '../../../src/components/analysis/progress/pace.ts'
import { timeAt } from '../../../src/components/analysis/progress/time-table.ts'
import { packTable, unpackTable } from '../../../src/components/analysis/record.ts'
import { startAnalysis } from './analysis-rig.ts'

test('times between the rows of a table', () => {
  const rows = [
    [100, 0],
    [200, 10],
    [300, 10],
    [1000, 80],
  ] as const
  assert.deepEqual(unpackTable(packTable(rows)), rows)
  const at = (position: number) => timeAt(rows, position)
  assert.deepEqual([0, 100, 150, 250, 650, 1000, 5000].map(at), [0, 0, 5, 10, 45, 80, 80])
  assert.equal(timeAt([], 5), null)
})

test('the pace follows a slower print, and ignores what came before the first move', () => {
  const pace = new Pace()
  const measure = (planned: number, printed: number, speedFactor = 1) =>
    pace.measure({ planned, printed, speedFactor })
  measure(0, 100)
  measure(1, 200)
  assert.equal(pace.value, 1)
  for (let planned = 2; planned < 2000; planned++) measure(planned, 200 + planned * 2)
  assert.ok(Math.abs(pace.value - 2) < 0.05, `${pace.value}`)
  const before = pace.value
  measure(1999, 90_000)
  assert.equal(pace.value, before)
})

test('the pace leaves out the speed factor, and moves that Klipper counts no time for', () => {
  const pace = new Pace()
  const measure = (planned: number, printed: number, speedFactor: number) =>
    pace.measure({ planned, printed, speedFactor })
  for (let planned = 1; planned < 500; planned++) measure(planned, 0, 1)
  assert.equal(pace.value, 1)
  for (let planned = 500; planned < 1000; planned++) measure(planned, (planned - 499) * 2, 0.5)
  assert.equal(pace.value, 1)
})

/** Many bytes that take no time, then few bytes that take 100 s. */
const UNEVEN = `G28\nG1 X50 Y50 Z5 F6000\n${'; a comment\n'.repeat(5000)}${'G4 P1000\n'.repeat(100)}`

test('the time that remains is that of the moves, not that of the bytes', async () => {
  await using scene = await startAnalysis({ speed: 30 })
  const idle = await scene.call('server.analysis.progress')
  assert.deepEqual([idle.state, idle.source, idle.time_left], ['standby', null, null])
  const { print_time } = await scene.analyse('uneven.gcode', UNEVEN)
  await scene.call('printer.print.start', { filename: 'uneven.gcode' })
  const measured = async () => {
    for (;;) {
      const progress = await scene.call('server.analysis.progress')
      // The record of the file may be read after the print has started.
      if (progress.source === 'analysis' && progress.progress > 0.05) return progress
    }
  }
  const { filename, state, progress, time_left } = await measured()
  assert.deepEqual([filename, state], ['uneven.gcode', 'printing'])
  const { status } = await scene.call('printer.objects.query', { objects: { virtual_sdcard: ['progress'] } })
  assert.ok(status.virtual_sdcard.progress > 0.98)
  assert.ok(time_left > 0 && time_left < print_time)
  assert.ok(Math.abs(time_left / print_time + progress - 1) < 0.35, `${time_left} s left at ${progress}`)
  await scene.call('printer.gcode.script', { script: 'M220 S50' })
  const slow = await scene.call('server.analysis.progress')
  const expected = print_time * (1 - slow.progress) * 2
  assert.ok(Math.abs(slow.time_left / expected - 1) < 0.35, `${slow.time_left} s left at ${slow.progress}`)
  await scene.call('printer.print.cancel')
  await scene.client.find(
    ({ method, params: [end] = [] }) => method === 'notify_print_progress' && end.state === 'standby',
  )
})

test('a print whose file was not analysed yet is analysed, and M73 is reported', async () => {
  const gcode = `M73 P0 R60\nG28\nM73 P10 R50\n${'G4 P1000\n'.repeat(200)}M73 P100 R0\n`
  await using scene = await startAnalysis({
    speed: 30,
    prepare: ({ gcodes }) => {
      mkdirSync(gcodes, { recursive: true })
      writeFileSync(`${gcodes}/old.gcode`, gcode)
    },
  })
  await scene.call('printer.print.start', { filename: 'old.gcode' })
  const { params } = await scene.client.find(
    ({ method, params: [progress] = [] }) =>
      method === 'notify_print_progress' && progress.source === 'analysis',
  )
  assert.ok(params[0].slicer_time_left > 0 && params[0].slicer_time_left <= 3600)
})
