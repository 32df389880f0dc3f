// Long jobs with records in a real database.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type LongJob, type LongJobSpec, type LongJobState, LongJobs } from '../../src/core/long-jobs.ts'
import { openStorage, type Storage, StoredJobRecords } from '../../src/storage/index.ts'
import { HandClock } from '../support/hand-clock.ts'
import { testLog } from '../support/test-log.ts'

const SPEC: LongJobSpec = {
  title: 'update of klipper',
  key: 'update',
  whileOther: 'wait',
  whilePrinting: 'refuse',
  details: { app: 'klipper' },
}

/** The jobs of a component over several lives of its server, with a printer that may be busy. */
class Scene implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'jobs-'))
  readonly clock = new HandClock()
  readonly log: string[] = []
  readonly messages: [id: number, text: string][] = []
  readonly changes: [title: string, state: string, progress: number | null][] = []
  isPrinterBusy = false
  #storage: Storage | null = null
  jobs = this.start()

  get storage(): Storage {
    assert.ok(this.#storage)
    return this.#storage
  }

  get records(): StoredJobRecords {
    return new StoredJobRecords(this.storage.namespaces, 'update_manager')
  }

  start(): LongJobs {
    this.#storage = openStorage({
      folder: this.folder,
      backupFolder: this.folder,
      clock: this.clock,
      warn: text => assert.fail(text),
    })
    const console = (line: string) => this.log.push(line)
    return new LongJobs({
      records: this.records,
      clock: this.clock,
      log: testLog({ clock: this.clock, console, level: 'info' }),
      isPrinterBusy: async () => this.isPrinterBusy,
      onMessage: ({ id }, text) => this.messages.push([id, text]),
      onChange: ({ title, state, progress }: LongJobState, hasEnded) => {
        this.changes.push([title, hasEnded ? 'ended' : state, progress])
      },
    })
  }

  /** A new life after a stop that lets nothing finish, as a power loss. */
  async restart(): Promise<void> {
    await this.storage.close()
    this.jobs = this.start()
  }

  /** Starts a job that runs until the test ends it. */
  open(spec: Partial<LongJobSpec> = {}) {
    const end = Promise.withResolvers<string>()
    const running = Promise.withResolvers<LongJob>()
    const result = this.jobs.run({ ...SPEC, ...spec }, job => {
      running.resolve(job)
      return end.promise
    })
    result.catch(error => running.reject(error))
    running.promise.catch(() => undefined)
    return { running: running.promise, end, result }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.storage.close()
    rmSync(this.folder, { recursive: true })
  }
}

test('a job is listed and recorded while it runs, and its result is returned', async () => {
  await using scene = new Scene()
  const { running, end, result } = scene.open()
  const job = await running
  const state = {
    id: job.id,
    title: 'update of klipper',
    key: 'update',
    details: { app: 'klipper' },
    state: 'running',
    progress: null,
    message: '',
    canBeCancelled: true,
  }
  assert.deepEqual(scene.jobs.list(), [state])
  const { title, key, details } = state
  assert.deepEqual(scene.records.all(), [{ id: job.id, title, key, details, startedAt: scene.clock.now() }])
  job.message('Downloading')
  assert.equal(scene.jobs.list()[0]?.message, 'Downloading')
  assert.deepEqual(scene.messages, [[job.id, 'Downloading']])
  end.resolve('done')
  assert.equal(await result, 'done')
  assert.deepEqual([scene.jobs.list(), scene.records.all()], [[], []])
})

test('clients are notified of each whole percent once', async () => {
  await using scene = new Scene()
  const { running, end, result } = scene.open()
  const job = await running
  scene.changes.length = 0
  for (const fraction of [0, 0.001, 0.019, 0.5, 0.509, null, 7, -1]) job.progress(fraction)
  end.resolve('')
  await result
  assert.deepEqual(
    scene.changes.map(([, , progress]) => progress),
    [0, 0.01, 0.5, null, 1, 0, 0],
  )
  assert.equal(scene.changes.at(-1)?.[1], 'ended')
})

test('jobs with one key run one after the other, others next to them', async () => {
  await using scene = new Scene()
  const first = scene.open()
  await first.running
  const second = scene.open({ title: 'update of system' })
  const other = scene.open({ key: 'rendering' })
  await other.running
  assert.deepEqual(
    scene.jobs.list().map(({ title, state }) => `${title}: ${state}`),
    ['update of klipper: running', 'update of system: waiting', 'update of klipper: running'],
  )
  assert.equal(scene.records.all().length, 2)
  first.end.reject(new Error('no network'))
  await assert.rejects(first.result, /no network/)
  await second.running
  for (const { end } of [second, other]) end.resolve('')
  await Promise.all([second.result, other.result])
  assert.deepEqual(scene.records.all(), [])
})

test('a job that must not wait is refused while another one with its key runs or waits', async () => {
  await using scene = new Scene()
  const first = scene.open()
  const message = 'The update of klipper is not finished yet, try again later'
  await assert.rejects(scene.open({ whileOther: 'refuse' }).result, { status: 503, message })
  await first.running
  await assert.rejects(scene.open({ whileOther: 'refuse' }).result, { status: 503, message })
  first.end.resolve('')
  await first.result
})

