// A job in the form of the API.

import type { HistoryJob } from '../../api/history.ts'
import { gcodeFileTime } from '../../core/gcode-file.ts'
import type { Infer } from '../../schema/index.ts'
import { type Job, jobIdText } from '../../storage/index.ts'

export type JobReply = Infer<typeof HistoryJob>

/** Seconds: file systems and older servers store times with a precision of one or two seconds. */
const SAME_TIME = 1.8

/** Makes replies; checks a file that several jobs printed only once. */
export class JobReplies {
  readonly #gcodes: string
  readonly #times = new Map<string, Promise<number | null>>()

  /** `gcodes` is the folder of the gcodes root. */
  constructor(gcodes: string) {
    this.#gcodes = gcodes
  }

  async reply({ job_id, ...job }: Job): Promise<JobReply> {
    return {
      job_id: jobIdText(job_id),
      ...job,
      auxiliary_data: [...job.auxiliary_data] as JobReply['auxiliary_data'],
      exists: await this.#exists(job),
    }
  }

  async #exists({ filename, metadata }: Pick<Job, 'filename' | 'metadata'>): Promise<boolean> {
    const known = this.#times.get(filename) ?? gcodeFileTime(this.#gcodes, filename)
    this.#times.set(filename, known)
    const time = await known
    if (time === null) return false
    return typeof metadata.modified !== 'number' || Math.abs(metadata.modified - time) <= SAME_TIME
  }
}
