// The API of a fleet's hub: printers, commands, jobs, files and events of the whole fleet.
import {
  anyOf,
  bool,
  choice,
  type Field,
  float,
  type Infer,
  int,
  json,
  list,
  object,
  record,
  secret,
  string,
  tuple,
} from '../schema/index.ts'
import { chapter } from './chapter.ts'
import { endpoints } from './endpoint.ts'
import type { StatusChange } from './printer.ts'

const { get, post, del } = endpoints({ changingRole: 'operator' })

/** What a printer does, as lists and counts show it. */
export const PRINTER_STATES = [
  'printing',
  'paused',
  'ready',
  'error',
  'off',
  'late',
  'offline',
  'needs_newer_hub',
] as const

const printerState = () => choice(...PRINTER_STATES)
const milliseconds = () => int().describe('Milliseconds since the epoch')

/** A printer of the fleet, as lists show it. */
export const FleetPrinter = object({
  id: string().describe('32 hexadecimal digits'),
  name: string(),
  site: string(),
  labels: record(string()),
  state: printerState(),
  maintenance: bool().describe('Takes no jobs'),
  klippy: string().nullable(),
  message: string().nullable().describe('What is wrong, if anything'),
  job: object({
    id: string().nullable().describe('The job of the fleet; null for a local print'),
    file: string(),
    progress: float(),
    left_s: float().nullable(),
  }).nullable(),
  temperatures: record(tuple(float(), float())).describe('Temperature and target of each heater'),
  slot: object({
    state: string().describe('blocked, free, offered, accepted, printing or finished'),
    plate: string().describe('clear or occupied'),
    why: string().nullable().describe('Why it takes no jobs'),
    job: string().nullable(),
  }).nullable(),
  seen: milliseconds().nullable().describe('Time of the newest state'),
  software: string().nullable().describe('Version of the server'),
})

export type FleetPrinter = Infer<typeof FleetPrinter>

const Counts = record(int())

/** Counts over the whole fleet. */
export const FleetSummary = object({
  printers: Counts.describe('Printers by state'),
  jobs: Counts.describe('Jobs by state'),
  total: int().describe('All printers'),
})

export type FleetSummary = Infer<typeof FleetSummary>

/** The states of a job. `held`: a person must look at it. */
export const FLEET_JOB_STATES = [
  'queued',
  'offered',
  'accepted',
  'printing',
  'done',
  'failed',
  'cancelled',
  'held',
] as const

const File = { sha256: string(), size: int(), name: string() }

/** What a job needs of a printer. */
export const fleetNeed = {
  labels: record(string()).describe('Labels that the printer must have').default({}),
  nozzle: float().nullable().describe('Diameter').unit('mm').default(null),
  min: tuple(float(), float(), float())
    .nullable()
    .describe('What its axes must reach')
    .unit('mm')
    .default(null),
  printer: string().nullable().describe('Only the printer with this id').default(null),
}

/** One copy of one job. */
export const FleetJob = object({
  id: string(),
  state: choice(...FLEET_JOB_STATES),
  why: string().nullable().describe('Why it failed, or is held'),
  file: object(File),
  need: object(fleetNeed),
  priority: int(),
  not_before: milliseconds().nullable(),
  batch: string().nullable().describe('The same for all copies of one order'),
  attempt: int().describe('Offers so far'),
  printer: string().nullable().describe('The id of the printer that it was last offered to'),
  by: string().nullable().describe('User'),
  changed: milliseconds().describe('Milliseconds since the epoch, when it entered its state'),
  cancelling: bool().describe('The printer gets a command to cancel it'),
  extra: list(object({ printer: string(), attempt: int() })).describe(
    'Copies that printers finished after a person had given up on them',
  ),
})

export type FleetJob = Infer<typeof FleetJob>

const FleetEvent = object({
  seq: int().describe('For `after` of the next request'),
  printer: string(),
  id: string(),
  t: milliseconds(),
  type: string(),
  job: string().nullable(),
  attempt: int().nullable(),
  data: record(json()),
})

const printer = () => string().describe('The id of the printer')
const job = () => string().describe('The id of the job')
const limit = (most: number) => int({ min: 1, max: most }).default(most)
const OneJob = object({ job: FleetJob })

/** An action on one job. */
const jobAction = (name: string, summary: string, role?: 'admin') =>
  post(`/fleet/jobs/{id}/${name}`, {
    summary,
    params: { id: job() },
    result: OneJob,
    ...(role !== undefined && { role }),
  })

const labelList = (): Field<string[]> => list(string())

