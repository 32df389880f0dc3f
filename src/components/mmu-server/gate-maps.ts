// Which spool is in which gate: kept in Spoolman, and exchanged with Happy Hare.

import { forEachConcurrently } from '../../core/concurrency-limit.ts'
import { ApiError, messageOf } from '../../core/errors.ts'
import type { MapValue } from './klipper-text.ts'
import type { GateSpool } from './lane-data.ts'
import type { Mmu } from './mmu.ts'
import { OldSpoolman, type Spool, type Spools } from './spools.ts'

/** Requests to Spoolman at the same time. */
const MAX_REQUESTS = 4

/** What every operation takes. */
interface Common {
  /** Whether Klipper's console shows nothing. */
  readonly silent: boolean
}

/** What operations take that may send the gates back. */
interface Synced extends Common {
  /** Whether Happy Hare receives the gates that changed. */
  readonly sync: boolean
}

/** A change of one spool: its new gate, or -1 to take it out. */
type Changes = ReadonlyMap<number, number>

export class GateMaps {
  readonly #spools: Spools
  readonly #mmu: Mmu
  readonly #printer: string

  /** `printer` is the name of this printer in Spoolman. */
  constructor(spools: Spools, mmu: Mmu, printer: string) {
    this.#spools = spools
    this.#mmu = mmu
    this.#printer = printer
  }

