// What the dashboard shows. Replies and notifications replace its values and never modify them, so that a panel compares
// by identity to find out whether its part has changed.
import type { Reply } from '../shared/api.ts'

/** The connection to the server. `refused`: the server needs a login. */
export type Connection = 'connecting' | 'open' | 'lost' | 'refused'

/** Status objects of Klipper by their names. */
export type Status = Readonly<Record<string, Readonly<Record<string, unknown>>>>

export type Job = Reply<'server.history.list'>['jobs'][number]
export type Queue = Reply<'server.job_queue.status'>
export type Webcam = Reply<'server.webcams.list'>['webcams'][number]
export type Progress = Reply<'server.analysis.progress'>
export type Info = Reply<'server.info'>

/** The temperatures of a sensor, one a second, the latest last. */
export type Series = Reply<'server.temperature_store'>[string]

/** Each part is null until the server has replied, and where the server does not serve it. */
export interface Model {
  readonly connection: Connection
  readonly user: Reply<'access.get_user'> | null
  readonly info: Info | null
  readonly printer: Reply<'printer.info'> | null
  readonly about: Reply<'server.about'> | null
  readonly status: Status
  /** The metadata of the file that Klipper has loaded. */
  readonly metadata: Readonly<Record<string, unknown>> | null
  readonly progress: Progress | null
  /** By the names of the sensors. */
  readonly temperatures: Readonly<Record<string, Series>>
  readonly jobs: readonly Job[] | null
  readonly queue: Queue | null
  readonly webcams: readonly Webcam[]
}

export const EMPTY: Model = {
  connection: 'connecting',
  user: null,
  info: null,
  printer: null,
  about: null,
  status: {},
  metadata: null,
  progress: null,
  temperatures: {},
  jobs: null,
  queue: null,
  webcams: [],
}

/** Whether the page offers actions: the user may do them, and the server can be reached. */
export function mayAct({ connection, user }: Model): boolean {
  return connection === 'open' && user !== null && user.role !== 'viewer'
}

/** The state of the print in `print_stats`; null while Klippy is not ready. */
export function printState({ info, status }: Model): string | null {
  const state = status.print_stats?.state
  return info?.klippy_state === 'ready' && typeof state === 'string' ? state : null
}

/** Whether a print is in progress, also a paused one. */
export function isPrinting(model: Model): boolean {
  return ['printing', 'paused'].includes(printState(model) ?? '')
}

/** A field of a status object that is a text; '' if it is missing. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
