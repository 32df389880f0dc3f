import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Events } from '../../../src/api/index.ts'
import type { PrintStats } from '../../../src/api/printer.ts'
import { JobState } from '../../../src/components/job-state/job-state.ts'
import { EventBus } from '../../../src/core/events.ts'

const JOB_EVENTS = [
  'job:started',
  'job:found',
  'job:paused',
  'job:resumed',
  'job:completed',
  'job:cancelled',
  'job:error',
  'job:standby',
] as const satisfies (keyof Events)[]

const IDLE = { state: 'standby', filename: '', total_duration: 0 }
const PRINTING = { state: 'printing', filename: 'a.gcode', total_duration: 0.2 }

function scene() {
  const events = new EventBus((_event, error) => {
    throw error
  })
  const emitted: string[] = []
  const stats: PrintStats[] = []
  for (const name of JOB_EVENTS) {
    events.on(name, (last: PrintStats, ...more: unknown[]) => {
      emitted.push([name.slice('job:'.length), last.filename, ...more].join(' '))
      stats.push(last)
    })
  }
  return { state: new JobState(events), emitted, stats }
}

test('a job with a pause', () => {
  const { state, emitted, stats } = scene()
  state.start(IDLE)
  for (const change of [
    { filename: 'a.gcode' },
    { state: 'printing', total_duration: 0.1 },
    { total_duration: 5, filament_used: 2 },
    { state: 'paused' },
    { total_duration: 9 },
    { state: 'printing', total_duration: 9.5 },
    { state: 'complete', total_duration: 12, print_duration: 6 },
    { state: 'standby', filename: '', total_duration: 0 },
  ]) {
    state.change(change)
  }
  assert.deepEqual(emitted, [
    'started a.gcode',
    'paused a.gcode',
    'resumed a.gcode',
    'completed a.gcode',
    'standby a.gcode false',
  ])
  const { total_duration, print_duration, filament_used } = stats[3] as PrintStats
  assert.deepEqual([total_duration, print_duration, filament_used], [12, 6, 2])
})

test('each end is reported once, with the stats of the job', () => {
  for (const [end, event] of [
    ['complete', 'completed a.gcode'],
    ['cancelled', 'cancelled a.gcode'],
    ['error', 'error a.gcode error'],
  ] as const) {
    const at = scene()
    at.state.start(IDLE)
    at.state.change(PRINTING)
    at.state.change({ total_duration: 7, filament_used: 3 })
    at.state.change({ state: end })
    at.state.change({ state: end })
    at.state.lost('klippy_shutdown')
    at.state.lost('klippy_disconnect')
    assert.deepEqual(at.emitted, ['started a.gcode', event])
    assert.equal(at.stats[1]?.filament_used, 3)
  }
})

test('a job that Klippy loses has the figures of its last update, unless that is a reset', () => {
  for (const [fields, expected] of [
    [{ state: 'error', total_duration: 8, print_duration: 6, filament_used: 5 }, [8, 6, 5]],
    [undefined, [7, 0, 3]],
    [{ state: 'standby', filename: '', total_duration: 0, filament_used: 0 }, [7, 0, 3]],
  ] as const) {
    const at = scene()
    at.state.start(IDLE)
    at.state.change({ ...PRINTING, total_duration: 7, filament_used: 3 })
    at.state.lost('klippy_shutdown', fields)
    assert.deepEqual(at.emitted, ['started a.gcode', 'error a.gcode klippy_shutdown'])
    const { total_duration, print_duration, filament_used } = at.stats[1] as PrintStats
    assert.deepEqual([total_duration, print_duration, filament_used], expected)
  }
})

test('an end in one update with the reset has the stats of the job', () => {
  const { state, emitted, stats } = scene()
  state.start(IDLE)
  state.change(PRINTING)
  state.change({ total_duration: 7 })
  state.change({ state: 'cancelled', filename: '', total_duration: 0 })
  assert.deepEqual(emitted, ['started a.gcode', 'cancelled a.gcode'])
  assert.equal(stats[1]?.total_duration, 7)
})

test('a file that is reset while it is printed', () => {
  const { state, emitted } = scene()
  state.start(IDLE)
  state.change(PRINTING)
  state.change({ state: 'standby', filename: '', total_duration: 0 })
  assert.deepEqual(emitted, ['started a.gcode', 'standby a.gcode true'])
})

test('jobs that are shorter than the time between two updates', () => {
  const { state, emitted } = scene()
  state.start(IDLE)
  state.change({ state: 'complete', filename: 'a.gcode', total_duration: 0.1 })
  state.change({ state: 'paused', filename: 'b.gcode', total_duration: 0.1 })
  state.change({ state: 'printing', filename: 'c.gcode', total_duration: 0.1 })
  state.change({ total_duration: 0.05 })
  assert.deepEqual(emitted, [
    'started a.gcode',
    'completed a.gcode',
    'started b.gcode',
    'paused b.gcode',
    'cancelled b.gcode',
    'started c.gcode',
    'cancelled c.gcode',
    'started c.gcode',
  ])
})

