// Publishes changes of files: to the clients, as an event inside the server, and to the file index, which then does not
// find the same change a second time.
import type { ServerResponse } from 'node:http'
import type { FileChange } from '../../../api/files.ts'
import type { EventBus } from '../../../core/events.ts'
import type { Caller } from '../../../rpc/caller.ts'
import type { Connections } from '../../../rpc/connections.ts'
import type { FileIndex } from './file-index.ts'

/** The request that caused a change. */
export interface Requester {
  readonly caller: Caller
  /** The response to an HTTP request outside the calling scheme. */
  readonly res?: ServerResponse
}

/** What receives the changes. */
export interface ChangeTargets {
  readonly connections: Connections
  readonly events: EventBus
  readonly index: Pick<FileIndex, 'prepare'>
}

/**
 * Operations publish their changes while they hold their PathLock: a scan of the disk waits for that lock too, and must
 * find the change in the index. An operation that makes several things publishes them in an order that clients can
 * apply: a folder before the files in it, one notification for a whole folder.
 */
export class ChangeNotifier {
  readonly #targets: ChangeTargets

  constructor(targets: ChangeTargets) {
    this.#targets = targets
  }

  /** Publishes a change by the server itself at once. For work that no request waits for. */
  async report(change: FileChange): Promise<void> {
    const apply = await this.#targets.index.prepare(change)
    this.#notifyAll([...apply(), change])
  }

  /**
   * Applies a change by the server itself to the index, and notifies after the reply to the request that caused it:
   * clients expect that order. With a response: when it is closed. Without: in the next round of the event loop, so the
   * handler must return then without awaiting anything but the PathLock.
   */
  async afterReply({ res }: Requester, change: FileChange): Promise<void> {
    const apply = await this.#targets.index.prepare(change)
    const changes = [...apply(), change]
    if (res?.closed === false) res.once('close', () => this.#notifyAll(changes))
    else setImmediate(() => this.#notifyAll(changes))
  }

  #notifyAll(changes: readonly FileChange[]): void {
    for (const change of changes) this.notify(change)
  }

  /** Notifies of a change by another program, which the index has already. */
  notify(change: FileChange): void {
    this.#targets.connections.notify('notify_filelist_changed', change)
    this.#targets.events.emit('files:changed', change)
  }
}
