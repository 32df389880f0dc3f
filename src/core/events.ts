// What happens inside the server, told by facts. An event never asks for an answer.
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
}

type Listener<E extends keyof Events> = (...args: Events[E]) => void | Promise<void>

/** Brings events to whoever listens. A listener that fails is reported and stops no other. */
export class EventBus {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>()
  readonly #onError: (event: string, error: unknown) => void

  constructor(onError: (event: string, error: unknown) => void) {
    this.#onError = onError
  }

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
