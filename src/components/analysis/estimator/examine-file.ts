// Reads a print file once, line by line, in bounded memory: its times, and what does not fit the machine.
import { type FileHandle, open } from 'node:fs/promises'
import { Findings } from './findings.ts'
import { Interpreter } from './interpreter.ts'
import type { Machine } from './machine.ts'
import type { PrintTimes } from './tally.ts'

/** Bytes read at a time; between two reads the worker does other things. */
const CHUNK = 64 * 1024
/** Characters of a line that are read; the rest of longer lines is skipped. */
const LONGEST_LINE = 16 * 1024
const MOVES = 5_000_000
const MOVES_PER_BYTE = 2

/** What is known of a file. */
export interface Examination {
  readonly times: PrintTimes
  /** Bytes, and the remaining seconds that the slicer's M73 states from there on. */
  readonly slicerPoints: readonly (readonly [offset: number, secondsLeft: number])[]
  /** Whether the file sets a speed factor (M220) other than 100 %. */
  readonly setsSpeed: boolean
  readonly findings: Findings
}

/** How a file is examined. */
export interface ExaminationOptions {
  readonly machine: Machine
  /** The commands that Klipper knows, in capitals; null where that is not known. */
  readonly knownCommands: readonly string[] | null
  readonly signal: AbortSignal
  /** The most moves of a file: so many, and 2 for each byte. Only a file of endless arcs exceeds the default. */
  readonly mostMoves?: number
}

/**
 * Examines the content that the file has when it is opened. Rejects with the system's error, with the signal's reason,
 * and with TooMuchWork.
 */
export async function examineFile(path: string, options: ExaminationOptions): Promise<Examination> {
  const file = await open(path, 'r')
  try {
    return await examine(file, options)
  } finally {
    await file.close()
  }
}

async function examine(
  file: FileHandle,
  { machine, knownCommands, signal, mostMoves = MOVES }: ExaminationOptions,
): Promise<Examination> {
  const { size } = await file.stat()
  const findings = new Findings(machine, knownCommands)
  const interpreter = new Interpreter(machine, findings, mostMoves + MOVES_PER_BYTE * size)
  const lines = new LineReader((line, offset) => interpreter.run(line, offset))
  const buffer = Buffer.allocUnsafe(CHUNK)
  for (let at = 0; at < size; ) {
    signal.throwIfAborted()
    const { bytesRead } = await file.read(buffer, 0, Math.min(CHUNK, size - at), at)
    if (bytesRead === 0) break
    at += bytesRead
    lines.push(buffer.toString('latin1', 0, bytesRead))
  }
  lines.end()
  interpreter.end()
  return {
    times: interpreter.tally.result(),
    slicerPoints: interpreter.slicerPoints.all().map(([offset, minutes]) => [offset, -minutes * 60] as const),
    setsSpeed: interpreter.setsSpeed,
    findings,
  }
}

/** Splits text of one byte per character into lines, with the offset after each. */
class LineReader {
  readonly #onLine: (line: string, end: number) => void
  #rest = ''
  #isSkipping = false
  #offset = 0

  constructor(onLine: (line: string, end: number) => void) {
    this.#onLine = onLine
  }

  push(text: string): void {
    let start = 0
    let end = text.indexOf('\n')
    if (end !== -1) {
      this.#emit(this.#isSkipping ? '' : this.#rest + text.slice(0, end), this.#offset + end + 1)
      this.#rest = ''
      this.#isSkipping = false
      start = end + 1
      for (end = text.indexOf('\n', start); end !== -1; end = text.indexOf('\n', start)) {
        this.#emit(text.slice(start, end), this.#offset + end + 1)
        start = end + 1
      }
    }
    this.#offset += text.length
    if (this.#isSkipping) return
    this.#rest += text.slice(start)
    if (this.#rest.length <= LONGEST_LINE) return
    this.#rest = ''
    this.#isSkipping = true
  }

  end(): void {
    this.#emit(this.#rest, this.#offset)
  }

  #emit(line: string, end: number): void {
    if (line.length > LONGEST_LINE) return
    this.#onLine(line.charCodeAt(line.length - 1) === 0x0d ? line.slice(0, -1) : line, end)
  }
}
