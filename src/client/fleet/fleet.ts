// The hub of a fleet: its printers, commands to them, files and jobs. Calls use HTTP.
import type { CallOf, ResultOf } from '../../api/endpoint.ts'
import type { FleetFile, FleetJob, FleetPrinter, FleetSummary } from '../../api/fleet.ts'
import type { Api } from '../../api/index.ts'
import { type Client, connect, type Method, type Params } from '../client.ts'
import { nameOf } from '../files.ts'
import { reach, refusal } from '../http-errors.ts'
import { type ConnectOptions, credentialHeaders, serverBase } from '../options.ts'
import { type OnProgress, sendUpload, type UploadSource } from '../send-upload.ts'
import type { CallOptions } from '../session.ts'
import { FleetMirror } from './fleet-mirror.ts'
import { followJobs, type JobFollowing } from './follow-jobs.ts'

/** Which printers to list. `limit` is the number of one request. */
export type FleetPrinterFilter = Omit<CallOf<Api['fleet.printers.list']>, 'cursor'>
/** Which jobs to list. `limit` is the number of one request. */
export type FleetJobFilter = Omit<CallOf<Api['fleet.jobs.list']>, 'before'>
/** An order of copies of a file. */
export type FleetOrder = CallOf<Api['fleet.jobs.create']>
/** What a command contains besides the printer and its name. */
export type FleetCommandOptions = Omit<CallOf<Api['fleet.printers.command']>, 'id' | 'do'>

/** Options of an upload to a fleet. */
export interface FleetUploadOptions {
  /** The name of the file; may be left out if the source has one. */
  readonly name?: string
  /** The file's SHA-256, hexadecimal: a file that the fleet has already is not sent again. */
  readonly sha256?: string
  readonly onProgress?: OnProgress
  readonly signal?: AbortSignal
}

/** A file of the fleet. `metadata` is null if the file was not sent, because the fleet had it already. */
export type StoredFile = Omit<FleetFile, 'metadata'> & { readonly metadata: FleetFile['metadata'] | null }

export class Fleet {
  readonly #options: ConnectOptions
  readonly #base: string
  readonly #client: Promise<Client>

  /** `options.url` is the address of the hub. Nothing is sent before the first call. Throws for a unix socket. */
  constructor(options: ConnectOptions) {
    this.#base = serverBase(options.url)
    this.#options = options
    this.#client = connect({ ...options, url: this.#base })
  }

  /** Calls a method of the hub. Rejects as `Client.call` does. */
  async call<M extends Method>(
    method: M,
    ...rest: [...Params<M>, options?: CallOptions]
  ): Promise<ResultOf<Api[M]>> {
    const client = await this.#client
    return client.call(method, ...(rest as unknown as Params<M>))
  }

  /** Counts of printers and jobs by state. */
  summary(): Promise<FleetSummary> {
    return this.call('fleet.summary')
  }

  /** The printers by name, requested page by page. */
  async *printers(filter: FleetPrinterFilter = {}): AsyncGenerator<FleetPrinter, void> {
    for (let cursor: { cursor?: string } | null = {}; cursor !== null; ) {
      const page: ResultOf<Api['fleet.printers.list']> = await this.call('fleet.printers.list', {
        ...filter,
        ...cursor,
      })
      yield* page.printers
      cursor = page.next === null ? null : { cursor: page.next }
    }
  }

  /**
   * Sends a command, such as `pause`, to a printer, and waits for its reply. Rejects with CallError: 503 if the printer
   * is not connected, 504 without a reply in time, and as the printer refuses.
   */
  command(
    id: string,
    name: string,
    options: FleetCommandOptions = {},
  ): Promise<ResultOf<Api['fleet.printers.command']>> {
    return this.call('fleet.printers.command', { ...options, id, do: name })
  }

  /** Makes a code with which one printer can join. */
  createCode(settings: CallOf<Api['fleet.codes.create']> = {}): Promise<ResultOf<Api['fleet.codes.create']>> {
    return this.call('fleet.codes.create', settings)
  }

