// What happens inside the server, told by facts. An event never asks for an answer.
import type { ListeningAt } from './addresses.ts'
import type { Registration } from './scope.ts'

/** A field-wise change of Klippy's status objects. */
export type StatusChange = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** What can happen to files; the words of notify_filelist_changed. */
export type FileAction =
  | 'create_file'
  | 'create_dir'
  | 'delete_file'
  | 'delete_dir'
  | 'move_file'
  | 'move_dir'
  | 'modify_file'
  | 'root_update'

/** A change of files, as clients are told of it. What happens to a folder happens to everything in it. */
export interface FileChange {
  readonly action: FileAction
  readonly item: {
    readonly root: string
    /** Below the root; '' for the root itself. */
    readonly path: string
    /** Bytes. */
    readonly size?: number
    /** Seconds since the epoch. */
    readonly modified?: number
    readonly permissions?: string
  }
  /** Where it was; for moves. */
  readonly source_item?: { readonly root: string; readonly path: string }
}

/** What Klipper says of a print (its object print_stats). Durations are seconds, filament mm. */
export interface PrintStats {
  readonly filename: string
  readonly state: string
  readonly total_duration: number
  readonly print_duration: number
  readonly filament_used: number
  /** Why it failed; '' otherwise. */
  readonly message: string
}

/** Why a job ended in an error. */
export type JobFailure = 'error' | 'klippy_shutdown' | 'klippy_disconnect'

/** A job as server.history.get_job tells it, as far as others in the server look at it. */
export interface RecordedJob {
  readonly job_id: string
  readonly filename: string
  readonly status: string
  /** Seconds since the epoch. */
  readonly start_time: number
}

/** What a component has to tell the people in front of the printer. */
export interface RaisedAnnouncement {
  /** The component and what it is about, as `machine/sudo`. Raised again with other words it counts as new. */
  readonly entry_id: string
  /** One line of plain text. */
  readonly title: string
  /** Plain text, which may hold links in Markdown. */
  readonly description: string
  /** Where more is to be read or done; '' for nowhere. */
  readonly url: string
  readonly priority: 'normal' | 'high'
  /** The component that raises it. */
  readonly feed: string
}

/** Every event and what it carries. */
export interface Events {
  /** The link to Klippy is up and Klippy has said who it is; it need not be ready. */
  'klippy:identified': []
  /** Klippy is ready to print. */
  'klippy:ready': []
  /** Klippy has shut down; it still answers. */
  'klippy:shutdown': []
  /** The link to Klippy is gone. */
  'klippy:disconnected': []
  /** Klippy printed a line on its console. */
  'klippy:gcode_response': [response: string]
  /** A script is about to be given to Klippy on someone's behalf. */
  'klippy:gcode_command': [script: string]
  /** Subscribed status changed, at `eventtime` of Klippy's clock (s). */
  'klippy:status': [change: StatusChange, eventtime: number]
  /** Files of a served folder changed, by us or by another program. Clients have been told. */
  'files:changed': [change: FileChange]
  /** Klipper was told to print a file, on behalf of a user; null where there is none. */
  'printer:print_requested': [filename: string, username: string | null]
  /** Files of the gcodes root were added to the job queue, each named once; the addition is stored. */
  'job:queued': [filenames: readonly string[], username: string | null]
  /** A job began. */
  'job:started': [stats: PrintStats]
  /** A job is under way that began while nobody listened: before the server, or in a gap of the connection. */
  'job:found': [stats: PrintStats]
  'job:paused': [stats: PrintStats]
  'job:resumed': [stats: PrintStats]
  /** A job reached its end. `stats` of this and the three below are the last of the job itself. */
  'job:completed': [stats: PrintStats]
  'job:cancelled': [stats: PrintStats]
  'job:error': [stats: PrintStats, failure: JobFailure]
  /** Klipper has forgotten the file; a job that was under way is cancelled by it. */
  'job:standby': [stats: PrintStats, wasRunning: boolean]
  /** The history holds a new job, or one that has ended; clients have been told. */
  'history:changed': [action: 'added' | 'finished', job: RecordedJob]
  /** A component has something to tell; it is kept, over restarts too, until it is settled. */
  'announcement:raised': [announcement: RaisedAnnouncement]
  /** What an announcement of a component told is over. */
  'announcement:settled': [entryId: string]
  /** A component is in use whose makers have a feed of announcements by this name. */
  'announcement:feed_used': [feed: string]
  /** The server takes requests; components start after this. */
  'server:listening': [at: ListeningAt]
  /** The server has to be built anew, once the reply that led to it is out. */
  'server:restart': []
}

type Listener<E extends keyof Events> = (...args: Events[E]) => void | Promise<void>

/** Brings events to whoever listens. A listener that fails is reported and stops no other. */
export class EventBus {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>()
  readonly #onError: (event: string, error: unknown) => void

  constructor(onError: (event: string, error: unknown) => void) {
    this.#onError = onError
  }

  /** Calls `listener` at each `event` from now on. */
  on<E extends keyof Events>(event: E, listener: Listener<E>): Registration {
    const listeners = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, listeners)
    listeners.add(listener as Listener<never>)
    return { remove: () => void listeners.delete(listener as Listener<never>) }
  }

  /** Runs every listener in order of registration; what they do asynchronously is not waited for. */
  emit<E extends keyof Events>(event: E, ...args: Events[E]): void {
    for (const listener of this.#listeners.get(event) ?? []) {
      try {
        const done = (listener as Listener<E>)(...args)
        if (done instanceof Promise) done.catch(error => this.#onError(event, error))
      } catch (error) {
        this.#onError(event, error)
      }
    }
  }
}
