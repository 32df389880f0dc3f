// Reads a whole G-code file once and finds its objects: where each starts and ends, its name and its outline.
import type { FileHandle } from 'node:fs/promises'
import type { ObjectComments, ObjectMark } from '../field.ts'
import { Edits } from './edits.ts'
import { Hull } from './hull.ts'
import { Motion } from './motion.ts'

/** Bytes that are read at once: a few milliseconds of work, then other tasks of the process run. */
const CHUNK = 128 * 1024
const MOST_OBJECTS = 1000
const MOST_EDITS = 1_000_000
const LONGEST_MARK = 1024
const NEWLINE = 0x0a
const SEMICOLON = 0x3b
const E = 0x45
const M = 0x4d
const DEFINED = 'EXCLUDE_OBJECT_'

/** An object as the slicer names it; `name` holds latin1 bytes. */
export interface FoundObject {
  name: string
  hull: Hull
}

/** The texts to insert into the file, and their places. */
export interface FoundObjects {
  objects: FoundObject[]
  edits: Edits
  /** Offset of the first line that is neither blank nor a comment: definitions go before it. */
  firstCommand: number
  eol: '\n' | '\r\n'
  /** Whether the file's last line has no line break. */
  unfinished: boolean
}

/** The file cannot be rewritten: its objects are defined already, or there are too many. */
export class NotProcessable extends Error {
  override readonly name: string = 'NotProcessable'
}

/** How a file marks its objects: with the slicer's comments, or with M486 commands. */
export type ObjectSource =
  | { by: 'comments'; comments: ObjectComments }
  | { by: 'm486'; comments?: ObjectComments }

/** Reads the file from its start. Rejects with NotProcessable, and with the reason of `signal`. */
export async function findObjects(
  file: FileHandle,
  source: ObjectSource,
  signal?: AbortSignal,
): Promise<FoundObjects> {
  const finder = new ObjectFinder(source)
  const buffer = Buffer.allocUnsafe(CHUNK)
  let kept = 0
  let offset = 0
  for (;;) {
    signal?.throwIfAborted()
    const { bytesRead } = await file.read(buffer, kept, CHUNK - kept, offset + kept)
    const filled = kept + bytesRead
    const used = finder.readLines(buffer, filled, offset, bytesRead === 0)
    offset += used
    if (bytesRead === 0) return finder.finish(offset)
    buffer.copyWithin(0, used, filled)
    kept = filled - used
  }
}

/** Follows the lines of one file. */
class ObjectFinder {
  readonly #source: ObjectSource
  readonly #objects: FoundObject[] = []
  readonly #byId = new Map<string, number>()
  readonly #edits = new Edits()
  readonly #motion = new Motion()
  #open = -1
  #sink: Hull | undefined
  #announced: string | undefined
  readonly #named = new Set<number>()
  #firstCommand = -1
  #carriageReturns = false
  #lines = 0
  #inLongLine = false
  #unfinished = false

  constructor(source: ObjectSource) {
    this.#source = source
  }

  /** Reads the complete lines in the first `filled` bytes, which are at `offset` of the file; returns their length. */
  readLines(bytes: Buffer, filled: number, offset: number, last: boolean): number {
    let start = 0
    if (this.#inLongLine) {
      start = bytes.subarray(0, filled).indexOf(NEWLINE) + 1
      if (start === 0) return filled
      this.#inLongLine = false
    }
    const complete = last ? filled : bytes.subarray(0, filled).lastIndexOf(NEWLINE) + 1
    while (start < complete) {
      let end = this.#readLine(bytes, start, complete, offset)
      while (end < complete && bytes[end] !== NEWLINE) end++
      this.#unfinished = end >= complete
      start = end + 1
    }
    if (complete === 0 && filled === CHUNK) {
      this.#inLongLine = true
      this.#noteCommand(offset)
      return filled
    }
    return Math.min(complete, filled)
  }

