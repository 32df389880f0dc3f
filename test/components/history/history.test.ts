import assert from 'node:assert/strict'
import { rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../../../src/core/clock.ts'
import { openStorage } from '../../../src/storage/index.ts'
import { IDLE, RestartableServer } from '../../support/restartable-server.ts'
import type { Frame, WebClient } from '../../support/web-client.ts'

const FILE = 'a.gcode'
const START = { ...IDLE, state: 'printing', filename: FILE, total_duration: 0.2 }
const PROGRESS = { total_duration: 30, print_duration: 20, filament_used: 500 }

const start = (speed?: number) =>
  RestartableServer.start({ files: [FILE, 'b.gcode'], ...(speed !== undefined && { speed }) })

/** The `times`-th change of the history that `client` receives. */
async function change(client: WebClient, times = 1): Promise<Frame> {
  return (await client.notified('notify_history_changed', times)).params[0]
}

async function jobs(client: WebClient, params: object = {}): Promise<Frame[]> {
  return (await client.call('server.history.list', params)).result.jobs
}

/** Why a job ended. */
function reasonOf({ auxiliary_data }: Frame): unknown {
  return auxiliary_data.find((field: Frame) => field.provider === 'history' && field.name === 'reason')?.value
}

/** Prints to half of the file. */
async function startPrint(server: RestartableServer, client: WebClient): Promise<void> {
  await server.print(client, START)
  await change(client)
  await server.print(client, PROGRESS)
}

/** Waits until the metadata of the file is read: the clock of these servers is fast, the worker process is not. */
async function readMetadata(client: WebClient): Promise<void> {
  await client.call('server.files.metadata', { filename: FILE })
}

test('a print becomes a job, with notifications at its start and end', async () => {
  await using server = await start()
  const client = await server.client()
  await readMetadata(client)
  server.klippy.answer('gcode/script', () => {
    server.klippy.push('print_stats', START)
    return {}
  })
  const before = server.clock.now()
  await client.call('printer.print.start', { filename: FILE })
  const added = await change(client)
  assert.equal(added.action, 'added')
  assert.deepEqual(
    [added.job.job_id, added.job.status, added.job.end_time, added.job.exists],
    ['000001', 'in_progress', null, true],
  )
  assert.ok(added.job.start_time >= before && added.job.start_time <= server.clock.now())
  await server.print(client, PROGRESS)
  await server.print(client, { state: 'complete', total_duration: 31 })
  const { action, job } = await change(client, 2)
  assert.equal(action, 'finished')
  const { start_time, end_time, metadata, ...facts } = job
  assert.deepEqual(facts, {
    job_id: '000001',
    user: '_TRUSTED_USER_',
    filename: FILE,
    status: 'completed',
    print_duration: 20,
    total_duration: 31,
    filament_used: 500,
    auxiliary_data: [],
    exists: true,
  })
  assert.ok(end_time >= start_time)
  assert.equal(typeof metadata.modified, 'number')
  assert.deepEqual((await client.call('server.history.get_job', { uid: '000001' })).result.job, job)
  assert.deepEqual(await jobs(client), [job])
})

/** Its status, its reason, and how it ends. */
type End = [string, string | undefined, (server: RestartableServer, client: WebClient) => unknown]

const ENDS: End[] = [
  ['completed', undefined, (server, client) => server.print(client, { state: 'complete' })],
  ['cancelled', 'Cancelled on request', (server, client) => server.print(client, { state: 'cancelled' })],
  ['cancelled', 'Cancelled on request', (server, client) => server.print(client, IDLE)],
  [
    'cancelled',
    'Must home axis first',
    (server, client) => {
      // Klipper does this with `on_error_gcode: CANCEL_PRINT`.
      server.klippy.print('!! Must home axis first')
      return server.print(client, { state: 'cancelled' })
    },
  ],
  [
    'error',
    'Move out of range',
    (server, client) => server.print(client, { state: 'error', message: 'Move out of range' }),
  ],
  ['klippy_shutdown', 'Klippy is shutdown', ({ klippy }) => klippy.setState('shutdown')],
  ['klippy_disconnect', 'The connection to Klippy was lost', ({ klippy }) => klippy.drop()],
]

for (const [status, reason, end] of ENDS) {
  test(`a job that ends as ${status}, with its numbers and the reason ${reason}`, async () => {
    await using server = await start()
    const client = await server.client()
    await startPrint(server, client)
    server.klippy.change('print_stats', IDLE)
    await end(server, client)
    const { job } = await change(client, 2)
    assert.equal(job.status, status)
    assert.equal(reasonOf(job), reason)
    assert.deepEqual(
      [job.print_duration, job.total_duration, job.filament_used, job.user],
      [20, 30, 500, 'No User'],
    )
    const { job_totals } = (await client.call('server.history.totals')).result
    assert.deepEqual(job_totals, {
      total_jobs: 1,
      total_time: 30,
      total_print_time: 20,
      total_filament_used: 500,
      longest_job: 30,
      longest_print: 20,
    })
  })
}

test('a job is closed when the server stops, if Klipper has no print afterwards', async () => {
  await using server = await start()
  const client = await server.client()
  await startPrint(server, client)
  await server.end()
  server.klippy.change('print_stats', IDLE)
  await server.start()
  const second = await server.client()
  const [job, ...others] = await jobs(second)
  assert.deepEqual([job.status, job.total_duration, job.filament_used, others], ['server_exit', 30, 500, []])
  assert.ok(job.end_time >= job.start_time)
  const { job_totals } = (await second.call('server.history.totals')).result
  assert.deepEqual([job_totals.total_jobs, job_totals.total_time], [1, 30])
})

test('a job that Klipper continues is the same job', async () => {
  // The server compares the start of a job with a tolerance of seconds; the restart must not take longer.
  await using server = await start(1)
  const client = await server.client()
  await server.print(client, { ...START, filament_used: 10 })
  await change(client)
  await server.restart()
  const second = await server.client()
  await server.print(second, { state: 'complete', total_duration: 3, filament_used: 40 })
  const { action, job } = await change(second)
  assert.deepEqual(
    [action, job.job_id, job.status, job.filament_used],
    ['finished', '000001', 'completed', 40],
  )
  assert.equal((await jobs(second)).length, 1)
  const { job_totals } = (await second.call('server.history.totals')).result
  assert.deepEqual([job_totals.total_jobs, job_totals.total_time, job_totals.total_filament_used], [1, 3, 40])
})

test('a job that continues after a lost connection has no reason', async () => {
  await using server = await start()
  const client = await server.client()
  await startPrint(server, client)
  server.klippy.drop()
  assert.equal(reasonOf((await change(client, 2)).job), 'The connection to Klippy was lost')
  await client.notified('notify_klippy_ready')
  let [job] = await jobs(client)
  while (job.status !== 'in_progress') [job] = await jobs(client)
  assert.equal(reasonOf(job), undefined)
})

test('a job that started without the server is recorded from its start', async () => {
  await using server = await start()
  await server.end()
  server.klippy.change('print_stats', { ...START, total_duration: 1000 })
  await server.start()
  const client = await server.client()
  const { action, job } = await change(client)
  assert.equal(action, 'added')
  assert.ok(Math.abs(Date.now() / 1000 - 1000 - job.start_time) < 60)
})

test('a job that is open after a crash is interrupted', async () => {
  await using server = await start()
  await server.end()
  const { database, backup } = server.paths
  const storage = openStorage({
    folder: database,
    backupFolder: backup,
    clock: systemClock,
    warn: assert.fail,
  })
  const job = {
    user: 'me',
    filename: FILE,
    start_time: 5,
    print_duration: 1,
    total_duration: 1,
    filament_used: 1,
    metadata: {},
    auxiliary_data: [],
  }
  await storage.jobs.add({ ...job, status: 'completed', end_time: 6 })
  await storage.jobs.add({ ...job, status: 'in_progress', end_time: null })
  await storage.close()
  await server.start()
  const client = await server.client()
  const statuses = (await jobs(client)).map(({ status, end_time }) => [status, end_time])
  assert.deepEqual(statuses, [
    ['interrupted', null],
    ['completed', 6],
  ])
})

test('filters, orders and limits', async () => {
  await using server = await start()
  const client = await server.client()
  for (let round = 0; round < 3; round += 1) {
    await server.print(client, START)
    await server.print(client, { state: 'complete' })
    await change(client, 2 * round + 2)
  }
  const ids = async (params: object) => (await jobs(client, params)).map(({ job_id }) => job_id)
  assert.deepEqual(await ids({}), ['000003', '000002', '000001'])
  assert.deepEqual(await ids({ order: 'ASC' }), ['000001', '000002', '000003'])
  assert.deepEqual(await ids({ limit: 1, start: 1 }), ['000002'])
  assert.deepEqual(await ids({ limit: 0 }), ['000003', '000002', '000001'])
  const second = (await client.call('server.history.get_job', { uid: '2' })).result.job
  assert.deepEqual(await ids({ since: second.start_time - 1e-6, order: 'asc' }), ['000002', '000003'])
  assert.deepEqual(await ids({ before: second.end_time }), ['000001'])
  assert.deepEqual(await ids({ since: -1, before: -1 }), ['000003', '000002', '000001'])
  assert.equal((await client.call('server.history.list', { limit: 1 })).result.count, 1)
})

test('delete one job, all jobs, and an unknown one', async () => {
  await using server = await start()
  const client = await server.client()
  for (let round = 0; round < 3; round += 1) {
    await server.print(client, START)
    await server.print(client, { state: 'complete' })
    await change(client, 2 * round + 2)
  }
  const remove = (params: object) => client.call('server.history.delete_job', params)
  assert.deepEqual((await remove({ uid: '000002' })).result, { deleted_jobs: ['000002'] })
  for (const uid of ['000002', 'nope', '', '-1', 'FFFFFFFFFFFFFFFFFF']) {
    assert.deepEqual((await remove({ uid })).error, { code: -32601, message: `Invalid job uid: ${uid}` })
  }
  assert.equal((await remove({})).error.message, 'No data for argument: uid')
  assert.deepEqual((await remove({ all: true })).result, { deleted_jobs: ['000001', '000003'] })
  assert.deepEqual(await jobs(client), [])
})

test('totals are reset while no job is in progress, and the old ones returned', async () => {
  await using server = await start()
  const client = await server.client()
  await startPrint(server, client)
  const reset = () => client.call('server.history.reset_totals')
  assert.deepEqual((await reset()).error, { code: 400, message: 'Job in progress, cannot reset totals' })
  await server.print(client, { state: 'complete' })
  await change(client, 2)
  const { last_totals, last_auxiliary_totals } = (await reset()).result
  assert.deepEqual([last_totals.total_jobs, last_auxiliary_totals], [1, []])
  await server.restart()
  const { job_totals } = (await (await server.client()).call('server.history.totals')).result
  assert.deepEqual(new Set(Object.values(job_totals)), new Set([0]))
})

test('a job knows whether its file is still the one that was printed', async () => {
  await using server = await start()
  const client = await server.client()
  await readMetadata(client)
  await startPrint(server, client)
  await server.print(client, { state: 'complete' })
  await change(client, 2)
  const exists = async () => (await jobs(client))[0].exists
  const path = join(server.paths.gcodes, FILE)
  assert.equal(await exists(), true)
  utimesSync(path, 1000, 1000)
  assert.equal(await exists(), false)
  rmSync(path)
  assert.equal(await exists(), false)
  writeFileSync(path, 'another')
  utimesSync(path, 2000, 2000)
  assert.equal(await exists(), false)
})
