// One update, recovery or rollback while it runs, as its updater sees it.
import type { LongJob } from '../../core/long-jobs.ts'
import type { PlainData } from '../../core/plain-data.ts'
import type { ServiceRestarts } from './service-restarts.ts'
import type { UpdateRun } from './updater.ts'

/** The services that restart at the end of a full update, for other entries. */
const POSTPONED = ['klipper', 'moonraker']

/** What the runs of one operation share. */
export interface OperationParts {
  readonly application: string
  readonly job: LongJob
  readonly restarts: ServiceRestarts
  /** Sends a line to clients. */
  readonly send: (text: string, isLast: boolean) => void
  /** True in a full update, which has a last line of its own. */
  readonly isFull: boolean
}

/** One operation, over one entry or all. */
export class Operation {
  readonly parts: OperationParts
  /** Services whose restart is left to the end. */
  readonly postponed = new Set<string>()
  /** Services that have been restarted. */
  readonly restarted = new Set<string>()

  constructor(parts: OperationParts) {
    this.parts = parts
  }

  /** The run of one entry. */
  run(name: string, services: readonly string[]): UpdateRun {
    const { application, job, send, isFull } = this.parts
    return {
      application,
      signal: job.signal,
      message: (text, isLast = false) => send(text, isLast && !isFull),
      progress: fraction => job.progress(fraction),
      note: details => job.note(recordOf(name, details)),
      uninterrupted: step => job.uninterrupted(step),
      restartServices: async label => {
        for (const service of services) await this.#restart(label, service, name)
      },
    }
  }

  async #restart(label: string, service: string, name: string): Promise<void> {
    const { send, isFull } = this.parts
    if (!isFull || service === name || !POSTPONED.includes(service)) return this.restart(label, service)
    this.postponed.add(service)
    send(`${label}: Service ${service} restart postponed...`, false)
  }

  /** Restarts a service; this server only after the operation. Rejects with ApiError. */
  async restart(label: string, service: string): Promise<void> {
    const { send, restarts } = this.parts
    this.postponed.delete(service)
    if (service !== 'moonraker' && (await restarts.isImpossible())) {
      send(`${label}: Restart the service ${service} yourself: this server cannot (provider: none)`, false)
      return
    }
    send(`${label}: Restarting service ${service}...`, false)
    this.restarted.add(service)
    if (service !== 'moonraker') await restarts.restart(service)
  }
}

/** The details of the stored record: which entry, and what its updater noted. */
export function recordOf(name: string, change: PlainData): PlainData {
  return { name, change }
}
