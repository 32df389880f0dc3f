// Updates, recoveries and rollbacks: one at a time, refused during a print, with messages to clients, and with a record
// from which the next start repairs what a crash left.
import type { Core } from '../../component/component.ts'
import { ApiError, messageOf } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { type LongJob, type LongJobState, LongJobs } from '../../core/long-jobs.ts'
import type { PlainData } from '../../core/plain-data.ts'
import type { SerialQueue } from '../../core/serial-queue.ts'
import { isPlainObject } from '../../schema/index.ts'
import { StoredJobRecords } from '../../storage/index.ts'
import type { Entries, Entry } from './entries.ts'
import type { ServiceRestarts } from './service-restarts.ts'
import { Operation, recordOf } from './update-run.ts'
import type { Recovery, UpdateRun, Updater } from './updater.ts'

const FULL = 'full'
/** The section, as the owner of the stored records. */
const OWNER = 'update_manager'

/** What they need. */
export interface OperationsParts {
  readonly core: Core
  readonly entries: Entries
  /** Held while an entry changes or is refreshed. */
  readonly lock: SerialQueue
  readonly restarts: ServiceRestarts
  /** Called when a failure has changed the state of an entry. */
  readonly onStateChanged: () => void
}

/** How an operation is announced and refused. */
interface Spec {
  readonly title: string
  readonly application: string
  /** The error during a print. */
  readonly refusal: ApiError
  /** The lines after a failure, the last one complete. */
  readonly failureLines: (text: string) => readonly string[]
}

/** What an operation that runs shows to clients. */
export interface RunningOperation {
  readonly application: string
  readonly message: string
  readonly progress: number | null
  readonly can_be_cancelled: boolean
}

export class Operations {
  readonly #parts: OperationsParts
  readonly #jobs: LongJobs
  #application: string | null = null

  constructor(parts: OperationsParts) {
    const { storage, clock, log, printer } = parts.core
    this.#parts = parts
    const records = new StoredJobRecords(storage.namespaces, OWNER)
    this.#jobs = new LongJobs({ records, clock, log, isPrinterBusy: () => printer.isBusy() })
  }

  /** The application of the operation that runs; null for none. */
  get application(): string | null {
    return this.#application
  }

  /** The operation that runs; null for none. */
  get running(): RunningOperation | null {
    const job = this.#runningJob()
    if (job === undefined || this.#application === null) return null
    const { message, progress, canBeCancelled } = job
    return { application: this.#application, message, progress, can_be_cancelled: canBeCancelled }
  }

  #runningJob(): LongJobState | undefined {
    return this.#jobs.list().find(({ state }) => state === 'running')
  }

  /** Cancels the operation that runs. Throws ApiError 404 if none runs, 409 if it must not stop now. */
  cancel(): void {
    const job = this.#runningJob()
    if (job === undefined) throw new ApiError(404, 'No update is in progress')
    this.#jobs.cancel(job.id)
  }

  /** Ends what runs, and waits for it for a while. */
  stop(): Promise<void> {
    return this.#jobs.stop()
  }

  /** Updates one entry. Rejects with ApiError. */
  async update(name: string): Promise<void> {
    const entry = this.#parts.entries.get(name)
    if (this.#application === name || this.#application === FULL)
      throw new ApiError(503, `Item ${name} is currently updating`)
    const spec: Spec = {
      title: `update of ${name}`,
      application: name,
      refusal: new ApiError(503, 'Update Refused: Klippy is printing'),
      failureLines: text => [`Error updating ${name}: ${text}`],
    }
    await this.#perform(spec, operation =>
      this.#change(operation, entry, (updater, run) => updater.update(run)),
    )
  }

  /** Updates everything. Rejects with ApiError; what comes after the failure is not updated. */
  async updateAll(): Promise<void> {
    let current = FULL
    const spec: Spec = {
      title: 'full update',
      application: FULL,
      refusal: new ApiError(503, 'Update Refused: Klippy is printing'),
      failureLines: text => [`Error updating ${current}: ${text}`],
    }
    await this.#perform(spec, async operation => {
      const { send } = operation.parts
      send('Preparing full software update...', false)
      for (const entry of this.#inOrder()) {
        current = entry.updater.name
        await (current === 'klipper'
          ? this.#updateKlipper(operation, entry)
          : this.#updateOne(operation, entry))
      }
      send('Full Update Complete', true)
    })
  }

