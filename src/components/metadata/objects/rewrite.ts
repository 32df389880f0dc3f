// Copies a G-code file and inserts the object commands.
import type { FileHandle } from 'node:fs/promises'
import type { Edit } from './edits.ts'
import type { FoundObjects } from './find-objects.ts'
import type { Point } from './hull.ts'

const CHUNK = 256 * 1024
const DECIMALS = 3

/** The line that marks a processed file. */
export const OBJECTS_MARK = '; Objects defined by moonraker-ts'

interface NamedObject {
  name: string
  center?: Point
  polygon?: readonly Point[]
}

/** Writes the file with its definitions before the first command and each object between start and end commands. */
export async function rewrite(
  input: FileHandle,
  output: FileHandle,
  found: FoundObjects,
  objects: readonly NamedObject[],
  signal?: AbortSignal,
): Promise<void> {
  const definitions = { offset: found.firstCommand, text: definitionsOf(objects, found.eol) }
  const writer = new EditingWriter(output, found, objects, definitions)
  const buffer = Buffer.allocUnsafe(CHUNK)
  let offset = 0
  for (;;) {
    signal?.throwIfAborted()
    const { bytesRead } = await input.read(buffer, 0, CHUNK, offset)
    if (bytesRead === 0) break
    await writer.write(buffer.subarray(0, bytesRead), offset)
    offset += bytesRead
  }
  await writer.end()
}

function definitionsOf(objects: readonly NamedObject[], eol: string): string {
  const lines = objects.map(({ name, center, polygon }) => {
    const where = center ? ` CENTER=${center.map(rounded).join(',')}` : ''
    const outline = polygon ? ` POLYGON=${JSON.stringify(polygon.map(point => point.map(rounded)))}` : ''
    return `EXCLUDE_OBJECT_DEFINE NAME=${name}${where}${outline}`
  })
  return [OBJECTS_MARK, ...lines, ''].join(eol)
}

function rounded(value: number): number {
  return Number(value.toFixed(DECIMALS))
}

/** Writes pieces of the original with the insertions between them. */
class EditingWriter {
  readonly #output: FileHandle
  readonly #found: FoundObjects
  readonly #objects: readonly NamedObject[]
  #definitions: { offset: number; text: string } | undefined
  readonly #gathered = Buffer.allocUnsafe(CHUNK)
  #filled = 0
  #next = 0

  constructor(
    output: FileHandle,
    found: FoundObjects,
    objects: readonly NamedObject[],
    definitions: { offset: number; text: string },
  ) {
    this.#output = output
    this.#found = found
    this.#objects = objects
    this.#definitions = definitions
  }

  async write(bytes: Buffer, offset: number): Promise<void> {
    let from = 0
    for (;;) {
      const insertion = this.#insertionBefore(offset + bytes.length)
      if (!insertion) break
      await this.#put(bytes.subarray(from, insertion.offset - offset))
      await this.#put(Buffer.from(insertion.text))
      from = insertion.offset - offset
    }
    await this.#put(bytes.subarray(from))
  }

  /** Writes the insertions at the end of the file. If the last line has no end, their places are after the file's end. */
  async end(): Promise<void> {
    const rest: string[] = []
    for (let more = this.#insertionBefore(Infinity); more; more = this.#insertionBefore(Infinity))
      rest.push(more.text)
    if (rest.length > 0 && this.#found.unfinished) rest.unshift(this.#found.eol)
    await this.#put(Buffer.from(rest.join('')))
    await this.#flush()
  }

  /** Collects small pieces and writes them together. */
  async #put(piece: Buffer): Promise<void> {
    for (let from = 0; from < piece.length; ) {
      const taken = piece.copy(this.#gathered, this.#filled, from)
      from += taken
      this.#filled += taken
      if (this.#filled === this.#gathered.length) await this.#flush()
    }
  }

  async #flush(): Promise<void> {
    await this.#output.appendFile(this.#gathered.subarray(0, this.#filled))
    this.#filled = 0
  }

  /** Removes and returns the next insertion if its place is before the given one. Definitions are first at their place. */
  #insertionBefore(offset: number): { offset: number; text: string } | undefined {
    const edit = this.#found.edits.at(this.#next)
    const definitions = this.#definitions
    if (definitions && definitions.offset < offset && (!edit || definitions.offset <= edit.offset)) {
      this.#definitions = undefined
      return definitions
    }
    if (!edit || edit.offset >= offset) return undefined
    this.#next++
    return { offset: edit.offset, text: this.#textOf(edit) }
  }

  #textOf({ kind, object }: Edit): string {
    if (kind === 'comment-out') return '; '
    return `EXCLUDE_OBJECT_${kind === 'start' ? 'START' : 'END'} NAME=${this.#objects[object]!.name}${this.#found.eol}`
  }
}