  /** Reports spools whose printer and gate do not fit together; `fix` takes them out. */
  refresh({ fix, silent }: Common & { readonly fix: boolean }): Promise<void> {
    return this.#withFields(silent, async spools => {
      const { problems, ids } = inconsistencies([...spools.values()])
      if (problems.length === 0) return
      const lines = problems.map(problem => `\n  - ${problem}`).join('')
      const attempt = fix ? '\nWill attempt to fix...' : ''
      await this.#mmu.report(`Warning - Inconsistencies found in Spoolman db:${lines}${attempt}`, {
        isSilent: silent,
      })
      if (fix) await this.#apply(new Map(ids.map(id => [id, -1])), spools, silent)
    })
  }

  /** Sends the filaments of gates. */
  filaments(gates: readonly GateSpool[], { silent }: Common): Promise<void> {
    return this.#guarded(silent, async () => this.#send(gates, await this.#spools.all(), false))
  }

  /** Stores the spools of gates; a map of all gates also takes the other spools of this printer out. */
  push(gates: readonly GateSpool[], { silent }: Common): Promise<void> {
    return this.#withFields(silent, async spools => {
      const all = (await this.#mmu.state()).gates
      const pushed = new Set(gates.map(([gate]) => gate))
      const isFull = gates.length === all
      const removed = this.#ofPrinter(spools).filter(({ gate }) => isFull || pushed.has(gate))
      const set = gates.flatMap(([gate, spool]) => (spool > 0 ? [[spool, gate] as const] : []))
      await this.#apply(new Map([...removed.map(({ id }) => [id, -1] as const), ...set]), spools, silent)
      await this.#send(gates, spools, false)
    })
  }

  /** Sends the spools of this printer's gates. */
  pull({ silent }: Common): Promise<void> {
    return this.#withFields(silent, async spools => {
      const { gates } = await this.#mmu.state()
      const own = this.#ofPrinter(spools)
      const pulled = Array.from({ length: gates }, (_, gate) => {
        const spool = own.find(each => each.gate === gate)
        return [gate, spool?.id ?? -1] as const
      })
      await this.#send(pulled, spools, true)
    })
  }

  /** Takes all spools out of a printer, this one by default. */
  clear(printer: string | null, options: Synced): Promise<void> {
    return this.#withFields(options.silent, async spools => {
      const own = this.#ofPrinter(spools, printer ?? this.#printer)
      await this.#change(new Map(own.map(({ id }) => [id, -1])), spools, options)
    })
  }

  /** Puts a spool into a gate, and takes out the one that was there. */
  set(spoolId: number, gate: number | null, options: Synced): Promise<void> {
    return this.#withFields(options.silent, async spools => {
      const { gates, isEnabled } = await this.#mmu.state()
      const target = gate ?? (isEnabled ? -1 : 0)
      if (target < 0 || target >= gates) {
        const where = `spool ${spoolId} for printer ${this.#printer}`
        const text = `Trying to set ${where} @ gate ${gate ?? 'none'} but the gates are 0 to ${gates - 1}.`
        return this.#mmu.report(text, { isError: true, isSilent: options.silent })
      }
      const before = this.#ofPrinter(spools).filter(each => each.gate === target && each.id !== spoolId)
      const changes = new Map([...before.map(({ id }) => [id, -1] as const), [spoolId, target]])
      return this.#change(changes, spools, options)
    })
  }

  /** Takes a spool out, or the one of a gate. */
  unset(spoolId: number | null, gate: number | null, options: Synced): Promise<void> {
    return this.#withFields(options.silent, async spools => {
      if ((spoolId === null) === (gate === null)) {
        const text = 'Trying to unset a spool: either a spool_id or a gate is needed'
        return this.#mmu.report(text, { isError: true, isSilent: options.silent })
      }
      const own = this.#ofPrinter(spools).filter(each => each.gate === gate)
      const ids = spoolId === null ? own.map(({ id }) => id) : [spoolId]
      return this.#change(new Map(ids.map(id => [id, -1])), spools, options)
    })
  }

  /** Shows a spool on the console. */
  info(spoolId: number | null, isActive: boolean): Promise<void> {
    return this.#guarded(
      false,
      async () => {
        if (spoolId === null)
          return this.#mmu.report('No active spool set and no spool id supplied', { isError: true })
        const spool = await this.#spools.get(spoolId)
        if (spool === null) throw new ApiError(404, 'not found')
        const { filament, usedWeight, remainingWeight, printer, gate } = spool
        const grams = (weight: number | null) => (weight === null ? 'n/a' : `${Math.trunc(weight)} g`)
        const where =
          printer === this.#printer
            ? `  - Gate: ${gate}`
            : `Spool id ${spoolId} is not assigned to this printer!\nRun: MMU_SPOOLMAN SPOOLID=${spoolId} GATE=.. to add`
        const lines = [
          `${isActive ? 'Active spool' : 'Spool'} is: ${filament.name} (id: ${spoolId})`,
          `  - Material: ${filament.material || 'n/a'}`,
          `  - Used: ${grams(usedWeight)}`,
          `  - Remaining: ${grams(remainingWeight)}`,
          where,
        ]
        return this.#mmu.report(lines.join('\n'))
      },
      spoolId,
    )
  }

  /** Shows the gates of a printer on the console. */
  location(printer: string | null): Promise<void> {
    const name = printer ?? this.#printer
    return this.#withFields(false, async spools => {
      const own = this.#ofPrinter(spools, name)
      if (own.length === 0) return this.#mmu.report(`No gates assigned for printer: ${name}`)
      const { gates } = await this.#mmu.state()
      const rows = Array.from({ length: gates }, (_, gate) => {
        const ids = own.filter(each => each.gate === gate).map(({ id }) => id)
        const warning = ids.length > 1 ? ' Error: Can only have a single spool assigned' : ''
        return `${String(gate).padEnd(5)}| ${ids.join(',')}${warning}`
      })
      const head = [`Spoolman gate assignment for printer: ${name}`, 'Gate | SpoolId', '-----+--------']
      return this.#mmu.report([...head, ...rows].join('\n'))
    })
  }

  #ofPrinter(spools: ReadonlyMap<number, Spool>, printer = this.#printer): Spool[] {
    return [...spools.values()].filter(spool => spool.printer === printer)
  }

  /** Applies changes, and sends the gates that changed. */
  async #change(
    changes: Changes,
    spools: ReadonlyMap<number, Spool>,
    { sync, silent }: Synced,
  ): Promise<void> {
    const done = await this.#apply(changes, spools, silent)
    if (!sync) return
    const left = this.#ofPrinter(spools).flatMap(({ id, gate }) =>
      done.has(id) && gate >= 0 ? [[gate, -1] as const] : [],
    )
    const filled = [...done].flatMap(([id, gate]) => (gate >= 0 ? [[gate, id] as const] : []))
    await this.#send([...new Map([...left, ...filled])], spools, true)
  }

  /** Stores changes, a few at a time, and reports each; resolves with those that worked. */
  async #apply(changes: Changes, spools: ReadonlyMap<number, Spool>, silent: boolean): Promise<Changes> {
    const done = new Map<number, number>()
    await forEachConcurrently(changes, MAX_REQUESTS, async ([id, gate]) => {
      try {
        await this.#spools.move(id, gate < 0 ? '' : this.#printer, gate)
        done.set(id, gate)
      } catch (error) {
        await this.#mmu.report(problemOf(error, id), { isError: true })
      }
    })
    for (const [id, gate] of done) {
      const before = spools.get(id)
      const text =
        gate < 0
          ? `Spool ${id} unassigned from printer ${before?.printer ?? ''} and gate ${before?.gate ?? -1} in Spoolman db`
          : `Spool ${id} assigned to printer ${this.#printer} @ gate ${gate} in Spoolman db`
      await this.#mmu.report(text, { isSilent: silent })
    }
    return done
  }

  /** A gate whose spool Spoolman does not know is left out: Happy Hare could not read the map. */
  async #send(
    gates: readonly GateSpool[],
    spools: ReadonlyMap<number, Spool>,
    replaces: boolean,
  ): Promise<void> {
    const map = new Map<number, Readonly<Record<string, MapValue>>>()
    for (const [gate, id] of gates) {
      const filament = id < 0 ? { spool_id: -1 } : spools.get(id)?.filament
      if (filament === undefined)
        await this.#mmu.report(`SpoolId ${id} not found`, { isError: true, isSilent: true })
      else map.set(gate, { ...filament })
    }
    await this.#mmu.sendGateMap(map, replaces)
  }

  /** Runs an operation that needs the extra fields in Spoolman, with all spools. */
  #withFields(silent: boolean, work: (spools: Map<number, Spool>) => Promise<void>): Promise<void> {
    return this.#guarded(silent, async () => {
      await this.#spools.prepare()
      await work(await this.#spools.all())
    })
  }

  /** Never rejects: the macro that called gets the reason on the console. */
  async #guarded(silent: boolean, work: () => Promise<void>, spoolId: number | null = null): Promise<void> {
    try {
      await work()
    } catch (error) {
      await this.#mmu.report(problemOf(error, spoolId), { isError: true, isSilent: silent })
    }
  }
}