  /** Returns the place in the line up to which it was read. */
  #readLine(bytes: Buffer, start: number, complete: number, offset: number): number {
    const first = bytes[start]!
    if (this.#lines++ === 0) this.#carriageReturns = endsWithReturn(bytes, start, complete)
    if (first === SEMICOLON) return this.#readComment(bytes, start, complete, offset)
    if (first === NEWLINE || first === 0x0d) return start
    if (this.#firstCommand === -1) this.#noteCommand(offset + start)
    if (first === E && bytes.toString('latin1', start, start + DEFINED.length) === DEFINED)
      throw new NotProcessable('its objects are defined already')
    if (first === M && this.#source.by === 'm486' && bytes.toString('latin1', start, start + 4) === 'M486')
      return this.#readM486(bytes, start, complete, offset)
    return this.#motion.read(bytes, start, complete, this.#sink)
  }

  #noteCommand(offset: number): void {
    if (this.#firstCommand === -1) this.#firstCommand = offset
  }

  #readComment(bytes: Buffer, start: number, complete: number, offset: number): number {
    const { comments } = this.#source
    const end = lineEnd(bytes, start, complete)
    if (!comments || end - start > LONGEST_MARK) return end
    const mark = comments.mark(bytes.toString('latin1', start, end).trimEnd(), this.#announced)
    if (!mark) return end
    if (this.#source.by === 'm486') this.#adoptName(mark)
    else this.#apply(mark, offset + end + 1)
    return end
  }

  #apply(mark: ObjectMark, offset: number): void {
    if (mark.kind === 'name') this.#announced = mark.name
    else if (mark.kind === 'end') this.#endObject(offset)
    else {
      const index = this.#indexOf(mark.id, mark.name)
      if (index !== this.#open) this.#startObject(index, offset)
    }
  }

  /** M486 without a name: the slicer's comment next to it contains one. */
  #adoptName(mark: ObjectMark): void {
    if (mark.kind !== 'start') return
    if (this.#open === -1) this.#announced = mark.name
    else this.#name(this.#open, mark.name, false)
  }

  #name(index: number, name: string, own: boolean): void {
    if (!own && this.#named.has(index)) return
    this.#objects[index]!.name = name
    this.#named.add(index)
  }

  /** "M486 S0" starts object 0, "M486 S-1" ends it, A names it. Klipper has no such command. */
  #readM486(bytes: Buffer, start: number, complete: number, offset: number): number {
    const end = lineEnd(bytes, start, complete)
    const line = bytes.toString('latin1', start, Math.min(end, start + LONGEST_MARK))
    this.#edit(offset + start, 'comment-out', 0)
    const id = /^M486[^;A]*?\sS(-?\d{1,9})/.exec(line)?.[1]
    if (id?.startsWith('-')) this.#endObject(offset + end + 1)
    else if (id !== undefined) {
      const index = this.#indexOf(id, `object_${id}`)
      if (this.#announced !== undefined) this.#name(index, this.#announced, false)
      this.#announced = undefined
      if (index !== this.#open) this.#startObject(index, offset + end + 1)
    }
    const name = /^M486[^;A]*?\sA"?([^";\r]+)/.exec(line)?.[1]
    if (name !== undefined && this.#open !== -1) this.#name(this.#open, name.trim(), true)
    return end
  }

  #indexOf(id: string, name: string): number {
    const known = this.#byId.get(id)
    if (known !== undefined) return known
    if (this.#objects.length === MOST_OBJECTS) throw new NotProcessable(`more than ${MOST_OBJECTS} objects`)
    const index = this.#objects.push({ name, hull: new Hull() }) - 1
    this.#byId.set(id, index)
    return index
  }

  #startObject(index: number, offset: number): void {
    this.#endObject(offset)
    this.#open = index
    this.#sink = this.#objects[index]!.hull
    this.#edit(offset, 'start', index)
  }

  #endObject(offset: number): void {
    if (this.#open === -1) return
    this.#edit(offset, 'end', this.#open)
    this.#open = -1
    this.#sink = undefined
  }

  #edit(offset: number, kind: 'start' | 'end' | 'comment-out', object: number): void {
    if (this.#edits.length === MOST_EDITS)
      throw new NotProcessable(`more than ${MOST_EDITS} changes between objects`)
    this.#edits.add(offset, kind, object)
  }

  /** The result, at the end of a file of `size` bytes, which ends the last object. */
  finish(size: number): FoundObjects {
    this.#endObject(size)
    return {
      objects: this.#objects,
      edits: this.#edits,
      firstCommand: Math.max(this.#firstCommand, 0),
      eol: this.#carriageReturns ? '\r\n' : '\n',
      unfinished: this.#unfinished || this.#inLongLine,
    }
  }
}

function lineEnd(bytes: Buffer, start: number, complete: number): number {
  let end = start
  while (end < complete && bytes[end] !== NEWLINE) end++
  return end
}

function endsWithReturn(bytes: Buffer, start: number, complete: number): boolean {
  const end = lineEnd(bytes, start, complete)
  return end > start && bytes[end - 1] === 0x0d
}
