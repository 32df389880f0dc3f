// Where it is announced that files have changed: to the clients, to the rest of the server, and to the index,
// which then does not find the same change a second time.
import { ServerResponse } from 'node:http'
import type { FileChange } from '../../../api/files.ts'
import type { EventBus } from '../../../core/events.ts'
import type { Caller } from '../../../rpc/caller.ts'
import type { Connections } from '../../../rpc/connections.ts'

/** Who knows what stands on the disk and compares it with what is found there. */
export interface KnownFiles {
  /**
   * Takes in a change that we made ourselves. Gives what clients should be told before it: that the folders of its
   * path were made, where they are new.
   */
  apply(change: FileChange): readonly FileChange[]
}

/** Who asked for what was done: the reply to an HTTP request, or the caller of a method. */
export type Asking = ServerResponse | Caller

/** What announcements go to. */
export interface ChangeListeners {
  readonly connections: Connections
  readonly events: EventBus
  readonly known: KnownFiles
}

/**
 * To be called while the operation still holds its place in the TreeLock: what looks at the disk takes its turn there
 * too, and must find that the change is known. An operation that makes several things announces them in the order in
 * which a client can make sense of them: a folder before the files in it, one announcement for a whole folder.
 */
export class Changes {
  readonly #listeners: ChangeListeners

  constructor(listeners: ChangeListeners) {
    this.#listeners = listeners
  }

  /** Announces a change of ours at once. For work that nobody waits for. */
  report(change: FileChange): void {
    this.#tellAll([...this.#listeners.known.apply(change), change])
  }

  /**
   * Makes a change of ours known at once and announces it when the reply to the request that caused it is out
   * (clients.md §2.0). With a `ServerResponse`: when that has been sent or was given up. With a caller: when what
   * runs at present is done, so the handler must return without waiting for anything but the TreeLock.
   */
  afterReply(to: Asking, change: FileChange): void {
    const changes = [...this.#listeners.known.apply(change), change]
    if (to instanceof ServerResponse && !to.closed) to.once('close', () => this.#tellAll(changes))
    else setImmediate(() => this.#tellAll(changes))
  }

  #tellAll(changes: readonly FileChange[]): void {
    for (const change of changes) this.tell(change)
  }

  /** Announces what somebody else has changed; the index knows of it already. */
  tell(change: FileChange): void {
    this.#listeners.connections.notify('notify_filelist_changed', change)
    this.#listeners.events.emit('files:changed', change)
  }
}