function problemOf(error: unknown, spoolId: number | null): string {
  if (error instanceof OldSpoolman) return error.message
  if (error instanceof ApiError && error.status === 404 && spoolId !== null)
    return `SpoolId ${spoolId} not found`
  return `Spoolman: ${messageOf(error)}`
}

/** What does not fit together, and the spools to take out. */
function inconsistencies(spools: readonly Spool[]): { problems: string[]; ids: number[] } {
  const problems: string[] = []
  const ids: number[] = []
  const note = (problem: string, ...wrong: number[]) => {
    problems.push(problem)
    ids.push(...wrong)
  }
  for (const { id, printer, gate } of spools) {
    if (printer !== '' && gate < 0) note(`Spool ${id} has printer ${printer} but no mmu_gate assigned`, id)
    if (printer === '' && gate >= 0) note(`Spool ${id} has mmu_gate ${gate} but no printer assigned`, id)
  }
  const placed = spools.filter(({ printer, gate }) => printer !== '' && gate >= 0)
  for (const [place, there] of Map.groupBy(
    placed,
    ({ printer, gate }) => `Printer ${printer} @ gate ${gate}`,
  )) {
    const [, ...others] = there.map(({ id }) => id)
    const all = there.map(({ id }) => id).join(', ')
    if (others.length > 0) note(`${place} has multiple spool ids: [${all}]`, ...others)
  }
  return { problems, ids }
}