test('a job that starts and ends between two updates with the same end is a job of its own', () => {
  const { state, emitted } = scene()
  state.start(IDLE)
  const complete = { state: 'complete', filename: 'a.gcode', total_duration: 0.1 }
  state.change(complete)
  state.change({ total_duration: 0.2 })
  state.change({ total_duration: 0.15 })
  state.change({ filename: 'b.gcode' })
  state.change({ state: 'error' })
  state.change({ total_duration: 0.1 })
  const ends = ['completed a', 'completed a', 'completed a', 'completed b', 'error b', 'error b']
  const suffix = (end: string) => (end.startsWith('error') ? ' error' : '')
  assert.deepEqual(
    emitted,
    ends.flatMap(end => [`started ${end.split(' ')[1]}.gcode`, `${end}.gcode${suffix(end)}`]),
  )
})

test('a start that Klippy has confirmed is a job, even if the stats are those of the last', () => {
  const { state, emitted } = scene()
  const complete = { state: 'complete', filename: 'a.gcode', total_duration: 0.1 }
  state.start(complete)
  state.change({ message: '' })
  state.prepared()
  state.requested('a.gcode')
  assert.equal(state.progress(complete), false)
  state.change(complete)
  state.change(complete)
  // The start of this one is reported before Klippy confirms it.
  state.prepared()
  state.change(PRINTING)
  state.requested('a.gcode')
  state.change({ state: 'complete' })
  state.change({ message: '' })
  assert.deepEqual(emitted, ['started a.gcode', 'completed a.gcode', 'started a.gcode', 'completed a.gcode'])
})

test('completed prints between two updates are jobs, by the lines on the console', () => {
  const print = (filename: string) => [
    `File opened:${filename} Size:20`,
    'File selected',
    'Done printing file',
  ]
  const idle = { state: 'complete', filename: 'b.gcode', total_duration: 0.1 }
  const cases: [before: object | null, lines: string[], now: object, expected: string[]][] = [
    // The stats are about the last of them, about none, or about another print.
    [null, [...print('a b.gcode'), ...print('b.gcode')], idle, ['+a b', 'a b', '+b', 'b']],
    [
      null,
      [...print('b.gcode'), ...print('b.gcode'), ...print('b.gcode')],
      idle,
      ['+b', 'b', '+b', 'b', '+b', 'b'],
    ],
    [idle, print('b.gcode'), idle, ['+b', 'b']],
    [null, print('a.gcode'), { state: 'standby', filename: '' }, ['+a', 'a', 'standby a false']],
    [null, print('a.gcode'), { state: 'error', filename: 'b.gcode' }, ['+a', 'a', '+b', 'error b error']],
    // A print was in progress at the last update.
    [PRINTING, ['Done printing file'], { state: 'complete' }, ['a']],
    [PRINTING, [...print('a.gcode'), ...print('b.gcode')], idle, ['a', '+b', 'b']],
    [PRINTING, print('a.gcode'), { ...PRINTING, total_duration: 0.1 }, ['a', '+a']],
    [PRINTING, print('b.gcode'), idle, ['cancelled a', '+b', 'b']],
    // Lines of other programs, and of a file that is only opened.
    [null, ['Done printing file'], { filename: 'a.gcode' }, []],
    [null, ['File opened:a.gcode Size:20', '// Done printing file'], { filename: 'a.gcode' }, []],
  ]
  for (const [before, lines, now, expected] of cases) {
    const { state, emitted, stats } = scene()
    state.start(IDLE)
    if (before !== null) state.change({ ...before })
    emitted.length = 0
    for (const [index, line] of lines.entries()) state.responded(line, index / 100)
    state.change({ ...now })
    state.change({ ...now })
    const short = emitted.map(text =>
      text
        .replaceAll('.gcode', '')
        .replace(/^started /, '+')
        .replace(/^completed /, ''),
    )
    assert.deepEqual(short, expected, JSON.stringify([before, lines]))
    if (before === null && emitted[1]?.startsWith('completed a')) assert.equal(stats[1]?.total_duration, 0.02)
  }
})

test('a shutdown ends the job, and later states of the print are no second end', () => {
  const { state, emitted } = scene()
  state.start(IDLE)
  state.change(PRINTING)
  state.lost('klippy_shutdown')
  state.change({ state: 'error', message: 'shutdown' })
  state.lost('klippy_disconnect')
  state.start(IDLE)
  state.change(PRINTING)
  assert.deepEqual(emitted, ['started a.gcode', 'error a.gcode klippy_shutdown', 'started a.gcode'])
})

test('a job in progress when Klippy becomes ready is found, and its end is reported', () => {
  for (const first of ['printing', 'paused']) {
    const { state, emitted } = scene()
    state.start({ ...PRINTING, state: first })
    state.change({ state: 'complete' })
    assert.deepEqual(emitted, ['found a.gcode', 'completed a.gcode'])
  }
  const { state, emitted } = scene()
  state.start({ ...PRINTING, state: 'complete' })
  state.change({ state: 'standby', filename: '' })
  assert.deepEqual(emitted, ['standby a.gcode false'])
})

test('values of unexpected types change nothing', () => {
  const { state, emitted } = scene()
  state.start({})
  state.change({ state: null, filename: 5, total_duration: 'x', info: {} })
  assert.deepEqual(emitted, [])
  assert.equal(state.stats.state, 'standby')
})

test('a pause for a frame of a time-lapse is no pause, even if its end is seen late', () => {
  const { state, emitted } = scene()
  state.start(IDLE)
  state.change(PRINTING)
  state.isFramePause = true
  state.change({ state: 'paused' })
  state.isFramePause = false
  state.change({ state: 'printing' })
  state.change({ state: 'paused' })
  state.change({ state: 'printing' })
  assert.deepEqual(emitted, ['started a.gcode', 'paused a.gcode', 'resumed a.gcode'])
})
