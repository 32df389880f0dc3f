// Object names that Klipper accepts in EXCLUDE_OBJECT commands.
import { trimBothOf } from '../../../core/trim-characters.ts'
import { decode } from '../values.ts'

const LONGEST_NAME = 80

/** Makes names that are unique in a file. */
export class ObjectNames {
  readonly #taken = new Set<string>()

  /**
   * A name made from the slicer's (latin1 bytes): letters of any script, digits, "_", "." and "-" stay, anything
   * else becomes "_", because Klipper splits its commands at blanks and stops at "#", "*" and ";". Klipper ignores the
   * case, so names that differ only in that get a number.
   */
  take(raw: string): string {
    const clean = decode(raw).replace(/[^\p{L}\p{N}_.-]+/gu, '_')
    const base = trimBothOf(clean.slice(0, LONGEST_NAME), '_') || 'object'
    let name = base
    for (let number = 2; this.#taken.has(name.toUpperCase()); number++) name = `${base}_${number}`
    this.#taken.add(name.toUpperCase())
    return name
  }
}
