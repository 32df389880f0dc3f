// The file that Klipper prints or has loaded: clients cannot move, overwrite or delete it, nor its folders.
import { join } from 'node:path'
import type { StatusChange } from '../../../api/printer.ts'
import { ApiError } from '../../../core/errors.ts'
import { isPrintActive, type Printer } from '../../../klippy/printer.ts'
import type { Follower } from '../../../klippy/subscriptions.ts'
import { isWithin } from '../roots/path-lock.ts'
import type { Place, Roots } from '../roots/roots.ts'

const REQUEST = { virtual_sdcard: ['file_path'], print_stats: ['filename', 'state'] }

export class LoadedFile implements Follower {
  readonly #printer: Printer
  readonly #roots: Roots
  #filePath: unknown = null
  #filename: unknown = ''
  #state: unknown = ''

  constructor(printer: Printer, roots: Roots) {
    this.#printer = printer
    this.#roots = roots
  }

  /** Subscribes; called whenever Klippy is ready. */
  async follow(): Promise<void> {
    const { status } = await this.#printer.subscribe(this, REQUEST)
    this.statusChanged(status)
  }

  statusChanged({ virtual_sdcard: card, print_stats: print }: StatusChange): void {
    if (card !== undefined && 'file_path' in card) this.#filePath = card.file_path
    if (print !== undefined && 'filename' in print) this.#filename = print.filename
    if (print !== undefined && 'state' in print) this.#state = print.state
  }

  /** Called when Klippy is disconnected: no file is loaded then. */
  forget(): void {
    this.#filePath = null
    this.#filename = ''
    this.#state = ''
  }

  /** Throws ApiError 403 if the loaded file is at or below `place`. */
  async refuse({ root, relative, real }: Place): Promise<void> {
    const path = this.#path()
    if (path === undefined) return
    const loaded = await this.#roots.calls.realpath(path).catch(() => path)
    if (!isWithin(loaded, real)) return
    throw new ApiError(
      403,
      `File currently in use: Klipper has '${root.name}/${relative}', or a file in it, loaded`,
    )
  }

  #path(): string | undefined {
    // Klipper keeps the file of a failed print loaded, but does not continue it: a corrected one replaces it.
    if (this.#state === 'error') return undefined
    if (typeof this.#filePath === 'string' && this.#filePath !== '') return this.#filePath
    const gcodes = this.#roots.find('gcodes')
    if (gcodes === undefined || !isPrintActive(this.#state) || typeof this.#filename !== 'string')
      return undefined
    return this.#filename === '' ? undefined : join(gcodes.path, this.#filename)
  }
}