  /** Stores a file. Rejects as uploads to a printer do. */
  async upload(source: UploadSource, options: FleetUploadOptions = {}): Promise<StoredFile> {
    const { name = nameOf(source), sha256, onProgress, signal } = options
    if (name === '') throw new TypeError("an upload needs a name: pass the option 'name'")
    const size = sha256 === undefined ? null : await this.#sizeOf(sha256, signal)
    if (sha256 !== undefined && size !== null) return { sha256, size, name, metadata: null }
    const address = `${this.#base}/fleet/files?name=${encodeURIComponent(name)}`
    const headers = await credentialHeaders(this.#options)
    const reply = await reach(
      address,
      () => sendUpload({ address, headers, form: null, source, onProgress, signal }),
      signal,
    )
    if (reply.status !== 201) throw refusal('PUT /fleet/files', reply, reply.text)
    const { result } = JSON.parse(reply.text) as { result: FleetFile }
    if (sha256 !== undefined && result.sha256 !== sha256.toLowerCase())
      throw new Error(`the file's SHA-256 is ${result.sha256}, not the given ${sha256}`)
    return result
  }

  /** The size of a stored file; null if the fleet does not have it. */
  async #sizeOf(sha256: string, signal: AbortSignal | undefined): Promise<number | null> {
    const address = `${this.#base}/fleet/files/sha256/${encodeURIComponent(sha256)}`
    const headers = await credentialHeaders(this.#options)
    const request = { method: 'HEAD', headers, ...(signal && { signal }) }
    const reply = await reach(address, () => fetch(address, request), signal)
    if (reply.ok) return Number(reply.headers.get('content-length'))
    if (reply.status === 404) return null
    throw refusal('HEAD /fleet/files', reply, '')
  }

  /** Orders copies of a stored file; each copy is a job of the batch. */
  order(order: FleetOrder): Promise<ResultOf<Api['fleet.jobs.create']>> {
    return this.call('fleet.jobs.create', order)
  }

  /** The jobs, the newest first, requested page by page. */
  async *jobs(filter: FleetJobFilter = {}): AsyncGenerator<FleetJob, void> {
    for (let before: { before?: string } | null = {}; before !== null; ) {
      const page: ResultOf<Api['fleet.jobs.list']> = await this.call('fleet.jobs.list', {
        ...filter,
        ...before,
      })
      yield* page.jobs
      before = page.next === null ? null : { before: page.next }
    }
  }

  /** Cancels a job; a printer that has it gets a command to cancel it. */
  async cancel(id: string): Promise<FleetJob> {
    return (await this.call('fleet.jobs.cancel', { id })).job
  }

  /** Keeps a queued job from being offered. */
  async hold(id: string): Promise<FleetJob> {
    return (await this.call('fleet.jobs.hold', { id })).job
  }

  /** Queues a held job again. */
  async release(id: string): Promise<FleetJob> {
    return (await this.call('fleet.jobs.release', { id })).job
  }

  /** Gives up on the printer that has the job. The job is held. */
  async abandon(id: string): Promise<FleetJob> {
    return (await this.call('fleet.jobs.abandon', { id })).job
  }

  /**
   * Follows the jobs of a batch: yields all of them, now and after each change, until all have ended. A held job has not
   * ended. Continues after a lost connection; other errors reject.
   */
  followBatch(batch: string, options: JobFollowing = {}): AsyncGenerator<readonly FleetJob[], void> {
    return followJobs(() => this.jobs({ batch }), options)
  }

  /** Follows the rows of some printers, and the summary. Rejects as `call` does. */
  async follow(ids: readonly string[] = []): Promise<FleetMirror> {
    const address = async () => {
      const token = await this.call('access.oneshot_token')
      return `${this.#base.replace(/^http/, 'ws')}/fleet/live?token=${token}`
    }
    const mirror = new FleetMirror(address, ids, this.#options)
    await mirror.connect()
    return mirror
  }
}
