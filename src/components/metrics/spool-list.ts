// The spools of Spoolman for the metrics: requested once a minute at most, while metrics are requested.
import type { Clock } from '../../core/clock.ts'
import { messageOf } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { isPlainObject } from '../../schema/index.ts'
import type { SpoolmanService } from '../spoolman/service.ts'
import { plainLabel, type Sample } from './exposition.ts'

/** Seconds until the next request to Spoolman, after a reply and without one. */
const PERIOD = 60
const RETRY = 5
/** Spools that are kept; a reply with metrics has no room for more. */
const MAX_SPOOLS = 400

/** One spool: the labels that describe it, and its amounts by their names. */
interface Spool {
  readonly id: string
  readonly labels: Readonly<Record<string, string>>
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

export class SpoolList {
  readonly #spoolman: () => SpoolmanService | null
  readonly #clock: Clock
  readonly #log: Log
  #spools: readonly Spool[] = []
  #next = Number.NEGATIVE_INFINITY
  #first: Promise<void> | null = null

  constructor(spoolman: () => SpoolmanService | null, clock: Clock, log: Log) {
    this.#spoolman = spoolman
    this.#clock = clock
    this.#log = log
  }

  /** The spools as last received. Only the first call waits for Spoolman; without a connection there are none. */
  async read(): Promise<readonly Spool[]> {
    const now = this.#clock.monotonic()
    if (now >= this.#next) {
      this.#next = now + PERIOD
      const requested = this.#request()
      this.#first ??= requested
    }
    await this.#first
    return this.#spools
  }

  async #request(): Promise<void> {
    try {
      const reply = await this.#spoolman()?.request({ method: 'GET', path: '/v1/spool' })
      this.#spools = Array.isArray(reply) ? reply.filter(isPlainObject).slice(0, MAX_SPOOLS).map(spoolOf) : []
    } catch (error) {
      this.#next = this.#clock.monotonic() + RETRY
      this.#spools = []
      this.#log.debug(`no metrics of spools: ${messageOf(error)}`)
    }
  }
}

function spoolOf(spool: Readonly<Record<string, unknown>>): Spool {
  const filament = isPlainObject(spool.filament) ? spool.filament : {}
  const vendor = isPlainObject(filament.vendor) ? filament.vendor.name : undefined
  const id = String(spool.id)
  const text = (value: unknown) => plainLabel(typeof value === 'string' ? value : '')
  return {
    id,
    labels: {
      spool_id: id,
      filament_name: text(filament.name),
      material: text(filament.material),
      color: text(filament.color_hex),
      vendor: text(vendor) || 'unknown',
    },
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
      return value === undefined ? [] : [{ value, labels: { spool_id: id } }]
    })
    add(`spoolman_${name}`, help, samples)
  }
}
