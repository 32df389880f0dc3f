// Puts the frames of a print into an archive.
import { join } from 'node:path'
import type { TimelapseEvent } from '../../api/timelapse.ts'
import type { Core } from '../../component/component.ts'
import type { FilesService } from '../files/service.ts'
import { problemOf } from './disk-space.ts'
import type { Frames } from './frames.ts'
import type { OutputJobs } from './output-jobs.ts'

/** Frames in one archive: the library keeps some KiB of memory for each until the archive is complete. */
const MAX_FRAMES = 20_000

/** What an archiver depends on. */
export interface ArchiverParts {
  readonly core: Pick<Core, 'log'>
  readonly files: FilesService
  readonly jobs: OutputJobs
}

export class Archiver {
  readonly #parts: ArchiverParts

  constructor(parts: ArchiverParts) {
    this.#parts = parts
  }

  /**
   * Makes an archive of the frames; resolves with the result for clients, which get no notification, as in the original.
   * `filename` is that of an archive that was interrupted. Rejects with ApiError 503 when the server stops.
   */
  async archive(frames: Frames, filename = ''): Promise<TimelapseEvent> {
    const { files, jobs, core } = this.#parts
    const result = (fields: Omit<TimelapseEvent, 'action'>): TimelapseEvent => ({
      action: 'saveframes',
      ...fields,
    })
    if (frames.count === 0) return result({ status: 'skipped', msg: 'no frames to save, skip' })
    if (frames.count > MAX_FRAMES) {
      const msg = `an archive can have ${MAX_FRAMES} frames, the print has ${frames.count}: download its frames one by one`
      core.log.warning(`the frames are not archived: ${msg}`)
      return result({ status: 'error', msg })
    }
    if (jobs.isBusy({ kind: 'archive', frames }))
      return result({ status: 'running', msg: 'saving the frames is already running' })
    try {
      return await jobs.run({ kind: 'archive', frames, filename }, async ({ job, filename: zipfile }) => {
        const members = (await frames.files()).map(name => ({ name, real: join(frames.folder, name) }))
        await files.archive(members, await files.roots.locate(`timelapse/${zipfile}`), job.signal)
        return result({ status: 'finished', zipfile })
      })
    } catch (error) {
      if (jobs.isStopping) throw error
      const msg = problemOf(error, 'the archives')
      core.log.warning(`the frames are not archived: ${msg}`)
      return result({ status: 'error', msg })
    }
  }
}
