// Limits the work for the pictures of one file. The picture that exceeds a limit is left out, with all after it.

/** Pixels that are decoded to convert pictures: as many as the two largest allowed images have. */
const PIXELS = 8 * 1024 * 1024
/** Pictures that are written: slicers write five at most. */
const PICTURES = 16
/** Milliseconds of the process's own time. */
const CPU = 10_000

/** The file has used up its budget. */
export class BudgetExceeded extends Error {
  override readonly name: string = 'BudgetExceeded'
}

export class Budget {
  readonly #start = process.cpuUsage()
  #pixels = PIXELS
  #pictures = PICTURES

  /** To be called before a picture is written. Throws BudgetExceeded. */
  takePicture(): void {
    if (this.#pictures === 0) throw new BudgetExceeded(`more than ${PICTURES} pictures`)
    this.#pictures--
    const { user, system } = process.cpuUsage(this.#start)
    if ((user + system) / 1000 > CPU) throw new BudgetExceeded(`more than ${CPU / 1000} seconds for pictures`)
  }

  /** To be called before a picture is converted. Throws BudgetExceeded. */
  takePixels(count: number): void {
    if (count > this.#pixels) throw new BudgetExceeded(`more than ${PIXELS} pixels in all pictures`)
    this.#pixels -= count
  }
}
