// The history of a printer that really prints, restarts and shuts down.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { FakeKlippy } from '../../support/fake-klippy.ts'
import { startRig } from '../../support/rig.ts'
import { type Frame, WebClient } from '../../support/web-client.ts'

const GCODE = [
  'G28',
  'G1 X10 F6000',
  ...Array.from({ length: 2000 }, (_, index) => `G1 X${10 + (index % 2) * 90}`),
]

/** The job of the `times`-th notification of the history. */
async function change(client: WebClient, times: number): Promise<[string, string]> {
  const { params }: Frame = await client.notified('notify_history_changed', times)
  return [params[0].action, params[0].job.status]
}

test('prints that complete, are cancelled, and end in an emergency stop', async () => {
  await using rig = await startRig({ speed: 200 })
  writeFileSync(join(rig.paths.gcodes, 'long.gcode'), `${GCODE.join('\n')}\n`)
  writeFileSync(join(rig.paths.gcodes, 'short.gcode'), `${GCODE.slice(0, 40).join('\n')}\n`)
  using client = await WebClient.open(rig.url)
  const start = (filename: string) => client.call('printer.print.start', { filename })
  await start('short.gcode')
  assert.deepEqual(
    [await change(client, 1), await change(client, 2)],
    [
      ['added', 'in_progress'],
      ['finished', 'completed'],
    ],
  )
  await start('long.gcode')
  assert.deepEqual(await change(client, 3), ['added', 'in_progress'])
  await client.call('printer.print.cancel')
  assert.deepEqual(await change(client, 4), ['finished', 'cancelled'])
  await start('long.gcode')
  await change(client, 5)
  await client.call('printer.objects.subscribe', { objects: { print_stats: ['total_duration'] } })
  await client.find(({ params }) => params?.[0].print_stats?.total_duration > 0)
  await client.call('printer.emergency_stop')
  assert.deepEqual(await change(client, 6), ['finished', 'klippy_shutdown'])
  const ready = client.notified('notify_klippy_ready')
  await client.call('printer.firmware_restart')
  await ready
  await start('short.gcode')
  assert.deepEqual(
    [await change(client, 7), await change(client, 8)],
    [
      ['added', 'in_progress'],
      ['finished', 'completed'],
    ],
  )
  const { jobs } = (await client.call('server.history.list', { order: 'asc' })).result
  assert.deepEqual(
    jobs.map(({ status, user }: Frame) => [status, user]),
    ['completed', 'cancelled', 'klippy_shutdown', 'completed'].map(status => [status, '_TRUSTED_USER_']),
  )
  assert.ok(
    jobs.every(
      ({ total_duration, end_time, start_time }: Frame) => total_duration > 0 && end_time > start_time,
    ),
  )
})

test('a job that ended by a command has ended in the next request, and each print is one job', async () => {
  await using rig = await startRig({ speed: 200 })
  writeFileSync(join(rig.paths.gcodes, 'long.gcode'), `${GCODE.join('\n')}\n`)
  writeFileSync(join(rig.paths.gcodes, 'line.gcode'), 'M117 done\n')
  using client = await WebClient.open(rig.url)
  const statuses = async (): Promise<string[]> => {
    const { result } = await client.call('server.history.list', { order: 'asc' })
    return result.jobs.map(({ status }: Frame) => status)
  }
  for (let round = 1; round <= 4; round += 1) {
    await client.call('printer.print.start', { filename: 'long.gcode' })
    assert.equal((await statuses()).at(-1), 'in_progress')
    await client.call('printer.print.cancel')
    assert.deepEqual(await statuses(), Array(round).fill('cancelled'))
  }
  for (let round = 1; round <= 4; round += 1) {
    assert.equal((await client.call('printer.print.start', { filename: 'line.gcode' })).result, 'ok')
  }
  assert.deepEqual(await statuses(), [...Array(4).fill('cancelled'), ...Array(4).fill('completed')])
  assert.equal((await client.call('server.history.totals')).result.job_totals.total_jobs, 8)
})

test('prints that a macro starts within one status update are one job each', async () => {
  await using klippy = await FakeKlippy.start()
  await using rig = await startRig({ klippySocket: klippy.path, ready: true })
  using client = await WebClient.open(rig.url)
  const jobs = async (): Promise<string[]> => {
    const { result } = await client.call('server.history.list', { order: 'asc' })
    return result.jobs.map(({ filename, status }: Frame) => `${filename} ${status}`)
  }
  assert.deepEqual(await jobs(), [])
  const print = (filename: string) => {
    klippy.print(`File opened:${filename} Size:9`)
    klippy.print('File selected')
  }
  for (const filename of ['a.gcode', 'a.gcode', 'b.gcode', 'a.gcode']) {
    print(filename)
    klippy.print('Done printing file')
  }
  print('c.gcode')
  const last = { state: 'printing', filename: 'c.gcode', total_duration: 0.05 }
  klippy.push('print_stats', last)
  const completed = ['a.gcode', 'a.gcode', 'b.gcode', 'a.gcode'].map(filename => `${filename} completed`)
  await client.notified('notify_history_changed', 9)
  assert.deepEqual(await jobs(), [...completed, 'c.gcode in_progress'])
  // Without a push, as where the stats are the same as before: the line is enough.
  klippy.change('print_stats', { state: 'complete' })
  klippy.print('Done printing file')
  print('c.gcode')
  klippy.print('Done printing file')
  await client.notified('notify_history_changed', 12)
  assert.deepEqual(await jobs(), [...completed, 'c.gcode completed', 'c.gcode completed'])
})

test('a Klippy that reports thousands of jobs a second fills neither history nor queues', async () => {
  await using klippy = await FakeKlippy.start()
  await using rig = await startRig({ klippySocket: klippy.path, ready: true })
  using client = await WebClient.open(rig.url)
  await client.call('server.history.list')
  for (let count = 0; count < 4000; count += 1) {
    klippy.push('print_stats', {
      state: count % 2 === 0 ? 'printing' : 'cancelled',
      filename: `${count}.gcode`,
    })
  }
  klippy.push('print_stats', { state: 'printing', filename: 'last.gcode', total_duration: 1 })
  const added = (frame: Frame) =>
    frame.method === 'notify_history_changed' && frame.params[0].job.filename === 'last.gcode'
  await client.find(added)
  const { jobs } = (await client.call('server.history.list', { limit: 1000 })).result
  assert.ok(jobs.length >= 50 && jobs.length < 110, `${jobs.length} jobs`)
  assert.deepEqual([jobs[0].filename, jobs[0].status], ['last.gcode', 'in_progress'])
})
