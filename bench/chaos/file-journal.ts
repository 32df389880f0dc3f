// What a simulated printer of a chaos run remembers when its process was killed: its events, in a file of its own.
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import type { FleetEvent } from '../../src/fleet/contract/index.ts'
import type { Journal } from '../../test/fleet/hub/simulated-outbox.ts'

/** A line of the file: an event, or the id of one that the engine has stored. */
type Line = FleetEvent | string

export class FileJournal implements Journal {
  readonly #file: string
  readonly #stored = new Set<string>()
  readonly events: readonly FleetEvent[]

  /** Reads what earlier processes have written to `file`. */
  constructor(file: string) {
    this.#file = file
    const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
    const lines = text.split('\n').flatMap(line => (line === '' ? [] : [JSON.parse(line) as Line]))
    this.events = lines.filter(line => typeof line !== 'string')
    for (const line of lines) if (typeof line === 'string') this.#stored.add(line)
  }

  isStored(id: string): boolean {
    return this.#stored.has(id)
  }

  add(event: FleetEvent): void {
    this.#append(event)
  }

  stored(id: string): void {
    this.#append(id)
  }

  /** One call of the kernel: a process that is killed has written the whole line, or nothing. */
  #append(line: Line): void {
    appendFileSync(this.#file, `${JSON.stringify(line)}\n`)
  }
}