export const fleet = chapter({
  title: 'Fleet',
  about: 'Printers, jobs and files of a fleet; served by its hub',
  methods: {
    'fleet.summary': get('/fleet/summary', { summary: 'Counts of printers and jobs', result: FleetSummary }),
    'fleet.printers.list': get('/fleet/printers', {
      summary: 'Printers by name',
      params: {
        q: string().describe('Part of the name, the site or the id').optional(),
        site: string().optional(),
        state: printerState().optional(),
        label: anyOf(labelList(), string()).describe('NAME=VALUE; several must all match').optional(),
        cursor: string().describe('`next` of the reply before').optional(),
        limit: limit(200),
      },
      result: object({
        printers: list(FleetPrinter),
        total: int().describe('Printers that match, on all pages'),
        next: string().nullable().describe('The cursor of the next page'),
      }),
    }),
    'fleet.printers.get': get('/fleet/printers/{id}', {
      summary: 'One printer',
      params: { id: printer() },
      result: object({ printer: FleetPrinter }),
    }),
    'fleet.printers.change': post('/fleet/printers/{id}', {
      summary: 'Rename a printer, move it, label it, or take it out for maintenance',
      params: {
        id: printer(),
        name: string().optional(),
        site: string().optional(),
        labels: record(string()).optional(),
        maintenance: bool().optional(),
      },
      result: object({ printer: FleetPrinter }),
    }),
    'fleet.printers.remove': del('/fleet/printers/{id}', {
      summary: 'Remove a printer; its credential is no longer valid',
      params: { id: printer() },
      result: object({ id: string() }),
      role: 'admin',
    }),
    'fleet.printers.command': post('/fleet/printers/{id}/commands', {
      summary: 'Send a printer a command, and wait for its reply',
      params: {
        id: printer(),
        do: string().describe(
          'pause, resume, cancel, emergency_stop, firmware_restart, host_restart, plate_clear, maintenance, watch, ' +
            'announce or call',
        ),
        args: record(json()).default({}),
        job: string().describe('Only while the printer prints this job').optional(),
      },
      example: { id: '0123456789abcdef0123456789abcdef', do: 'pause' },
      result: object({
        accepted: bool().describe('It takes longer; the event command.done has the result'),
        result: json(),
      }),
    }),
    'fleet.codes.create': post('/fleet/codes', {
      summary: 'A code with which one printer can join, within 10 minutes',
      params: {
        site: string().describe('Of the new printer').default(''),
        labels: record(string()).describe('Of the new printer').default({}),
      },
      result: object({ code: string(), expires: milliseconds() }),
      role: 'admin',
    }),
    'fleet.enrol': post('/fleet/enrol', {
      summary: 'Join the fleet; printers call it',
      params: {
        code: secret().describe('The secret of the code'),
        id: printer(),
        nkey: string().describe('The public key of the printer: a user key of NATS'),
        name: string(),
        api_version: string(),
      },
      result: object({
        jwt: string().describe('The credential'),
        engine: list(string()).describe('Addresses of the engine'),
        ca: string().nullable().describe('PEM of the CA certificate'),
        epoch: string().describe("The id of the engine's data"),
      }),
      auth: false,
      transports: ['http'],
    }),
    'fleet.jobs.list': get('/fleet/jobs', {
      summary: 'Jobs, the newest first',
      params: {
        state: choice(...FLEET_JOB_STATES).optional(),
        batch: string().optional(),
        printer: printer().optional(),
        before: string().describe('The id of the last job of the reply before').optional(),
        limit: limit(200),
      },
      result: object({ jobs: list(FleetJob), next: string().nullable().describe('For `before`') }),
    }),
    'fleet.jobs.get': get('/fleet/jobs/{id}', { summary: 'One job', params: { id: job() }, result: OneJob }),
    'fleet.jobs.create': post('/fleet/jobs', {
      summary: 'Order copies of a file; each copy is a job of its own',
      params: {
        file: string().describe('The SHA-256 of the file'),
        name: string().describe('The name of the file on the printer'),
        copies: int({ min: 1, max: 1000 }).default(1),
        need: object(fleetNeed).default({ labels: {}, nozzle: null, min: null, printer: null }),
        priority: int({ min: -1000, max: 1000 }).describe('Higher ones first').default(0),
        not_before: milliseconds().nullable().default(null),
      },
      result: object({ batch: string(), jobs: list(string()) }),
    }),
    'fleet.jobs.cancel': jobAction(
      'cancel',
      'Cancel a job; a printer that has it gets a command to cancel it',
    ),
    'fleet.jobs.hold': jobAction('hold', 'Keep a queued job from being offered'),
    'fleet.jobs.release': jobAction('release', 'Queue a held job again'),
    'fleet.jobs.abandon': jobAction(
      'abandon',
      'Give up waiting for the printer that has the job; the job is held',
      'admin',
    ),
    'fleet.events.list': get('/fleet/events', {
      summary: 'Events of all printers, in the order in which they arrived',
      params: {
        after: int({ min: 0 }).describe('Only later ones').default(0),
        printer: printer().optional(),
        limit: limit(500),
      },
      result: object({
        events: list(FleetEvent),
        next: int().describe('For `after`'),
        more: bool().describe('There are further events now'),
      }),
    }),
  },
  raw: {
    'fleet.files.get': {
      verb: 'GET',
      path: '/fleet/files/sha256/{hash}',
      summary: 'A G-code file; the address of an offer contains a signature, others need a login',
      status: 200,
      reply: { 'application/octet-stream': string().json },
    },
    'fleet.http_sd': {
      verb: 'GET',
      path: '/fleet/http_sd',
      summary: 'The printers as targets of Prometheus',
      status: 200,
      reply: {
        'application/json': list(object({ targets: list(string()), labels: record(string()) })).json,
      },
    },
  },
})

/** The reply to PUT /fleet/files. */
export const FleetFile = object({
  ...File,
  metadata: record(json()).describe('What the slicer wrote into the file'),
})

export type FleetFile = Infer<typeof FleetFile>

/** A message of a hub on the WebSocket /fleet/live. */
export interface FleetLiveMessage {
  /** Once a second. */
  readonly summary?: FleetSummary
  /** Rows that the client shows and that have changed; and the ids of those that have left the fleet. */
  readonly rows?: readonly FleetPrinter[]
  readonly gone?: readonly string[]
  /** The hub has requested the status of the open printer; `reached` is false if the printer is not connected. */
  readonly opened?: { readonly id: string; readonly reached: boolean }
  /** Status of the open printer that has changed. At first and after each `opened` it is the whole status. */
  readonly live?: { readonly id: string; readonly t: number; readonly status: StatusChange }
}

/** A message of a client on the WebSocket /fleet/live. */
export interface FleetLiveRequest {
  /** The ids of the rows that the client shows: at most 200, the hub ignores further ones. */
  readonly rows?: readonly string[]
  /** The printer whose status the client follows; null for none. */
  readonly open?: string | null
}
