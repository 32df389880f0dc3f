// The spools of Spoolman for the metrics: requested once a minute at most, while metrics are requested.
import type { Core } from '../../component/component.ts'
import { isPlainObject } from '../../schema/index.ts'
import type { SpoolmanService } from '../spoolman/service.ts'
import { labelText, plainLabel, type Sample } from './exposition.ts'
import { KeptValue } from './kept-value.ts'

/** Seconds until the next request to Spoolman, after a reply and without one. */
const PERIOD = 60
const RETRY = 5
/** Spools that are kept; a reply with metrics has no room for more. */
const MAX_SPOOLS = 400

/** One spool: the label with its number, the labels that describe it, and its amounts by their names. */
export interface Spool {
  readonly id: string
  readonly labels: string
  readonly amounts: Readonly<Record<string, number>>
}

const AMOUNTS = [
  ['remaining_weight', 'Filament left on the spool, in g'],
  ['used_weight', 'Filament used of the spool, in g'],
  ['remaining_length', 'Filament left on the spool, in mm'],
  ['used_length', 'Filament used of the spool, in mm'],
] as const

/** Adds one family. */
type Add = (name: string, help: string, samples: readonly Sample[]) => void

/** The spools of Spoolman; null without a connection. */
export function spoolList(spoolman: () => SpoolmanService | null, { clock, log }: Core): KeptValue<Spool[]> {
  return new KeptValue({
    what: 'the spools',
    period: PERIOD,
    retry: RETRY,
    clock,
    log,
    read: async () => {
      const reply = await spoolman()?.request({ method: 'GET', path: '/v1/spool' })
      return Array.isArray(reply) ? reply.filter(isPlainObject).slice(0, MAX_SPOOLS).map(spoolOf) : []
    },
  })
}

function spoolOf(spool: Readonly<Record<string, unknown>>): Spool {
  const filament = isPlainObject(spool.filament) ? spool.filament : {}
  const vendor = isPlainObject(filament.vendor) ? filament.vendor.name : undefined
  const spool_id = String(spool.id)
  const text = (value: unknown) => plainLabel(typeof value === 'string' ? value : '')
  return {
    id: labelText({ spool_id }),
    labels: labelText({
      spool_id,
      filament_name: text(filament.name),
      material: text(filament.material),
      color: text(filament.color_hex),
      vendor: text(vendor) || 'unknown',
    }),
    amounts: Object.fromEntries(
      AMOUNTS.flatMap(([name]) => {
        const amount = spool[name]
        return typeof amount === 'number' ? [[name, amount]] : []
      }),
    ),
  }
}

/** Writes the metrics of spools. */
export function writeSpools(spools: readonly Spool[], add: Add): void {
  add(
    'spoolman_spool_info',
    'A spool',
    spools.map(({ labels }) => ({ value: 1, labels })),
  )
  for (const [name, help] of AMOUNTS) {
    const samples = spools.flatMap(({ id, amounts }) => {
      const value = amounts[name]
      return value === undefined ? [] : [{ value, labels: id }]
    })
    add(`spoolman_${name}`, help, samples)
  }
}
