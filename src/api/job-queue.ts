// API document: "Job Queue APIs"; beyond it: copies, notes, moves, the reason of a pause, and the plate.
import { bool, choice, commaList, float, int, list, object, string } from '../schema/index.ts'
import { chapter, event, notification } from './chapter.ts'
import { del, get, post } from './endpoint.ts'

/** The most copies that one request may ask for. */
export const MAX_COPIES = 1000

const QueuedJob = object({
  filename: string().describe('Below the gcodes root'),
  job_id: string().describe('Sixteen hexadecimal digits'),
  time_added: float().describe('Seconds since the epoch'),
  time_in_queue: float().describe('Seconds'),
  note: string().describe('Where the job has one').optional(),
})

const State = choice('ready', 'loading', 'starting', 'paused')
const facts = {
  queue_state: State,
  pause_reason: string().nullable().describe('Why the server itself paused the queue; null otherwise'),
  plate_clear: bool().describe('Whether a print may begin without a person looking at the plate'),
}

const QueueStatus = object({ queued_jobs: list(QueuedJob), ...facts })

/** The parameter of notify_job_queue_changed. */
export const JobQueueChange = object({
  action: choice('state_changed', 'jobs_added', 'jobs_removed', 'jobs_changed', 'job_loaded'),
  updated_queue: list(QueuedJob).nullable().describe('Null where the queue is the same'),
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
      summary: 'Put files at the end of the queue; none where one of them does not exist',
      params: {
        filenames: commaList().describe('A list, or one text with commas between the names'),
        reset: bool().describe('Empty the queue before').default(false),
        copies: int({ min: 1, max: MAX_COPIES }).describe('Put each of them there so many times').default(1),
        note: string().describe('For people').optional(),
      },
      example: { filenames: ['part.gcode'] },
      result: QueueStatus,
    }),
    'server.job_queue.delete_job': del('/server/job_queue/job', {
      summary: 'Take jobs out of the queue; unknown ids are passed over',
      params: {
        job_ids: commaList().describe('A list, or one text with commas between the ids').optional(),
        all: bool().describe('Empty the queue').default(false),
      },
      result: QueueStatus,
    }),
    'server.job_queue.pause': post('/server/job_queue/pause', {
      summary: 'Begin no further job; one that is being loaded is not started',
      result: QueueStatus,
    }),
    'server.job_queue.start': post('/server/job_queue/start', {
      summary: 'Begin the next job where the printer is free; says that the plate is clear',
      result: QueueStatus,
    }),
    'server.job_queue.jump': post('/server/job_queue/jump', {
      summary: 'Put a job at the front',
      params: { job_id: string() },
      result: QueueStatus,
    }),
    'server.job_queue.change_job': post('/server/job_queue/change', {
      summary: 'Move a job within the queue, or give it a note',
      params: {
        job_id: string(),
        position: int({ min: 0 }).describe('0 is the front').optional(),
        note: string().describe('Empty to take it away').optional(),
      },
      result: QueueStatus,
    }),
    'server.job_queue.plate_clear': post('/server/job_queue/plate_clear', {
      summary: 'Say that the plate is clear, for the next job that begins by itself',
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
