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

  /** G10; undefined if the filament is retracted. */
  retract(): FilamentMove | undefined {
    if (this.#retracted) return undefined
    this.#retracted = true
    return { distance: -this.#settings.length, speed: this.#settings.speed }
  }

  /** G11; undefined if the filament is not retracted. */
  unretract(): FilamentMove | undefined {
    if (!this.#retracted) return undefined
    this.#retracted = false
    return { distance: this.#settings.length + this.#settings.extra, speed: this.#settings.backSpeed }
  }
}
