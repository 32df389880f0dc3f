// What people do with jobs: order copies, cancel, hold, release, give up on a printer.
import { forEachConcurrently } from '../../../core/concurrency-limit.ts'
import { ApiError, messageOf } from '../../../core/errors.ts'
import type { Log } from '../../../core/log.ts'
import type { User } from '../../../rpc/user.ts'
import { type Job, type JobFile, type JobStep, type Need, type Slot, ulid } from '../../contract/index.ts'
import type { Commands } from '../commands.ts'
import type { Offers } from '../scheduler/offers.ts'
import type { Bucket } from '../store/bucket.ts'
import type { BoardJob, JobBoard } from './job-board.ts'

/** Jobs that may wait at the same time. */
const MAX_WAITING = 20_000
/** Writes of one order that wait for the engine at the same time. */
const PARALLEL = 32
const MAX_NAME = 200
const MAX_NEED_CHARACTERS = 2000

/** An order of copies. */
export interface Order {
  readonly file: string
  readonly name: string
  readonly copies: number
  readonly need: Need
  readonly priority: number
  readonly not_before: number | null
}

/** What orders need. */
export interface OrderParts {
  readonly board: JobBoard
  readonly slots: Bucket<Slot>
  readonly offers: Offers
  readonly commands: Commands
  /** Notes that a stored file is used now, and resolves with its size; null for one that is not there. */
  readonly useFile: (sha256: string) => Promise<number | null>
  readonly log: Log
}

export class Orders {
  readonly #parts: OrderParts

  constructor(parts: OrderParts) {
    this.#parts = parts
  }

  /** Rejects with ApiError 404, 503. */
  async get(id: string): Promise<BoardJob> {
    const job = this.#parts.board.get(id) ?? (await this.#parts.board.read(id))
    if (job === null) throw new ApiError(404, `There is no job ${id.slice(0, 40)}`)
    return job
  }

  /**
   * Orders copies of a file, each a job. Rejects with ApiError: 400 for invalid values, 404 for a file that was not
   * uploaded, 503.
   */
  async create(order: Order, by: string | null): Promise<{ batch: string; jobs: string[] }> {
    const { board, useFile } = this.#parts
    if (board.in('queued').length + order.copies > MAX_WAITING) {
      throw new ApiError(503, `Too many jobs wait: at most ${MAX_WAITING} may`)
    }
    const name = fileName(order.name)
    if (JSON.stringify(order.need).length > MAX_NEED_CHARACTERS)
      throw new ApiError(400, `need: at most ${MAX_NEED_CHARACTERS} characters`)
    const size = /^[0-9a-f]{64}$/.test(order.file) ? await useFile(order.file) : null
    if (size === null) throw new ApiError(404, 'file: this file was not uploaded to the fleet')
    const file: JobFile = { sha256: order.file, size, name }
    const now = Date.now()
    const batch = ulid(now)
    // One millisecond apart, so that the copies are offered in their order.
    const jobs = Array.from({ length: order.copies }, (_, copy) => ulid(now + copy))
    await forEachConcurrently(jobs, PARALLEL, id => board.add(id, newJob(order, file, batch, by, now)))
    return { batch, jobs }
  }

  /**
   * Cancels a job. A printer that has it gets a command to cancel it. Rejects with ApiError: 404, 409 for a job that has ended,
   * 503.
   */
  async cancel(id: string, user: User | null): Promise<BoardJob> {
    const { board, commands, log, offers } = this.#parts
    await this.#refuseIfOnPrinter(id, 'held')
    const job = await board.act(
      id,
      ({ value }) => ({ do: ['queued', 'held'].includes(value.state) ? 'cancel' : 'request_cancel' }),
      'cancelled',
    )
    const { state, printer } = job.value
    if (state === 'offered' && (await offers.withdraw(job))) return this.get(id)
    if (printer !== null && state !== 'cancelled') {
      // The answer of the printer comes with its slot; a printer that is away prints on.
      await commands
        .send(printer, { do: 'cancel', args: {}, job: id }, user)
        .catch(error => log.info(`job ${id} is not cancelled yet: ${messageOf(error)}`))
    }
    return this.get(id)
  }

  /** Keeps a job from being offered. Rejects with ApiError: 404, 409, 503. */
  hold(id: string): Promise<BoardJob> {
    const { board } = this.#parts
    return board.act(
      id,
      ({ value }) =>
        ['queued', 'failed'].includes(value.state) ? { do: 'hold', why: 'held by a person' } : null,
      'held',
    )
  }

  /**
   * Queues a held job again. Rejects with ApiError: 404, 409 for a job that a printer may still print, or whose file is
   * no longer stored, 503.
   */
  async release(id: string): Promise<BoardJob> {
    await this.#refuseIfOnPrinter(id, 'held')
    const { file } = (await this.get(id)).value
    if ((await this.#parts.useFile(file.sha256)) === null)
      throw new ApiError(409, `The file ${file.name} is no longer stored: upload it again`)
    return this.#parts.board.act(id, () => ({ do: 'release' }), 'released')
  }

  /**
   * Gives up on the printer that has the job: what it still prints counts as an extra copy. The job is held. Rejects with
   * ApiError: 404, 409 for a job that no printer has, 503.
   */
  async abandon(id: string, by: string | null): Promise<BoardJob> {
    const { board, offers } = this.#parts
    const why = `abandoned by ${by ?? 'a person'}`
    const job = await this.get(id)
    if (!(await offers.abandon(job, why))) throw new ApiError(409, 'No printer has this job')
    const hold = ({ value }: BoardJob): JobStep | null =>
      value.state === 'held' ? null : { do: 'hold', why }
    return board.act(id, hold, 'abandoned').catch(async (error: unknown) => {
      // It was held before, or the scheduler has seen the slot and held it.
      const now = await board.read(id)
      if (now?.value.state !== 'held') throw error
      return now
    })
  }

  /** Throws ApiError 409 for a job in this state whose printer still has it. */
  async #refuseIfOnPrinter(id: string, state: Job['state']): Promise<void> {
    const job = await this.#parts.board.read(id)
    const { printer, attempt } = job?.value ?? { printer: null, attempt: 0 }
    if (job === null || job.value.state !== state || printer === null) return
    const slot = await this.#parts.slots.read(printer)
    const isThere = slot?.value.job === id && slot.value.attempt === attempt
    if (isThere && slot.value.state !== 'finished')
      throw new ApiError(409, 'Its printer still has this job: abandon it first')
  }
}

function newJob(
  { need, priority, not_before }: Order,
  file: JobFile,
  batch: string,
  by: string | null,
  now: number,
): Job {
  return {
    state: 'queued',
    file,
    need,
    priority,
    not_before,
    batch,
    attempt: 0,
    printer: null,
    by,
    why: null,
    changed: now,
    cancelling: false,
    extra: [],
  }
}

/** The name of a file on a printer. Throws ApiError 400 for one with a folder or control characters, or that is too long. */
function fileName(name: string): string {
  const isPlain = name.length <= MAX_NAME && !/[/\\\p{Cc}]/u.test(name) && !name.startsWith('.')
  if (isPlain && name.trim() !== '') return name
  throw new ApiError(400, `name: 1 to ${MAX_NAME} characters without slashes, not hidden`)
}
