// Measures the filament that each extruder pushes, from Klippy's status.
import type { StatusChange } from '../../api/printer.ts'
import type { ObjectRequest } from '../../klippy/object-request.ts'
import { isPlainObject } from '../../schema/index.ts'

/** What the meter must know to continue after a restart of the server, or of the connection to Klippy. */
export interface MeterReading {
  /** The highest position of each extruder, mm: a retraction and the move back use no filament. */
  readonly positions: Readonly<Record<string, number>>
  /** The file that Klippy printed or had printed; '' for none. */
  readonly filename: string
  /** The duration of that print, s. */
  readonly duration: number
}

/** The status that the meter reads. */
export const METER_OBJECTS: ObjectRequest = {
  toolhead: ['position', 'extruder'],
  print_stats: ['filename', 'total_duration'],
}

export class FilamentMeter {
  readonly #onUse: (extruder: string, length: number) => void
  #positions = new Map<string, number>()
  #extruder = ''
  /** The position of the active extruder, mm; null before it is known. */
  #position: number | null = null
  #filename = ''
  #duration = 0

  /** `onUse` receives each length of filament that was pushed, mm. */
  constructor(onUse: (extruder: string, length: number) => void) {
    this.#onUse = onUse
  }

  /** Continues from a reading of an earlier process. */
  restore({ positions, filename, duration }: MeterReading): void {
    this.#positions = new Map(Object.entries(positions))
    this.#filename = filename
    this.#duration = duration
  }

  /** The present reading. */
  reading(): MeterReading {
    return {
      positions: Object.fromEntries(this.#positions),
      filename: this.#filename,
      duration: this.#duration,
    }
  }

  /**
   * The first status after connecting to Klippy. If the print of the last reading continues, the filament since then
   * counts. Otherwise Klippy may have restarted, which sets its positions to zero: measuring starts at `status`.
   */
  resume(status: StatusChange): void {
    const { filename, total_duration } = status.print_stats ?? {}
    const goesOn =
      this.#filename !== '' && filename === this.#filename && Number(total_duration) >= this.#duration
    if (!goesOn) this.#positions.clear()
    this.#extruder = ''
    this.#position = null
    this.update(status)
  }

  /** A change of the status. */
  update({ toolhead = {}, print_stats = {} }: StatusChange): void {
    if (typeof print_stats.filename === 'string') this.#filename = print_stats.filename
    if (typeof print_stats.total_duration === 'number') this.#duration = print_stats.total_duration
    if (typeof toolhead.extruder === 'string') this.#extruder = toolhead.extruder
    const position = Array.isArray(toolhead.position) ? toolhead.position[3] : undefined
    if (typeof position === 'number' && Number.isFinite(position)) this.#position = position
    if (this.#extruder !== '' && this.#position !== null) this.#moved(this.#position)
  }

  #moved(position: number): void {
    const highest = this.#positions.get(this.#extruder)
    if (highest !== undefined && position <= highest) return
    this.#positions.set(this.#extruder, position)
    if (highest !== undefined) this.#onUse(this.#extruder, position - highest)
  }
}

/** A reading as it is stored; null for anything else. */
export function readingOf(value: unknown): MeterReading | null {
  if (!isPlainObject(value) || !isPlainObject(value.positions)) return null
  const { filename, duration, positions } = value
  if (typeof filename !== 'string' || typeof duration !== 'number') return null
  const numbers = Object.entries(positions).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number',
  )
  return { positions: Object.fromEntries(numbers), filename, duration }
}
