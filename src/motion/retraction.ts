// Firmware retraction: how far and how fast G10 and G11 move the filament.

/** Lengths in mm, speeds in mm/s, as in [firmware_retraction]. */
export interface RetractionSettings {
  readonly length: number
  readonly speed: number
  readonly extra: number
  readonly backSpeed: number
}

/** A move of the filament alone, before the factors of speed and flow. */
export interface FilamentMove {
  /** mm; negative for a retraction. */
  readonly distance: number
  /** mm/s */
  readonly speed: number
}

/** The settings, and whether the filament is retracted. */
export class FirmwareRetraction {
  #settings: RetractionSettings
  #retracted = false

  constructor(settings: RetractionSettings) {
    this.#settings = settings
  }

  get settings(): RetractionSettings {
    return this.#settings
  }

  /** SET_RETRACTION: the filament counts as not retracted afterwards. */
  change(settings: Partial<RetractionSettings>): void {
    this.#settings = { ...this.#settings, ...settings }
    this.#retracted = false
  }

  /** G10; nothing if the filament is retracted. A move that `feed` refuses by an error does not retract it. */
  retract<T>(feed: (move: FilamentMove) => T): T | undefined {
    if (this.#retracted) return undefined
    const result = feed({ distance: -this.#settings.length, speed: this.#settings.speed })
    this.#retracted = true
    return result
  }

  /** G11; nothing if the filament is not retracted. */
  unretract<T>(feed: (move: FilamentMove) => T): T | undefined {
    if (!this.#retracted) return undefined
    const { length, extra, backSpeed } = this.#settings
    const result = feed({ distance: length + extra, speed: backSpeed })
    this.#retracted = false
    return result
  }
}
