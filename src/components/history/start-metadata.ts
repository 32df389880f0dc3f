// The metadata of a G-code file for the record of its job.
import type { Clock } from '../../core/clock.ts'
import type { Metadata, MetadataSource } from '../metadata/service.ts'

/** Seconds to wait: a large file may need its first scan, and the job must be recorded. */
const TIMEOUT = 2

/** Reads the metadata of a file at the start of its job. Empty if nothing is known in time; never rejects. */
export type StartMetadata = (filename: string) => Promise<Metadata>

/** `source` returns null while the metadata component does not work. */
export function startMetadata(source: () => MetadataSource | null, clock: Clock): StartMetadata {
  const read = async (filename: string): Promise<Metadata> => {
    try {
      return jobPart((await source()?.metadata(filename)) ?? {})
    } catch {
      return {}
    }
  }
  const giveUp = () =>
    new Promise<Metadata>(resolve => {
      clock.after(TIMEOUT, () => resolve({}))
    })
  return filename => Promise.race([read(filename), giveUp()])
}

/** Without the fields that the job's own record contains. */
function jobPart(metadata: Metadata): Metadata {
  const { filename: _name, print_start_time: _time, job_id: _id, ...kept } = metadata
  return kept
}
