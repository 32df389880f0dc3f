// API document: "Job Queue APIs". Our own: copies, notes, moves, the reason for a pause, and the plate.
import { bool, choice, commaList, float, int, list, object, string } from '../schema/index.ts'
import { chapter, event, notification } from './chapter.ts'
import { del, get, post } from './endpoint.ts'

/** The most copies in one request. */
export const MAX_COPIES = 1000

const QueuedJob = object({
  filename: string().describe('Below the gcodes root'),
  job_id: string().describe('Sixteen hexadecimal digits'),
  time_added: float().describe('Seconds since the epoch'),
  time_in_queue: float().describe('Seconds'),
  note: string().describe('For people; left out if the job has none').optional(),
})

const State = choice('ready', 'loading', 'starting', 'paused')
const facts = {
  queue_state: State,
  pause_reason: string().nullable().describe('Why the server itself paused the queue; null otherwise'),
  plate_clear: bool().describe('Whether the next print may start without a person checking the plate'),
}

const QueueStatus = object({ queued_jobs: list(QueuedJob), ...facts })

/** The parameter of notify_job_queue_changed. */
export const JobQueueChange = object({
  action: choice('state_changed', 'jobs_added', 'jobs_removed', 'jobs_changed', 'job_loaded'),
  updated_queue: list(QueuedJob).nullable().describe('Null if the queue did not change'),
  ...facts,
})

export const jobQueue = chapter({
  title: 'Job Queue APIs',
  about: 'Files that wait to be printed',
  methods: {
    'server.job_queue.status': get('/server/job_queue/status', {
      summary: 'The queue and its state',
      result: QueueStatus,
    }),
    'server.job_queue.post_job': post('/server/job_queue/job', {
      summary: 'Add files at the end of the queue; none if one of them does not exist',
      params: {
        filenames: commaList().describe('A list, or one text with the names separated by commas'),
        reset: bool().describe('Empty the queue first').default(false),
        copies: int({ min: 1, max: MAX_COPIES }).describe('Add each file this many times').default(1),
        note: string().describe('For people').optional(),
      },
      example: { filenames: ['part.gcode'] },
      result: QueueStatus,
    }),
    'server.job_queue.delete_job': del('/server/job_queue/job', {
      summary: 'Remove jobs from the queue; unknown ids are ignored',
      params: {
        job_ids: commaList().describe('A list, or one text with the ids separated by commas').optional(),
        all: bool().describe('Empty the queue').default(false),
      },
      result: QueueStatus,
    }),
    'server.job_queue.pause': post('/server/job_queue/pause', {
      summary: 'Start no further job, not even one that is being loaded',
      result: QueueStatus,
    }),
    'server.job_queue.start': post('/server/job_queue/start', {
      summary: 'Start the next job if the printer is idle; confirms that the plate is clear',
      result: QueueStatus,
    }),
    'server.job_queue.jump': post('/server/job_queue/jump', {
      summary: 'Move a job to the front',
      params: { job_id: string() },
      result: QueueStatus,
    }),
    'server.job_queue.change_job': post('/server/job_queue/change', {
      summary: 'Move a job within the queue, or change its note',
      params: {
        job_id: string(),
        position: int({ min: 0 }).describe('0 is the front').optional(),
        note: string().describe('Empty to remove it').optional(),
      },
      result: QueueStatus,
    }),
    'server.job_queue.plate_clear': post('/server/job_queue/plate_clear', {
      summary: 'Confirm that the plate is clear, for the next automatic start',
      result: QueueStatus,
    }),
  },
  notifications: {
    notify_job_queue_changed: notification('The job queue or its state changed', JobQueueChange),
  },
  events: {
    'job:queued': event<[filenames: readonly string[], username: string | null]>(
      'Files of the gcodes root were added to the job queue, each named once; the addition is stored',
    ),
  },
})
