// The spools in Spoolman, with the printer and gate that each is in. Spoolman stores these two as extra fields.
import { isPlainObject } from '../../schema/index.ts'
import type { SpoolmanService } from '../spoolman/service.ts'
import { colorText } from './klipper-text.ts'

/** The extra fields, which other programs read too. Their values are JSON texts. */
const PRINTER_FIELD = 'printer_name'
const GATE_FIELD = 'mmu_gate_map'
const FIELDS = {
  [PRINTER_FIELD]: { name: 'Printer Name', field_type: 'text', default_value: '""' },
  [GATE_FIELD]: { name: 'MMU Gate', field_type: 'integer', default_value: '-1' },
}
/** The first version of Spoolman with extra fields that can be set alone. */
const MIN_VERSION = [0, 18, 1]
/** From this version on, a change of some extra fields keeps the others; earlier ones remove them. */
const KEEPS_FIELDS = [0, 22, 0]

/** The filament of a spool, as Happy Hare receives it. '' for what Spoolman does not know. */
export interface Filament {
  readonly spool_id: number
  readonly material: string
  readonly color: string
  readonly name: string
  readonly temp: number | string
  readonly bed_temp: number | string
  readonly vendor: string
  readonly filament_id: number | string
}

/** A spool and where it is. */
export interface Spool {
  readonly id: number
  /** '' for none. */
  readonly printer: string
  /** -1 for none. */
  readonly gate: number
  readonly filament: Filament
}

/** A spool in all its detail, for people. */
export interface SpoolDetails extends Spool {
  readonly usedWeight: number | null
  readonly remainingWeight: number | null
}

/** Spoolman is too old for the extra fields; the message is for people. */
export class OldSpoolman extends Error {
  override readonly name = 'OldSpoolman'
}

export class Spools {
  readonly #spoolman: SpoolmanService
  readonly #setsLocation: boolean
  #hasFields = false
  #keepsFields = true

  /** `setsLocation` is true if Spoolman's location of a spool is its printer and gate. */
  constructor(spoolman: SpoolmanService, setsLocation: boolean) {
    this.#spoolman = spoolman
    this.#setsLocation = setsLocation
  }

  /** All spools. Rejects with ApiError. */
  async all(): Promise<Map<number, Spool>> {
    const reply = await this.#spoolman.request({ method: 'GET', path: '/v1/spool' })
    const spools = Array.isArray(reply) ? reply.flatMap(record => spoolOf(record) ?? []) : []
    return new Map(spools.map(spool => [spool.id, spool]))
  }

  /** One spool. Rejects with ApiError, 404 for an unknown id. */
  async get(id: number): Promise<SpoolDetails | null> {
    return spoolOf(await this.#spoolman.request({ method: 'GET', path: `/v1/spool/${id}` }))
  }

  /** Stores where a spool is; '' and -1 take it out. Rejects with ApiError, 404 for an unknown id. */
  async move(id: number, printer: string, gate: number): Promise<void> {
    const place = { [PRINTER_FIELD]: JSON.stringify(printer), [GATE_FIELD]: JSON.stringify(gate) }
    const body = {
      extra: { ...(!this.#keepsFields && (await this.#fieldsOf(id))), ...place },
      ...(this.#setsLocation && { location: printer === '' ? '' : `${printer} @ MMU Gate:${gate}` }),
    }
    await this.#spoolman.request({ method: 'PATCH', path: `/v1/spool/${id}`, body })
  }

  /** The extra fields of a spool. */
  async #fieldsOf(id: number): Promise<Readonly<Record<string, unknown>>> {
    const spool = await this.#spoolman.request({ method: 'GET', path: `/v1/spool/${id}` })
    return isPlainObject(spool) && isPlainObject(spool.extra) ? spool.extra : {}
  }

  /** Adds the extra fields that are missing. Rejects with ApiError and OldSpoolman. */
  async prepare(): Promise<void> {
    if (this.#hasFields) return
    const spoolman = this.#spoolman
    const info = await spoolman.request({ method: 'GET', path: '/v1/info' })
    const version = isPlainObject(info) ? String(info.version) : ''
    if (!isAtLeast(version, MIN_VERSION)) {
      throw new OldSpoolman(`Spoolman ${version} is too old: version ${MIN_VERSION.join('.')} is needed`)
    }
    const fields = await spoolman.request({ method: 'GET', path: '/v1/field/spool' })
    const known = Array.isArray(fields)
      ? fields.map(field => (isPlainObject(field) ? field.key : undefined))
      : []
    for (const [key, body] of Object.entries(FIELDS)) {
      if (!known.includes(key))
        await spoolman.request({ method: 'POST', path: `/v1/field/spool/${key}`, body })
    }
    this.#keepsFields = isAtLeast(version, KEEPS_FIELDS)
    this.#hasFields = true
  }
}

function isAtLeast(version: string, wanted: readonly number[]): boolean {
  const numbers = version.split(/[.-]/).map(Number)
  const index = wanted.findIndex((number, place) => numbers[place] !== number)
  return index === -1 || (numbers[index] ?? 0) > (wanted[index] ?? 0)
}

/** Null for what is no spool. */
function spoolOf(record: unknown): SpoolDetails | null {
  if (!isPlainObject(record) || typeof record.id !== 'number') return null
  const { id, used_weight, remaining_weight } = record
  const extra = isPlainObject(record.extra) ? record.extra : {}
  const filament = isPlainObject(record.filament) ? record.filament : {}
  const printer = jsonIn(extra[PRINTER_FIELD])
  const gate = Number(jsonIn(extra[GATE_FIELD]) ?? -1)
  return {
    id,
    printer: typeof printer === 'string' ? printer : '',
    gate: Number.isInteger(gate) ? gate : -1,
    filament: filamentOf(id, filament),
    usedWeight: typeof used_weight === 'number' ? used_weight : null,
    remainingWeight: typeof remaining_weight === 'number' ? remaining_weight : null,
  }
}

function filamentOf(spool_id: number, filament: Readonly<Record<string, unknown>>): Filament {
  const text = (value: unknown) => (typeof value === 'string' ? value : '')
  const number = (value: unknown) => (typeof value === 'number' && Number.isFinite(value) ? value : '')
  return {
    spool_id,
    material: text(filament.material),
    color: colorText(text(filament.color_hex)).toLowerCase(),
    name: text(filament.name),
    temp: number(filament.settings_extruder_temp),
    bed_temp: number(filament.settings_bed_temp),
    vendor: isPlainObject(filament.vendor) ? text(filament.vendor.name) : '',
    filament_id: number(filament.id),
  }
}

/** The value of a JSON text; undefined for any other text. */
function jsonIn(text: unknown): unknown {
  try {
    return typeof text === 'string' ? JSON.parse(text) : undefined
  } catch {
    return undefined
  }
}
