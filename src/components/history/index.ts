// [history]: the printed jobs, how they ended, and the totals of all jobs.
import { history as chapter } from '../../api/history.ts'
import { type Core, component } from '../../component/component.ts'
import { optional } from '../../component/service.ts'
import { ApiError } from '../../core/errors.ts'
import { Listeners } from '../../core/listeners.ts'
import type { Scope } from '../../core/scope.ts'
import { type Job, type JobFilter, jobIdNumber, jobIdText } from '../../storage/index.ts'
import { jobWatchService } from '../job-state/service.ts'
import { metadataService } from '../metadata/service.ts'
import { AuxiliaryFields } from './auxiliary-fields.ts'
import { JobReplies } from './job-reply.ts'
import { Recorder } from './recorder.ts'
import { type JobWrite, jobFieldsService, jobRecordsService } from './service.ts'
import { startMetadata } from './start-metadata.ts'
import { Totals } from './totals.ts'

/** Seconds between two records of a job's progress. */
const SAVE_EVERY = 60

interface ListParams extends Pick<JobFilter, 'limit' | 'start'> {
  readonly since?: number | undefined
  readonly before?: number | undefined
  readonly order: string
}

/** Clients write -1 for no time limit, as in Moonraker. */
function timeLimits({ since, before }: ListParams): Pick<JobFilter, 'since' | 'before'> {
  return {
    ...(since !== undefined && since !== -1 && { since }),
    ...(before !== undefined && before !== -1 && { before }),
  }
}

async function listJobs({ storage, paths }: Core, params: ListParams) {
  const order = params.order.toLowerCase()
  if (order !== 'asc' && order !== 'desc') {
    throw new ApiError(400, `Invalid \`order\` value: ${params.order.toUpperCase()}`)
  }
  const { limit = 50, start = 0 } = params
  const jobs = storage.jobs.list({ limit, start, order, ...timeLimits(params) })
  const replies = new JobReplies(paths.gcodes)
  return { count: jobs.length, jobs: await Promise.all(jobs.map(job => replies.reply(job))) }
}

function findJob({ storage }: Core, uid: string): Job {
  const number = jobIdNumber(uid)
  const job = number === null ? undefined : storage.jobs.get(number)
  if (job === undefined) throw new ApiError(404, `Invalid job uid: ${uid}`)
  return job
}

async function deleteJobs({ storage }: Core, uid: string | undefined, all: boolean) {
  if (all) return { deleted_jobs: (await storage.jobs.deleteAll()).map(jobIdText) }
  if (uid === undefined) throw new ApiError(400, 'No data for argument: uid')
  const number = jobIdNumber(uid)
  if (number === null || !(await storage.jobs.delete(number))) {
    throw new ApiError(404, `Invalid job uid: ${uid}`)
  }
  return { deleted_jobs: [uid] }
}

async function resetTotals(totals: Totals, recorder: Recorder) {
  if (recorder.isRecording) throw new ApiError(400, 'Job in progress, cannot reset totals')
  const { own: last_totals, auxiliary: last_auxiliary_totals } = totals
  await totals.reset()
  return { last_totals, last_auxiliary_totals }
}

function serve(
  core: Core,
  scope: Scope,
  { totals, recorder, settled }: { totals: Totals; recorder: Recorder; settled: () => Promise<void> },
): void {
  scope.use(
    core.registry.serve(chapter, {
      'server.history.list': async params => {
        await settled()
        return listJobs(core, params)
      },
      'server.history.totals': async () => {
        await settled()
        return { job_totals: totals.own, auxiliary_totals: totals.auxiliary }
      },
      'server.history.reset_totals': async () => {
        await settled()
        return resetTotals(totals, recorder)
      },
      'server.history.get_job': async ({ uid }) => {
        await settled()
        return { job: await new JobReplies(core.paths.gcodes).reply(findJob(core, uid)) }
      },
      'server.history.delete_job': async ({ uid, all }) => {
        await settled()
        return deleteJobs(core, uid, all)
      },
    }),
  )
}

function record({ events }: Core, scope: Scope, recorder: Recorder): void {
  scope.use(events.on('printer:print_requested', (_filename, username) => recorder.requested(username)))
  scope.use(
    events.on('klippy:status', ({ print_stats }) => {
      if (print_stats !== undefined) recorder.progress(print_stats)
    }),
  )
  scope.use(events.on('klippy:gcode_response', line => recorder.responded(line)))
  scope.use(events.on('job:started', stats => recorder.started(stats)))
  scope.use(events.on('job:found', stats => recorder.found(stats)))
  scope.use(events.on('job:completed', stats => recorder.ended('completed', stats)))
  scope.use(events.on('job:cancelled', stats => recorder.ended('cancelled', stats)))
  scope.use(events.on('job:error', (stats, failure) => recorder.ended(failure, stats)))
  scope.use(
    events.on('job:standby', (stats, wasRunning) =>
      wasRunning ? recorder.ended('cancelled', stats) : undefined,
    ),
  )
}

export default component({
  section: 'history',
  presence: 'always',
  options: {},
  needs: { metadata: optional(metadataService), jobs: jobWatchService },
  provides: { fields: jobFieldsService, records: jobRecordsService },
  create({ core, scope, needs }) {
    const fields = new AuxiliaryFields()
    const totals = new Totals(core.storage.totals, fields)
    const writeListeners = new Listeners<[write: JobWrite]>(core.log)
    const recorder = new Recorder({
      core,
      onWrite: write => writeListeners.call(write),
      totals,
      fields,
      metadata: startMetadata(needs.metadata, core.clock),
    })
    totals.load()
    // Until then, jobs that the previous server did not finish look as if they were in progress.
    const interruptedClosed = Promise.withResolvers<void>()
    // A client that has the reply to a cancel must not read that the job is in progress.
    const settled = async () => {
      await interruptedClosed.promise
      await needs.jobs.current()
      await recorder.idle()
    }
    serve(core, scope, { totals, recorder, settled })
    record(core, scope, recorder)
    return {
      fields: {
        add: source => fields.add(source),
        record: (jobId, field) => recorder.addField(jobIdNumber(jobId), field),
      },
      records: { onWrite: listener => writeListeners.add(listener) },
      async start() {
        const interrupted = await core.storage.jobs
          .closeOpen('interrupted')
          .finally(interruptedClosed.resolve)
        if (interrupted.length > 0)
          core.log.info(`interrupted jobs: ${interrupted.map(jobIdText).join(', ')}`)
        const timer = core.clock.every(SAVE_EVERY, () => recorder.save())
        scope.defer(() => timer.stop())
      },
      stop: () => recorder.serverExits(),
    }
  },
})