test('a job is refused while the printer prints, also when the print starts while it waits', async () => {
  await using scene = new Scene()
  const first = scene.open()
  await first.running
  const waiting = scene.open()
  await new Promise(setImmediate)
  scene.isPrinterBusy = true
  const error = { status: 503, message: 'The update of klipper is refused while the printer prints' }
  await assert.rejects(scene.open().result, error)
  first.end.resolve('')
  await assert.rejects(waiting.result, error)
  const allowed = scene.open({ whilePrinting: 'run' })
  await allowed.running
  allowed.end.resolve('')
  await allowed.result
  assert.deepEqual(scene.records.all(), [])
})

/** Runs until it is aborted, as a program that was started with the signal. */
function untilAborted({ signal }: LongJob): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
  })
}

test('a client may cancel a job that runs or waits', async () => {
  await using scene = new Scene()
  const running = scene.jobs.run(SPEC, untilAborted)
  const waiting = scene.open({ title: 'update of system' })
  while (scene.jobs.list()[0]?.state !== 'running') await new Promise(setImmediate)
  const [first, second] = scene.jobs.list()
  scene.jobs.cancel(second?.id ?? 0)
  await assert.rejects(waiting.result, {
    name: 'JobCancelled',
    message: 'The update of system was cancelled',
  })
  scene.jobs.cancel(first?.id ?? 0)
  await assert.rejects(running, { status: 400, message: 'The update of klipper was cancelled' })
  assert.throws(() => scene.jobs.cancel(first?.id ?? 0), { status: 404 })
  assert.deepEqual(scene.records.all(), [])
})

test('during a step that must not be interrupted a job cannot be cancelled', async () => {
  await using scene = new Scene()
  const step = Promise.withResolvers<void>()
  const started = Promise.withResolvers<LongJob>()
  const result = scene.jobs.run(SPEC, async job => {
    await job.uninterrupted(() => {
      started.resolve(job)
      return step.promise
    })
    return job.uninterrupted(async () => assert.fail('runs although the job was cancelled'))
  })
  const { id } = await started.promise
  const message = 'The update of klipper cannot be cancelled at this moment'
  assert.throws(() => scene.jobs.cancel(id), { status: 409, message })
  assert.equal(scene.jobs.list()[0]?.canBeCancelled, false)
  step.resolve()
  while (scene.jobs.list()[0]?.canBeCancelled !== true) await Promise.resolve()
  scene.jobs.cancel(id)
  await assert.rejects(result, /was cancelled/)
})

test('after a power loss the owner finds what was interrupted, with the last details', async () => {
  await using scene = new Scene()
  const job = await scene.open().running
  await job.note({ app: 'klipper', phase: 'swap' })
  await scene.restart()
  const [record, ...others] = scene.jobs.interrupted()
  assert.deepEqual([record?.id, record?.details, others], [job.id, { app: 'klipper', phase: 'swap' }, []])
  assert.deepEqual(scene.jobs.list(), [])
  await scene.jobs.settle(job.id)
  await scene.jobs.settle(job.id)
  assert.deepEqual(scene.jobs.interrupted(), [])
})

test('the stop of the server aborts jobs; one that does not finish keeps its record', async () => {
  await using scene = new Scene()
  let running = 0
  const untilStopped = (job: LongJob) => {
    running += 1
    return untilAborted(job)
  }
  const stopped = scene.jobs.run(SPEC, untilStopped)
  const waiting = scene.open()
  const finishing = scene.jobs.run({ ...SPEC, key: 'rendering' }, async job => {
    await untilStopped(job).catch(() => undefined)
    return 'video'
  })
  while (running < 2) await new Promise(setImmediate)
  const refused = [stopped, waiting.result].map(result =>
    assert.rejects(result, { status: 503, message: 'The server stops' }),
  )
  const stopping = scene.jobs.stop()
  await Promise.all(refused)
  assert.equal(await finishing, 'video')
  await stopping
  await assert.rejects(scene.open().result, { status: 503, message: 'The server stops' })
  assert.deepEqual(
    scene.jobs.interrupted().map(({ key }) => key),
    ['update'],
  )
})

test('the stop does not wait for a job that ignores it', async () => {
  await using scene = new Scene()
  const { running, result, end } = scene.open()
  await running
  const stopping = scene.jobs.stop()
  scene.clock.pass(10)
  await stopping
  assert.equal(scene.jobs.interrupted().length, 1)
  end.resolve('')
  await result
})

test('records of another owner, and what is no record, are left out', async () => {
  await using scene = new Scene()
  const { namespaces } = scene.storage
  await new StoredJobRecords(namespaces, 'timelapse').put({ ...SPEC, id: 5, startedAt: 1 })
  assert.deepEqual(scene.jobs.interrupted(), [])
  await namespaces.post('moonraker', ['long_jobs', 'update_manager'], { 1: 'x', 2: { id: 2 }, 3: null })
  assert.deepEqual(scene.jobs.interrupted(), [])
})
