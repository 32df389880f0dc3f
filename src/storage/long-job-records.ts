// Stores the records of long jobs in the namespace of the server, by the owner of the jobs.
import type { LongJobRecord, LongJobRecords } from '../core/long-jobs.ts'
import type { PlainData } from '../core/plain-data.ts'
import { isPlainObject } from '../schema/index.ts'
import type { Namespaces } from './namespaces.ts'

const NAMESPACE = 'moonraker'
const KEY = 'long_jobs'

/** The records of one component's jobs, durable once a promise resolves. */
export class StoredJobRecords implements LongJobRecords {
  readonly #namespaces: Namespaces
  readonly #owner: string

  /** `owner` is the component's section. */
  constructor(namespaces: Namespaces, owner: string) {
    this.#namespaces = namespaces
    this.#owner = owner
  }

  /** The records in order of their start; invalid ones are left out. */
  all(): LongJobRecord[] {
    const stored = this.#namespaces.find(NAMESPACE, [KEY, this.#owner])
    const records = isPlainObject(stored) ? Object.values(stored).flatMap(recordOf) : []
    return records.sort((a, b) => a.startedAt - b.startedAt)
  }

  async put(record: LongJobRecord): Promise<void> {
    await this.#namespaces.post(NAMESPACE, this.#path(record.id), { ...record })
  }

  async remove(id: number): Promise<void> {
    if (this.#namespaces.find(NAMESPACE, this.#path(id)) === undefined) return
    await this.#namespaces.delete(NAMESPACE, this.#path(id))
  }

  #path(id: number): string[] {
    return [KEY, this.#owner, String(id)]
  }
}

function recordOf(value: unknown): LongJobRecord[] {
  const { id, title, key, startedAt, details = null } = isPlainObject(value) ? value : {}
  if (typeof id !== 'number' || typeof title !== 'string') return []
  if (typeof key !== 'string' || typeof startedAt !== 'number') return []
  return [{ id, title, key, startedAt, details: details as PlainData }]
}
