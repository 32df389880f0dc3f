// A compact list of insertions into a file: a file of 100 MB can have hundreds of thousands.

/** What is inserted: the command that starts or ends an object, or the "; " that makes a comment of a command. */
export type EditKind = 'start' | 'end' | 'comment-out'

/** One insertion at a byte offset of the original file. */
export interface Edit {
  offset: number
  kind: EditKind
  /** The index of the object; 0 for `comment-out`. */
  object: number
}

const KINDS: readonly EditKind[] = ['start', 'end', 'comment-out']
const FIRST_ROOM = 1024

/** A list of insertions in file order. */
export class Edits {
  #offsets = new Float64Array(FIRST_ROOM)
  #codes = new Int32Array(FIRST_ROOM)
  #length = 0

  get length(): number {
    return this.#length
  }

  add(offset: number, kind: EditKind, object: number): void {
    if (this.#length === this.#offsets.length) this.#grow()
    this.#offsets[this.#length] = offset
    this.#codes[this.#length++] = object * KINDS.length + KINDS.indexOf(kind)
  }

  at(index: number): Edit | undefined {
    if (index >= this.#length) return undefined
    const code = this.#codes[index]!
    return {
      offset: this.#offsets[index]!,
      kind: KINDS[code % KINDS.length]!,
      object: Math.floor(code / KINDS.length),
    }
  }

  #grow(): void {
    const [offsets, codes] = [this.#offsets, this.#codes]
    this.#offsets = new Float64Array(offsets.length * 2)
    this.#codes = new Int32Array(codes.length * 2)
    this.#offsets.set(offsets)
    this.#codes.set(codes)
  }
}
