// What a G-code file says of itself when a job begins, asked of the file manager as a client would.
import type { Core } from '../../component/component.ts'
import { INTERNAL_CALLER } from '../../rpc/caller.ts'
import { isPlainObject } from '../../schema/index.ts'

type Metadata = Readonly<Record<string, unknown>>

/** Where the history gets metadata from. */
export interface MetadataSource {
  /** Empty where nothing is known. Never rejects. */
  metadata(filename: string): Promise<Metadata>
}

/** Seconds to wait: a huge file may just be read for the first time, and the job has to be recorded. */
const PATIENCE = 2

/** Asks server.files.metadata. */
export function metadataOfFiles({ registry, clock }: Pick<Core, 'registry' | 'clock'>): MetadataSource {
  const ask = async (filename: string): Promise<Metadata> => {
    try {
      const found = await registry.call('server.files.metadata', { filename }, INTERNAL_CALLER)
      return isPlainObject(found) ? keptPart(found) : {}
    } catch {
      return {}
    }
  }
  const giveUp = () =>
    new Promise<Metadata>(resolve => {
      clock.after(PATIENCE, () => resolve({}))
    })
  return { metadata: filename => Promise.race([ask(filename), giveUp()]) }
}

/** Without what the job says itself. */
function keptPart(metadata: Metadata): Metadata {
  const { filename: _name, print_start_time: _time, job_id: _id, ...kept } = metadata
  return kept
}
