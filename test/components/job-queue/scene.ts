// A server with a queue, a client, and a Klippy that prints the requested files.
import { IDLE, RestartableServer } from '../../support/restartable-server.ts'
import type { Frame, WebClient } from '../../support/web-client.ts'

export const FILES = ['a.gcode', 'b.gcode', 'c.gcode']

export class Scene implements AsyncDisposable {
  readonly server: RestartableServer
  client: WebClient
  /** The files of all print requests, in order. */
  readonly printed: string[] = []

  private constructor(server: RestartableServer, client: WebClient) {
    this.server = server
    this.client = client
    this.obey()
  }

  /** `options` are lines of [job_queue]. */
  static async open(options = ''): Promise<Scene> {
    const server = await RestartableServer.start({ conf: `[job_queue]\n${options}`, files: FILES })
    return new Scene(server, await server.client())
  }

  /** Klippy starts the requested prints. */
  obey(): void {
    const { klippy } = this.server
    klippy.answer('gcode/script', ({ script }) => {
      const name = /^SDCARD_PRINT_FILE FILENAME="(.*)"$/.exec(String(script))?.[1]
      if (name === undefined) return {}
      this.printed.push(name)
      klippy.push('print_stats', { ...IDLE, state: 'printing', filename: name, total_duration: 0.2 })
      return {}
    })
  }

  /** Calls a method of the queue; resolves with its result. Rejects with the error. */
  async call(method: string, params?: object): Promise<Frame> {
    const { result, error } = await this.client.call(`server.job_queue.${method}`, params)
    if (error !== undefined) throw Object.assign(new Error(error.message), { code: error.code })
    return result
  }

  /** Adds files, and resolves with the ids of all jobs. */
  async add(...filenames: string[]): Promise<string[]> {
    const { queued_jobs } = await this.call('post_job', { filenames })
    return queued_jobs.map((job: Frame) => job.job_id)
  }

  /** The names of the files that wait. */
  async waiting(): Promise<string[]> {
    return (await this.call('status')).queued_jobs.map((job: Frame) => job.filename)
  }

  /** Resolves with the first notification of the queue from frame `from` on that fits. */
  async notified(fits: (change: Frame) => boolean, from = 0): Promise<Frame> {
    const frame = await this.client.find(
      ({ method, params }, index) =>
        index >= from && method === 'notify_job_queue_changed' && fits(params[0]),
    )
    return frame.params[0]
  }

  /** The index of the next notification. */
  get now(): number {
    return this.client.frames.length
  }

  /** Starts the queue; resolves when its next job is printed. */
  async startNext(): Promise<void> {
    const from = this.now
    await this.call('start')
    await this.notified(({ action }) => action === 'job_loaded', from)
    await this.historyHas('added')
  }

  /** Ends the present print. */
  async end(change: Partial<typeof IDLE>): Promise<void> {
    await this.server.print(this.client, change)
    await this.historyHas('finished')
  }

  /** The history notifies after the queue: when it has, the queue has changed. */
  async historyHas(action: string): Promise<void> {
    const count = this.printed.length
    let seen = 0
    await this.client.find((frame, index) => {
      if (index === 0) seen = 0
      if (frame.method === 'notify_history_changed' && frame.params[0].action === action) seen += 1
      return seen >= count
    })
  }

  /** Restarts the server. */
  async restart(): Promise<void> {
    await this.server.restart()
    this.client = await this.server.client()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]()
  }
}
