// Printing from files: the `virtual_sdcard` object, the M2x commands and the loop over the lines of the file.

import { readdirSync, statSync } from 'node:fs'
import { extname, join, resolve, sep } from 'node:path'
import { performance } from 'node:perf_hooks'
import { GcodeError, messageOf, UnsupportedError } from '../errors.ts'
import type { GcodeCommand } from '../gcode/command.ts'
import type { Host } from '../host.ts'
import type { Status } from '../objects.ts'
import { LineReader } from './line-reader.ts'
import type { PrintStats } from './print-stats.ts'

const EXTENSIONS = new Set(['.gcode', '.g', '.gco'])
/** Longest time in ms for which lines run without a yield to the event loop. */
const SLICE = 8
const LINES_PER_LOOK = 32

/** The file being printed, and the loop over its lines. */
export class VirtualSdcard {
  readonly #host: Host
  readonly #stats: PrintStats
  readonly #folder: string
  readonly #onError: () => Promise<string>
  #reader: LineReader | undefined
  #path: string | null = null
  #size = 0
  #position = 0
  #next = 0
  #working = false
  #stop = false
  #fromFile = false
  #done: Promise<void> = Promise.resolve()
  #onReset: (() => void) | undefined

  /** `onError` returns the G-code to run when a line of the file fails. */
  constructor(host: Host, stats: PrintStats, folder: string, onError: () => Promise<string>) {
    this.#host = host
    this.#stats = stats
    this.#folder = folder
    this.#onError = onError
    this.#register()
    host.lifecycle.onShutdown(() => {
      this.#stop = true
    })
    host.lifecycle.onEnd(() => this.#close())
  }

  /** Whether the loop runs lines. */
  get active(): boolean {
    return this.#working
  }

  /** Whether the running command came from the file. */
  get fromFile(): boolean {
    return this.#fromFile
  }

  /** Share of the file that is done, 0 to 1. */
  get progress(): number {
    return this.#size === 0 ? 0 : this.#position / this.#size
  }

  get hasFile(): boolean {
    return this.#reader !== undefined
  }

  /** Stops after the current line; resolves when the loop has stopped. */
  async pause(): Promise<void> {
    if (!this.#working) return
    this.#stop = true
    if (!this.#fromFile) await this.#done
  }

  /** Starts or continues to print. */
  resume(): void {
    if (this.#working) throw new GcodeError('SD busy')
    this.#stop = false
    this.#working = true
    const { clock } = this.#host
    this.#done = new Promise(resolve => {
      clock.at(clock.now, () => {
        this.#work().then(resolve, error =>
          this.#host.lifecycle.shutdown(`Internal error in virtual_sdcard: ${messageOf(error)}`),
        )
      })
    })
  }

  /** Cancels the print and closes the file. */
  async cancel(): Promise<void> {
    if (this.#reader === undefined) return
    await this.pause()
    this.#close()
    this.#clearPosition()
    this.#stats.finish('cancelled')
  }

  /** The `virtual_sdcard` object. */
  status(): Status {
    return {
      file_path: this.#path,
      progress: this.progress,
      is_active: this.#working,
      file_position: this.#position,
      file_size: this.#size,
    }
  }

  #register(): void {
    const { gcode } = this.#host
    gcode.register('M20', () => this.#list())
    gcode.register('M21', () => gcode.respondRaw('SD card ok'))
    gcode.register('M23', command => this.#select(command))
    gcode.register('M24', () => this.resume())
    gcode.register('M25', () => this.pause())
    gcode.register('M26', command => this.#seek(command))
    gcode.register('M27', () => this.#report())
    for (const name of ['M28', 'M29', 'M30']) {
      gcode.register(name, () => {
        throw new UnsupportedError('SD write not supported')
      })
    }
    gcode.register(
      'SDCARD_RESET_FILE',
      () => {
        if (this.#fromFile) throw new GcodeError('SDCARD_RESET_FILE cannot be run from the sdcard')
        return this.#reset()
      },
      'Clears a loaded SD File. Stops the print if necessary',
    )
    gcode.register(
      'SDCARD_PRINT_FILE',
      command => this.#print(command),
      'Loads a SD file and starts the print.  May include files in subdirectories.',
    )
  }

  async #print(command: GcodeCommand): Promise<void> {
    if (this.#working) throw new GcodeError('SD busy')
    await this.#reset()
    this.#load(command.text('FILENAME').replace(/^\//, ''))
    this.resume()
  }

  async #reset(): Promise<void> {
    if (this.#reader !== undefined) {
      await this.pause()
      this.#close()
    }
    this.#clear()
  }

  #clear(): void {
    this.#clearPosition()
    this.#stats.reset()
    this.#onReset?.()
  }

  /** Called when a file is reset; exclude_object needs it. */
  set onReset(listener: () => void) {
    this.#onReset = listener
  }

  #select(command: GcodeCommand): void {
    if (this.#working) throw new GcodeError('SD busy')
    const filename = command.rawParams.trim().split('*')[0]!.trim()
    this.#close()
    this.#clear()
    this.#load(filename.replace(/^\//, ''))
  }

  #load(name: string): void {
    const { gcode } = this.#host
    try {
      const path = this.#find(name)
      this.#size = statSync(path).size
      this.#reader = new LineReader(path)
      this.#path = path
    } catch {
      this.#clearPosition()
      throw new GcodeError('Unable to open file')
    }
    this.#position = 0
    gcode.respondRaw(`File opened:${name} Size:${this.#size}`)
    gcode.respondRaw('File selected')
    this.#stats.setFile(name)
  }

  // Names match without regard to case, and only inside of the folder.
  #find(name: string): string {
    const wanted = resolve(this.#folder, name)
    if (!wanted.startsWith(resolve(this.#folder) + sep)) throw new Error('outside')
    if (statSync(wanted, { throwIfNoEntry: false })?.isFile() === true) return wanted
    const found = this.#files().find(file => file.name.toLowerCase() === name.toLowerCase())
    if (found === undefined) throw new Error('missing')
    return join(this.#folder, found.name)
  }

  #files(): { name: string; size: number }[] {
    const entries = readdirSync(this.#folder, { recursive: true, withFileTypes: true })
    return entries
      .filter(entry => entry.isFile() && EXTENSIONS.has(extname(entry.name).toLowerCase()))
      .map(entry => {
        const path = join(entry.parentPath, entry.name)
        return { name: path.slice(resolve(this.#folder).length + 1), size: statSync(path).size }
      })
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  #list(): void {
    const { gcode } = this.#host
    gcode.respondRaw('Begin file list')
    for (const { name, size } of this.#files()) gcode.respondRaw(`${name} ${size}`)
    gcode.respondRaw('End file list')
  }

  #seek(command: GcodeCommand): void {
    if (this.#working) throw new GcodeError('SD busy')
    this.#position = command.integer('S', undefined, { min: 0 })
    this.#reader?.seek(this.#position)
  }

  #report(): void {
    const text =
      this.#reader === undefined ? 'Not SD printing.' : `SD printing byte ${this.#position}/${this.#size}`
    this.#host.gcode.respondRaw(text)
  }

  async #work(): Promise<void> {
    const reader = this.#reader
    if (reader === undefined) {
      this.#working = false
      return
    }
    reader.seek(this.#position)
    this.#stats.start()
    this.#host.log(`Starting SD card print (position ${this.#position})`)
    const error = await this.#printLines(reader)
    this.#working = false
    this.#host.log(`Exiting SD card print (position ${this.#position})`)
    if (error !== undefined) this.#stats.finish('error', error)
    else if (this.#reader !== undefined) this.#stats.pause()
    else this.#stats.finish('complete')
  }

  // Returns the message of the error that ended the print; undefined without one.
  async #printLines(reader: LineReader): Promise<string | undefined> {
    const { gcode, clock } = this.#host
    let sliceEnd = performance.now() + SLICE
    for (let count = 1; !this.#stop; count++) {
      if (count % LINES_PER_LOOK === 0 && performance.now() > sliceEnd) {
        await clock.breathe()
        sliceEnd = performance.now() + SLICE
      }
      if (gcode.busy) {
        await this.#host.waitUntil(clock.now + 0.1)
        continue
      }
      const line = reader.next()
      if (line === undefined) {
        this.#complete()
        return undefined
      }
      this.#next = reader.position
      try {
        this.#fromFile = true
        // Most lines end synchronously: awaiting them would cost a turn of the event loop each.
        const pending = gcode.run(line)
        if (pending !== undefined) {
          await pending
          sliceEnd = performance.now() + SLICE
        }
      } catch (error) {
        await this.#afterError()
        return messageOf(error)
      } finally {
        this.#fromFile = false
      }
      if (this.#reader === reader) this.#position = this.#next
    }
    return undefined
  }

  async #afterError(): Promise<void> {
    try {
      await this.#host.gcode.run(await this.#host.clock.hold(this.#onError))
    } catch (error) {
      this.#host.log(`virtual_sdcard on_error: ${messageOf(error)}`)
    }
  }

  #complete(): void {
    this.#close()
    this.#path = null
    this.#position = this.#size
    this.#host.gcode.respondRaw('Done printing file')
  }

  #close(): void {
    this.#reader?.close()
    this.#reader = undefined
  }

  #clearPosition(): void {
    this.#path = null
    this.#size = 0
    this.#position = 0
  }
}