  /** Updates an entry of a full update, and restarts its service if another entry has requested that. */
  async #updateOne(operation: Operation, entry: Entry): Promise<void> {
    const { name, label } = entry.updater
    await this.#change(operation, entry, (updater, run) => updater.update(run))
    if (operation.postponed.has(name)) await operation.restart(label, name)
  }

  /** What is updated after Klipper may need it. */
  async #updateKlipper(operation: Operation, entry: Entry): Promise<void> {
    const { send, restarts, job } = operation.parts
    const klippy = restarts.watchKlippy()
    try {
      await this.#updateOne(operation, entry)
      if (!operation.restarted.has(entry.updater.name)) return
      send('Waiting for Klippy to reconnect (this may take up to 2 minutes)...', false)
      send(
        (await klippy.connects(job.signal)) ? 'Klippy Reconnected' : 'Klippy reconnect timed out...',
        false,
      )
    } finally {
      klippy.stop()
    }
  }

  /** The extensions before Klipper, this server last. */
  #inOrder(): Entry[] {
    const last = ['klipper', 'moonraker']
    const all = this.#parts.entries.list()
    const others = all.filter(({ updater }) => !last.includes(updater.name))
    return [...others, ...last.flatMap(name => this.#parts.entries.find(name) ?? [])]
  }

  /** Recovers a repository. Rejects with ApiError. */
  async recover(name: string, how: Recovery): Promise<void> {
    const entry = this.#parts.entries.get(name)
    if (entry.updater.recover === undefined) throw new ApiError(400, `Updater ${name} is not a Git Repo Type`)
    const spec: Spec = {
      title: `recovery of ${name}`,
      application: `recover_${name}`,
      refusal: new ApiError(400, 'Recovery Attempt Refused: Klippy is printing'),
      failureLines: text => [`Error Recovering ${name}`, text],
    }
    await this.#perform(spec, operation =>
      this.#change(operation, entry, async (updater, run) => updater.recover?.(run, how)),
    )
  }

  /** Installs the previous version of an entry. Rejects with ApiError. */
  async rollback(name: string): Promise<void> {
    const entry = this.#parts.entries.get(name)
    const spec: Spec = {
      title: `rollback of ${name}`,
      application: `rollback_${name}`,
      refusal: new ApiError(400, 'Rollback Attempt Refused: Klippy is printing'),
      failureLines: text => [`Error Rolling Back ${name}`, text],
    }
    await this.#perform(spec, operation =>
      this.#change(operation, entry, (updater, run) => {
        if (updater.rollback === undefined) throw new ApiError(400, `Rollback not available for ${name}`)
        return updater.rollback(run)
      }),
    )
  }

  async #perform(spec: Spec, work: (operation: Operation) => Promise<void>): Promise<void> {
    const { lock, restarts } = this.#parts
    await this.#demandNoPrint(spec)
    const { title, application } = spec
    const job = { title, key: OWNER, whileOther: 'wait', whilePrinting: 'run', details: null } as const
    const operation = await this.#jobs.run(job, running =>
      lock.run(async () => {
        // A print may have started while the operation waited.
        await this.#demandNoPrint(spec)
        this.#application = application
        try {
          return await this.#report(spec, running, work)
        } finally {
          this.#application = null
        }
      }),
    )
    if (operation.restarted.has('moonraker')) restarts.restartServer()
  }

  /** Also during a paused print: a restart of Klipper would end it. */
  async #demandNoPrint({ refusal }: Spec): Promise<void> {
    if (await this.#parts.core.printer.isBusy()) throw refusal
  }

  async #report(
    { application, failureLines }: Spec,
    job: LongJob,
    work: (operation: Operation) => Promise<void>,
  ): Promise<Operation> {
    const { core, restarts } = this.#parts
    const send = (text: string, complete: boolean) => {
      const message = text.trim()
      if (message === '') return
      job.message(message)
      core.connections.notify('notify_update_response', { message, application, proc_id: job.id, complete })
    }
    const operation = new Operation({ application, job, restarts, send, isFull: application === FULL })
    try {
      await work(operation)
      return operation
    } catch (error) {
      if (!(error instanceof ApiError)) core.log.error(`${application} failed`, error)
      const lines = failureLines(messageOf(error))
      for (const [index, line] of lines.entries()) send(line, index === lines.length - 1)
      throw error
    }
  }

  /** Changes an entry, and stores its state, also after a failure. */
  async #change(
    operation: Operation,
    entry: Entry,
    work: (updater: Updater, run: UpdateRun) => Promise<void>,
  ): Promise<void> {
    const { updater } = entry
    const { name, services } = updater
    const before = JSON.stringify(updater.stored())
    try {
      await operation.parts.job.note(recordOf(name, null))
      await work(updater, operation.run(name, services))
    } catch (error) {
      if (JSON.stringify(updater.stored()) !== before) this.#parts.onStateChanged()
      throw error
    } finally {
      await this.#parts.entries.save(entry)
    }
  }

  /** Repairs what the previous run of the server did not finish. */
  async repairInterrupted(signal: AbortSignal): Promise<void> {
    const { lock, core } = this.#parts
    for (const record of this.#jobs.interrupted()) {
      const { name, change = null } = detailsOf(record.details)
      const entry = typeof name === 'string' ? this.#parts.entries.find(name) : undefined
      try {
        const outcome = await lock.run(() => this.#repair(entry, change, signal))
        core.warnings.add(`The ${record.title} was interrupted: ${outcome}`)
        await this.#jobs.settle(record.id)
      } catch (error) {
        if (signal.aborted) return
        core.log.error(`repair after the interrupted ${record.title}`, error)
        const advice = 'the next start tries again; a recovery from the update panel may help'
        core.warnings.add(
          `The ${record.title} was interrupted and is not repaired: ${messageOf(error)}; ${advice}`,
        )
      }
    }
  }

  async #repair(entry: Entry | undefined, change: PlainData, signal: AbortSignal): Promise<string> {
    if (entry === undefined) return 'its section is not in the configuration any more'
    const { updater } = entry
    const { log } = this.#parts.core
    const outcome = await updater.repair?.(repairRun(updater, log, signal), change)
    await this.#parts.entries.save(entry)
    return outcome ?? 'nothing had to be repaired'
  }
}

function detailsOf(details: PlainData): { readonly name?: unknown; readonly change?: PlainData } {
  return isPlainObject(details) ? (details as { name?: unknown; change?: PlainData }) : {}
}

/** The run of a repair: its messages go to the log, and nothing restarts. */
function repairRun({ name }: Updater, log: Log, signal: AbortSignal): UpdateRun {
  return {
    application: name,
    signal,
    message: text => log.info(text),
    progress: () => undefined,
    note: () => Promise.resolve(),
    uninterrupted: step => step(),
    restartServices: () => Promise.resolve(),
  }
}
