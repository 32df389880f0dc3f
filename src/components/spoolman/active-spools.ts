// Which spools are on the printer: the active one, and those of tools that have a spool of their own.
import { SerialQueue } from '../../core/serial-queue.ts'
import { isPlainObject } from '../../schema/index.ts'
import type { Storage } from '../../storage/index.ts'
import { NAMESPACE, RECORD } from './record.ts'

/** A spool's number in Spoolman; null for none. */
export type SpoolId = number | null

/** Notifies clients of changes. */
export interface SpoolListener {
  activeSpoolChanged(spoolId: SpoolId): void
  toolSpoolsChanged(toolSpools: Readonly<Record<string, number>>): void
}

/** The stored choice of spools. The promises reject if a change cannot be stored. */
export class ActiveSpools {
  readonly #namespaces: Storage['namespaces']
  readonly #listener: SpoolListener
  /** A change depends on the one before. */
  readonly #queue = new SerialQueue()
  #active: SpoolId = null
  readonly #tools = new Map<number, number>()

  constructor(namespaces: Storage['namespaces'], listener: SpoolListener) {
    this.#namespaces = namespaces
    this.#listener = listener
  }

  /** Reads the stored choice. */
  load(): void {
    const active = this.#namespaces.find(NAMESPACE, [RECORD, 'spool_id'])
    this.#active = isSpoolId(active) ? active : null
    const tools = this.#namespaces.find(NAMESPACE, [RECORD, 'tool_spools'])
    if (!isPlainObject(tools)) return
    for (const [tool, spool] of Object.entries(tools)) {
      if (isSpoolId(spool)) this.#tools.set(Number(tool), spool)
    }
  }

  /** The active spool. */
  get active(): SpoolId {
    return this.#active
  }

  /** Tool to spool. */
  get toolSpools(): Record<string, number> {
    return Object.fromEntries(this.#tools)
  }

  /** Every spool on the printer. */
  all(): Set<number> {
    const spools = new Set(this.#tools.values())
    if (this.#active !== null) spools.add(this.#active)
    return spools
  }

  /** The tool's own spool. */
  ofTool(tool: number): SpoolId {
    return this.#tools.get(tool) ?? null
  }

  /** The spool that an extruder of Klipper uses: that of its tool, else the active one. */
  ofExtruder(extruder: string): SpoolId {
    const tool = extruder === 'extruder' ? 0 : Number(/^extruder(\d+)$/.exec(extruder)?.[1])
    return this.ofTool(tool) ?? this.#active
  }

  /** Sets the active spool or that of a tool; null for none. Does nothing if it is set already. */
  set(spoolId: SpoolId, tool?: number): Promise<void> {
    return this.#queue.run(() =>
      tool === undefined ? this.#setActive(spoolId) : this.#setTool(tool, spoolId),
    )
  }

  /** Removes a spool that Spoolman does not have from wherever it is set. */
  remove(spoolId: number): Promise<void> {
    return this.#queue.run(async () => {
      for (const [tool, spool] of this.#tools) if (spool === spoolId) await this.#setTool(tool, null)
      if (spoolId === this.#active) await this.#setActive(null)
    })
  }

  async #setActive(spoolId: SpoolId): Promise<void> {
    if (spoolId === this.#active) return
    await this.#namespaces.post(NAMESPACE, [RECORD, 'spool_id'], spoolId)
    this.#active = spoolId
    this.#listener.activeSpoolChanged(spoolId)
  }

  async #setTool(tool: number, spoolId: SpoolId): Promise<void> {
    if (spoolId === this.ofTool(tool)) return
    const { [tool]: _previous, ...others } = this.toolSpools
    const changed = spoolId === null ? others : { ...others, [tool]: spoolId }
    await this.#namespaces.post(NAMESPACE, [RECORD, 'tool_spools'], changed)
    if (spoolId === null) this.#tools.delete(tool)
    else this.#tools.set(tool, spoolId)
    this.#listener.toolSpoolsChanged(this.toolSpools)
  }
}

function isSpoolId(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
