// Kills the server at random moments while it writes items, the queue, the history, users and keys: every acknowledged
// write must survive. CRASH_ROUNDS sets how often.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Sqlite } from '../../../src/storage/sqlite.ts'
import { FakeKlippy } from '../../support/fake-klippy.ts'
import { IDLE } from '../../support/restartable-server.ts'
import { startServerProcess } from '../../support/server-process.ts'
import { type Frame, WebClient } from '../../support/web-client.ts'
import { AcknowledgedUsers } from './crash-users.ts'

const ROUNDS = Number(process.env.CRASH_ROUNDS ?? 2)
const FILES = ['a.gcode', 'b.gcode']

/** What the server has acknowledged so far. */
class Acknowledged {
  readonly items = new Map<string, number>()
  readonly queued = new Set<string>()
  readonly removed = new Set<string>()
  /** Job id to its last status. */
  readonly jobs = new Map<string, string>()
  readonly users = new AcknowledgedUsers()
  writes = 0
}

/** Writes items, each after the one before was acknowledged, until the connection ends. */
async function writeItems(client: WebClient, known: Acknowledged, lane: number): Promise<void> {
  const key = `lane${lane}.value`
  for (;;) {
    const value = (known.items.get(key) ?? 0) + 1
    const { error } = await client.call('server.database.post_item', { namespace: 'crash', key, value })
    assert.equal(error, undefined)
    known.items.set(key, value)
    known.writes += 1
  }
}

async function writeQueue(client: WebClient, known: Acknowledged): Promise<void> {
  for (;;) {
    const added = await client.call('server.job_queue.post_job', { filenames: FILES })
    const jobs: string[] = added.result.queued_jobs.map((job: Frame) => job.job_id)
    for (const id of jobs) known.queued.add(id)
    const [first = ''] = jobs
    await client.call('server.job_queue.delete_job', { job_ids: [first] })
    known.removed.add(first)
    await client.call('server.job_queue.jump', { job_id: jobs.at(-1) })
    known.writes += 3
  }
}

/** Prints over and over; every other print fails. */
async function print(client: WebClient, klippy: FakeKlippy): Promise<void> {
  for (let count = 1; ; count += 2) {
    klippy.push('print_stats', { ...IDLE, state: 'printing', filename: 'a.gcode', total_duration: 0.1 })
    await client.notified('notify_history_changed', count)
    klippy.push('print_stats', { state: count % 4 === 1 ? 'complete' : 'error', total_duration: 1 })
    await client.notified('notify_history_changed', count + 1)
  }
}

function noteJobs(client: WebClient, known: Acknowledged): void {
  for (const { method, params } of client.frames) {
    if (method !== 'notify_history_changed') continue
    known.jobs.set(params[0].job.job_id, params[0].job.status)
    known.writes += 1
  }
}

async function check(client: WebClient, known: Acknowledged): Promise<void> {
  const { result: items } = await client.call('server.database.get_item', { namespace: 'crash' })
  for (const [key, value] of known.items) {
    const [lane = ''] = key.split('.')
    assert.ok(items.value[lane].value >= value, `${key}: ${items.value[lane].value} instead of ${value}`)
    known.items.set(key, items.value[lane].value)
  }
  const { result: queue } = await client.call('server.job_queue.status')
  const ids = new Set(queue.queued_jobs.map((job: Frame) => job.job_id))
  const lost = [...known.queued].filter(id => !known.removed.has(id) && !ids.has(id))
  // One removal may have been in progress.
  assert.ok(lost.length <= 1, `jobs of the queue are gone: ${lost.join(', ')}`)
  for (const id of lost) known.removed.add(id)
  assert.deepEqual(
    [...known.removed].filter(id => ids.has(id)),
    [],
  )
  const { result: history } = await client.call('server.history.list', { limit: 0 })
  const statuses = new Map(history.jobs.map((job: Frame) => [job.job_id, job.status]))
  for (const [id, status] of known.jobs) {
    const found = statuses.get(id)
    if (status === 'in_progress') assert.notEqual(found, undefined)
    else assert.equal(found, status)
  }
}

async function round(folder: string, klippy: FakeKlippy, known: Acknowledged): Promise<void> {
  klippy.change('print_stats', IDLE)
  const { child, port } = await startServerProcess(folder)
  const exit = once(child, 'exit')
  try {
    const client = await WebClient.open(`http://127.0.0.1:${port}`)
    await check(client, known)
    await known.users.check(client, port)
    const { result } = await client.call('server.info')
    if (result.klippy_state !== 'ready') await client.notified('notify_klippy_ready')
    await client.call('printer.objects.subscribe', { objects: { print_stats: null } })
    const writers = [0, 1, 2, 3].map(lane => writeItems(client, known, lane))
    // Logins have a connection of their own.
    const user = await WebClient.open(`http://127.0.0.1:${port}`)
    const users = known.users.write(client, user)
    const failed = Promise.race([...writers, writeQueue(client, known), print(client, klippy), users])
    failed.catch(() => {})
    setTimeout(() => child.kill('SIGKILL'), 20 + Math.random() * 250)
    await Promise.race([Promise.all([client.closed, user.closed]), failed])
    noteJobs(client, known)
  } finally {
    child.kill('SIGKILL')
    await exit
  }
}

/** Checks all acknowledged writes, and that every acknowledged user can log in. */
async function lastLook(folder: string, known: Acknowledged): Promise<void> {
  const { child, port } = await startServerProcess(folder)
  const exit = once(child, 'exit')
  try {
    using client = await WebClient.open(`http://127.0.0.1:${port}`)
    await check(client, known)
    await known.users.check(client, port, true)
  } finally {
    child.kill('SIGKILL')
    await exit
  }
  checkFile(folder)
}

/** Not after every kill: opening the file merges its log, which is the task of the server. */
function checkFile(folder: string): void {
  const file = new Sqlite(join(folder, 'database', 'moonraker-sql.db'))
  const found = file.all('PRAGMA integrity_check').map(row => row.integrity_check)
  file.close()
  assert.deepEqual(found, ['ok'])
}

test(`killed ${ROUNDS} times`, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'crash-'))
  for (const name of ['config', 'gcodes']) mkdirSync(join(folder, name))
  for (const name of FILES) writeFileSync(join(folder, 'gcodes', name), '; nothing\n')
  await using klippy = await FakeKlippy.start()
  const conf =
    `[server]\nhost: 127.0.0.1\nport: 0\nssl_port: 0\nklippy_uds_address: ${klippy.path}\n` +
    '[authorization]\ntrusted_clients: 127.0.0.1\n[machine]\nprovider: none\n' +
    '[announcements]\nenable_moonlight: False\n'
  writeFileSync(join(folder, 'config', 'moonraker.conf'), conf)
  const known = new Acknowledged()
  try {
    klippy.change('heaters', { available_sensors: [], available_monitors: [] })
    for (let count = 1; count <= ROUNDS; count += 1) {
      await round(folder, klippy, known)
      if (count % 5 === 0) checkFile(folder)
    }
    await lastLook(folder, known)
    assert.ok(known.writes > ROUNDS, `${known.writes} writes are too few for a result`)
    const { writes, items, jobs, queued } = known
    t.diagnostic(
      `${ROUNDS} kills, ${writes} acknowledged writes: ${[...items.values()].reduce((a, b) => a + b, 0)} of items, ` +
        `${queued.size} queued jobs, ${jobs.size} jobs of the history; ${JSON.stringify(known.users.counts)}`,
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
