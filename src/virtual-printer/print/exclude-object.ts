// EXCLUDE_OBJECT: the objects of a print by name; the moves of excluded ones are skipped.

import { GcodeError, messageOf } from '../errors.ts'
import type { GcodeCommand } from '../gcode/command.ts'
import type { Host } from '../host.ts'
import type { GcodeMove, MoveFilter } from '../motion/gcode-move.ts'
import type { Toolhead } from '../motion/toolhead.ts'
import type { Status } from '../objects.ts'

/** An object of the print as the slicer described it. */
interface PrintObject {
  name: string
  [detail: string]: unknown
}

/** The `exclude_object` object; filters the moves between G-code and toolhead. */
export class ExcludeObject implements MoveFilter {
  readonly #host: Host
  readonly #toolhead: Toolhead
  #objects: PrintObject[] = []
  #excluded: string[] = []
  #current: string | null = null
  /** The filament in mm of skipped moves: G-code's position minus the toolhead's. */
  #skippedFilament = 0
  #last: Float64Array

  constructor(host: Host, gcodeMove: GcodeMove, toolhead: Toolhead) {
    this.#host = host
    this.#toolhead = toolhead
    this.#last = toolhead.position
    gcodeMove.useFilter(this)
    const { gcode } = host
    const commands: [string, (command: GcodeCommand) => void, string][] = [
      [
        'EXCLUDE_OBJECT_START',
        c => this.#startObject(c),
        'Marks the beginning the current object as labeled',
      ],
      ['EXCLUDE_OBJECT_END', c => this.#endObject(c), 'Marks the end the current object'],
      ['EXCLUDE_OBJECT', c => this.#exclude(c), 'Cancel moves inside a specified objects'],
      ['EXCLUDE_OBJECT_DEFINE', c => this.#define(c), 'Provides a summary of an object'],
    ]
    for (const [name, handler, help] of commands) gcode.register(name, handler, help)
  }

  /** Removes all objects, as at the start of another file. */
  reset(): void {
    this.#objects = []
    this.#excluded = []
    this.#current = null
  }

  move(end: Float64Array, speed: number): void | Promise<void> {
    if (this.#current !== null && this.#excluded.includes(this.#current)) {
      // Later moves must not extrude the filament of the skipped ones.
      this.#skippedFilament += end[3]! - this.#last[3]!
      this.#last.set(end)
      return undefined
    }
    this.#last.set(end)
    if (this.#skippedFilament === 0) return this.#toolhead.move(end, speed)
    const target = Float64Array.from(end)
    target[3] = target[3]! - this.#skippedFilament
    return this.#toolhead.move(target, speed)
  }

  /** G-code's position while the toolhead is at `position`. */
  adopt(position: Float64Array): Float64Array {
    this.#last = Float64Array.from(position)
    this.#last[3] = this.#last[3]! + this.#skippedFilament
    return Float64Array.from(this.#last)
  }

  status(): Status {
    return { objects: this.#objects, excluded_objects: this.#excluded, current_object: this.#current }
  }

  #startObject(command: GcodeCommand): void {
    const name = command.text('NAME').toUpperCase()
    this.#add({ name })
    this.#current = name
  }

  #endObject(command: GcodeCommand): void {
    const { gcode } = this.#host
    if (this.#current === null) {
      gcode.respondInfo('EXCLUDE_OBJECT_END called, but no object is currently active')
      return
    }
    const name = command.has('NAME') ? command.text('NAME').toUpperCase() : this.#current
    if (name !== this.#current) {
      gcode.respondInfo(
        `EXCLUDE_OBJECT_END NAME=${name} does not match the current object NAME=${this.#current}`,
      )
    }
    this.#current = null
  }

  #exclude(command: GcodeCommand): void {
    const { gcode } = this.#host
    const name = command.has('NAME') ? command.text('NAME').toUpperCase() : undefined
    if (command.has('RESET')) {
      if (name === undefined) this.#excluded = []
      else this.#excluded = this.#excluded.filter(excluded => excluded !== name)
    } else if (name !== undefined) {
      if (!this.#excluded.includes(name)) this.#excludeNow(name)
    } else if (command.has('CURRENT')) {
      if (this.#current === null) throw new GcodeError('There is no current object to cancel')
      this.#excludeNow(this.#current)
    } else gcode.respondInfo(`Excluded objects: ${this.#excluded.join(' ')}`)
  }

  #excludeNow(name: string): void {
    this.#host.gcode.respondInfo(`Excluding object ${name}`)
    this.#excluded = [...this.#excluded, name].sort()
  }

  #define(command: GcodeCommand): void {
    if (command.has('RESET')) {
      this.reset()
      return
    }
    if (!command.has('NAME')) {
      const names = this.#objects.map(object => object.name).join(' ')
      this.#host.gcode.respondInfo(`Known objects: ${names}`)
      return
    }
    const object: PrintObject = { name: command.text('NAME').toUpperCase() }
    for (const [key, value] of command.params) {
      const detail = key.toLowerCase()
      if (detail === 'center') object.center = jsonOf(command, `[${value}]`)
      else if (detail === 'polygon') object.polygon = jsonOf(command, value)
      else if (detail !== 'name') object[detail] = value
    }
    this.#add(object)
  }

  #add(object: PrintObject): void {
    if (this.#objects.some(known => known.name === object.name)) return
    this.#objects = [...this.#objects, object].sort((a, b) => (a.name < b.name ? -1 : 1))
  }
}

function jsonOf(command: GcodeCommand, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new GcodeError(`Error on '${command.line}': ${messageOf(error)}`)
  }
}
