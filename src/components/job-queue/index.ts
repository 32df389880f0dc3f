// [job_queue]: prints files one after the other.

import type { ResultOf } from '../../api/index.ts'
import { type jobQueue as Chapter, jobQueue as chapter } from '../../api/job-queue.ts'
import { type Core, component } from '../../component/component.ts'
import { ApiError, messageOf } from '../../core/errors.ts'
import { Listeners } from '../../core/listeners.ts'
import type { Scope } from '../../core/scope.ts'
import { bool, float, string } from '../../schema/index.ts'
import { JobQueue, type QueueAction } from './job-queue.ts'
import { QueueStore } from './queue-store.ts'
import { jobQueueService } from './service.ts'
import { WaitingJobs } from './waiting-jobs.ts'

type Status = ResultOf<(typeof Chapter)['methods']['server.job_queue.status']>

function queuedJobs({ clock }: Core, queue: JobQueue): Status['queued_jobs'] {
  const now = clock.now()
  return queue.jobs.map(({ filename, id, timeAdded, note }) => ({
    filename,
    job_id: id,
    time_added: timeAdded,
    time_in_queue: Math.max(0, now - timeAdded),
    ...(note !== null && { note }),
  }))
}

function facts({ state, reason, plateClear }: JobQueue) {
  return { queue_state: state, pause_reason: reason, plate_clear: plateClear }
}

function notify(core: Core, queue: JobQueue, action: QueueAction): void {
  const updated_queue = action === 'state_changed' ? null : queuedJobs(core, queue)
  core.connections.notify('notify_job_queue_changed', { action, updated_queue, ...facts(queue) })
}

const relative = (filename: string) => filename.replace(/^\/+/, '')

function serve(core: Core, scope: Scope, queue: JobQueue): void {
  const status = (): Status => ({ queued_jobs: queuedJobs(core, queue), ...facts(queue) })
  scope.use(
    core.registry.serve(chapter, {
      'server.job_queue.status': status,
      'server.job_queue.post_job': async ({ filenames, reset, copies, note }, { user }) => {
        const names = filenames.map(relative)
        const order = { reset, copies, note: note || null, user: user?.username ?? null }
        await queue.add({ ...order, filenames: names, now: core.clock.now() })
        return status()
      },
      'server.job_queue.delete_job': async ({ job_ids, all }) => {
        if (job_ids === undefined && !all) throw new ApiError(400, 'No data for argument: job_ids')
        await queue.remove(all ? 'all' : (job_ids ?? []))
        return status()
      },
      'server.job_queue.pause': () => queue.pause().then(status),
      'server.job_queue.start': () => queue.start().then(status),
      'server.job_queue.jump': ({ job_id }) => queue.move(job_id, 0).then(status),
      'server.job_queue.change_job': async ({ job_id, position, note }) => {
        if (position !== undefined) await queue.move(job_id, position)
        if (note !== undefined) await queue.note(job_id, note || null)
        return status()
      },
      'server.job_queue.plate_clear': () => queue.confirmPlate().then(status),
    }),
  )
}

function followPrinter({ events, printer, log }: Core, scope: Scope, queue: JobQueue): void {
  const failed = (error: unknown) => log.warning(messageOf(error))
  scope.use(events.on('klippy:ready', () => queue.printerReady().catch(failed)))
  scope.use(events.on('klippy:shutdown', () => queue.printerDown()))
  scope.use(events.on('job:started', ({ filename }) => queue.printStarted(filename).catch(failed)))
  scope.use(events.on('job:found', ({ filename }) => queue.printStarted(filename).catch(failed)))
  scope.use(events.on('job:completed', () => queue.printCompleted().catch(failed)))
  scope.use(events.on('job:cancelled', ({ filename }) => queue.printFailed(`${filename} was cancelled`)))
  scope.use(
    events.on('job:error', ({ filename, message }, failure) => {
      const why = failure === 'error' ? message : failure.replace('klippy_', 'Klipper: ')
      queue.printFailed(`${filename} has failed: ${why || 'Klipper gives no reason'}`)
    }),
  )
  scope.use(
    events.on('job:standby', ({ filename }, wasRunning) => {
      if (wasRunning) queue.printFailed(`${filename} was cancelled`)
    }),
  )
  const { session } = printer
  session.addRemoteMethod('pause_job_queue', () => queue.pause())
  session.addRemoteMethod('start_job_queue', () => queue.start())
  scope.defer(() => session.removeRemoteMethod('pause_job_queue'))
  scope.defer(() => session.removeRemoteMethod('start_job_queue'))
}

export default component({
  section: 'job_queue',
  presence: 'always',
  options: {
    load_on_startup: bool().describe('Start the next job when Klipper becomes ready').default(false),
    automatic_transition: bool().describe('Start the next job when one is complete').default(false),
    job_transition_delay: float({ above: 0 }).describe('Time between two jobs').unit('s').default(0.01),
    job_transition_gcode: string().describe('G-code that runs between two jobs').default(''),
  },
  provides: { queue: jobQueueService },
  create({ core, section: { options }, scope }) {
    const settings = { ...options, job_transition_gcode: options.job_transition_gcode.trim() }
    const changes = new Listeners<[]>(core.log)
    const queue: JobQueue = new JobQueue(
      core,
      settings,
      new WaitingJobs(new QueueStore(core.storage)),
      action => {
        notify(core, queue, action)
        changes.call()
      },
    )
    // Before the server listens: a request must not find an empty queue.
    queue.load()
    serve(core, scope, queue)
    followPrinter(core, scope, queue)
    return {
      stop: () => queue.stop(),
      queue: {
        get hasJobs() {
          return queue.jobs.length > 0
        },
        get plateClear() {
          return queue.plateClear
        },
        confirmPlate: () => queue.confirmPlate(),
        occupyPlate: () => queue.occupyPlate(),
        onChange: listener => changes.add(listener),
        enqueue: (filenames: readonly string[], user: string | null = null) => {
          const order = { copies: 1, reset: false, note: null, user, now: core.clock.now() }
          return queue.add({ ...order, filenames: filenames.map(relative) })
        },
      },
    }
  },
})
