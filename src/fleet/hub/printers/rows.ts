// Printers as lists show them: their state in one word, filters, pages and counts.
import type { FleetPrinter, PRINTER_STATES } from '../../../api/fleet.ts'
import { ApiError } from '../../../core/errors.ts'
import type { Directory, Member } from './directory.ts'

/** A printer's state in one word. */
export type RowState = (typeof PRINTER_STATES)[number]

/** What a printer does, in one word. */
export function rowState(directory: Directory, printer: Member): RowState {
  const { state, needsNewerHub } = printer
  if (needsNewerHub) return 'needs_newer_hub'
  const presence = directory.presence(printer)
  if (state === null || presence === 'offline' || presence === 'closed') return 'offline'
  if (presence === 'late') return 'late'
  if (state.off) return 'off'
  if (state.err !== null || state.klippy !== 'ready') return 'error'
  if (state.job?.state === 'printing') return 'printing'
  return state.job?.state === 'paused' ? 'paused' : 'ready'
}

/** The labels of a printer: its own, and those of its record, which win. */
export function labelsOf({ state, record }: Member): Readonly<Record<string, string>> {
  return { ...state?.labels, ...record.value.labels }
}

/** A printer as lists show it. */
export function rowOf(directory: Directory, printer: Member): FleetPrinter {
  const { id, record, state, slot } = printer
  const { name, site, maintenance } = record.value
  const job = state?.job ?? null
  return {
    id,
    name,
    site,
    labels: { ...labelsOf(printer) },
    state: rowState(directory, printer),
    maintenance,
    klippy: state?.klippy ?? null,
    message: state?.err ?? null,
    job: job && { id: job.id, file: job.file, progress: job.progress, left_s: job.left_s },
    temperatures: state?.temp ?? {},
    slot: slot && {
      state: slot.value.state,
      plate: slot.value.plate,
      why: slot.value.why,
      job: slot.value.job,
    },
    seen: state?.t ?? null,
    software: state?.sw ?? null,
  }
}

/** Which printers a list shows. */
export interface Filter {
  readonly q?: string | undefined
  readonly site?: string | undefined
  readonly state?: RowState | undefined
  /** `NAME=VALUE`. */
  readonly label?: readonly string[] | string | undefined
}

function matcher(directory: Directory, { q, site, state, label = [] }: Filter): (p: Member) => boolean {
  const text = q?.toLowerCase()
  const labels = (typeof label === 'string' ? [label] : label).map(item => item.split(/=(.*)/s, 2))
  return printer => {
    const { name, site: place } = printer.record.value
    if (site !== undefined && place !== site) return false
    if (text !== undefined && ![name, place, printer.id].some(each => each.toLowerCase().includes(text)))
      return false
    if (labels.length > 0) {
      const own = labelsOf(printer)
      if (!labels.every(([key = '', value]) => Object.hasOwn(own, key) && own[key] === value)) return false
    }
    return state === undefined || rowState(directory, printer) === state
  }
}

/** One page of the printers that match, by name. Throws ApiError 400 for a cursor that is none. */
export function pageOf(
  directory: Directory,
  { cursor, limit, ...filter }: Filter & { readonly cursor?: string | undefined; readonly limit: number },
): { printers: FleetPrinter[]; total: number; next: string | null } {
  const found = directory.members().filter(matcher(directory, filter))
  const from = cursor === undefined ? 0 : indexAfter(found, cursor)
  const page = found.slice(from, from + limit)
  const last = page.at(-1)
  return {
    printers: page.map(printer => rowOf(directory, printer)),
    total: found.length,
    next: last === undefined || from + limit >= found.length ? null : cursorOf(last),
  }
}

/** A cursor is the name and the id of the last row: that printer may be gone by the next request. */
function cursorOf({ id, record }: Member): string {
  return Buffer.from(JSON.stringify([record.value.name, id])).toString('base64url')
}

function indexAfter(found: readonly Member[], cursor: string): number {
  const [name, id] = readCursor(cursor)
  const index = found.findIndex(printer => {
    const other = printer.record.value.name
    return other > name || (other === name && printer.id > id)
  })
  return index === -1 ? found.length : index
}

function readCursor(cursor: string): [name: string, id: string] {
  try {
    const [name, id] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[]
    if (typeof name === 'string' && typeof id === 'string') return [name, id]
  } catch {
    // The same error as for a value of another type.
  }
  throw new ApiError(400, "cursor: give 'next' of the reply before")
}

/** How many printers are in each state. */
export function countStates(directory: Directory): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const printer of directory.members()) {
    const state = rowState(directory, printer)
    counts[state] = (counts[state] ?? 0) + 1
  }
  return counts
}
