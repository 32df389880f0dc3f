// API document: "History APIs".
import { bool, choice, float, type Infer, int, json, list, object, record, string } from '../schema/index.ts'
import { chapter, event, notification } from './chapter.ts'
import { del, get, post } from './endpoint.ts'

/** How jobs end; a running one is in_progress. */
export const JOB_STATUSES = [
  'in_progress',
  'completed',
  'cancelled',
  'error',
  'klippy_shutdown',
  'klippy_disconnect',
  'interrupted',
  'server_exit',
] as const

export const HistoryJob = object({
  job_id: string().describe('Six or more hexadecimal digits'),
  user: string().describe('"No User" if the print was not started through the server'),
  filename: string().describe('Below the gcodes root'),
  status: string().describe(`One of ${JOB_STATUSES.join(', ')}; the original may have stored others`),
  start_time: float().describe('Seconds since the epoch'),
  end_time: float().nullable().describe('Seconds since the epoch; null while it runs'),
  print_duration: float().describe('Seconds, without pauses'),
  total_duration: float().describe('Seconds'),
  filament_used: float().describe('mm'),
  metadata: record(json()).describe('The metadata of the file at the time of the job'),
  auxiliary_data: list(
    object({
      provider: string(),
      name: string(),
      value: json(),
      description: string(),
      units: string().nullable(),
    }),
  ),
  exists: bool().describe('Whether the file still exists, unchanged'),
})

/** The parameter of notify_history_changed. */
export const HistoryChange = object({ action: choice('added', 'finished'), job: HistoryJob })

/** A job of the history, as far as other components use it. */
export type RecordedJob = Readonly<
  Pick<Infer<typeof HistoryJob>, 'job_id' | 'filename' | 'status' | 'start_time'>
>

const Totals = object({
  total_jobs: int(),
  total_time: float().describe('Seconds'),
  total_print_time: float().describe('Seconds'),
  total_filament_used: float().describe('mm'),
  longest_job: float().describe('Seconds'),
  longest_print: float().describe('Seconds'),
})

const AuxiliaryTotals = list(
  object({
    provider: string(),
    field: string(),
    maximum: float().nullable(),
    total: float().nullable(),
  }),
)

const uid = string().describe('A job_id')

export const history = chapter({
  title: 'History APIs',
  about: 'Past prints and their totals',
  methods: {
    'server.history.list': get('/server/history/list', {
      summary: 'Past jobs',
      params: {
        limit: int().describe('At most this many; 0 for all').default(50),
        start: int().describe('Jobs to skip').default(0),
        since: float().describe('Started after this time, seconds since the epoch').optional(),
        before: float().describe('Ended before this time, seconds since the epoch').optional(),
        order: string().describe('asc or desc, by job number').default('desc'),
      },
      example: { limit: 10, order: 'desc' },
      result: object({ count: int().describe('Jobs in this reply'), jobs: list(HistoryJob) }),
    }),
    'server.history.totals': get('/server/history/totals', {
      summary: 'Totals of all jobs since the last reset',
      result: object({ job_totals: Totals, auxiliary_totals: AuxiliaryTotals }),
    }),
    'server.history.reset_totals': post('/server/history/reset_totals', {
      summary: 'Reset the totals; the reply contains the old ones',
      result: object({ last_totals: Totals, last_auxiliary_totals: AuxiliaryTotals }),
    }),
    'server.history.get_job': get('/server/history/job', {
      summary: 'One past job',
      params: { uid },
      result: object({ job: HistoryJob }),
    }),
    'server.history.delete_job': del('/server/history/job', {
      summary: 'Delete a job from the history, or all jobs',
      params: { uid: uid.optional(), all: bool().default(false) },
      result: object({ deleted_jobs: list(string()) }),
    }),
  },
  notifications: {
    notify_history_changed: notification('A job started or ended', HistoryChange),
  },
  events: {
    'history:changed': event<[action: 'added' | 'finished', job: RecordedJob]>(
      'The history has a new job, or one that has ended. Clients have been notified',
    ),
  },
})
