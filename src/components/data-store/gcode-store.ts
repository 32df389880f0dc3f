// The last lines of Klipper's console, for clients that connect later.
import type { ResultOf } from '../../api/endpoint.ts'
import type { dataStore } from '../../api/server.ts'
import { cutText } from '../../core/cut-text.ts'

type Reply = ResultOf<(typeof dataStore)['methods']['server.gcode_store']>
type Entry = Reply['gcode_store'][number]

/** The most characters in all messages together; this and the number of entries bound the memory to a few MB. */
const MAX_CHARACTERS = 2 * 1024 * 1024
/** The most characters of one message; a longer one is cut. */
const MAX_MESSAGE = 64 * 1024

export class GcodeStore {
  readonly #size: number
  readonly #entries: Entry[] = []
  #characters = 0

  /** Keeps `size` entries, or fewer if they are very long. */
  constructor(size: number) {
    this.#size = size
  }

  /** Adds an entry, and drops the oldest ones if necessary. `time` is in seconds since the epoch. */
  add(type: Entry['type'], message: string, time: number): void {
    const kept = cutText(message, MAX_MESSAGE)
    this.#entries.push({ message: kept, time, type })
    this.#characters += kept.length
    while (this.#entries.length > this.#size || this.#characters > MAX_CHARACTERS) {
      this.#characters -= this.#entries.shift()?.message.length ?? 0
    }
  }

  /**
   * The newest `count` entries, oldest first; all of them for 0 or without a count. As in Moonraker, a negative
   * count leaves out that many of the oldest.
   */
  reply(count = 0): Reply {
    return { gcode_store: this.#entries.slice(-count) }
  }
}
