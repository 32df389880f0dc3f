// Decodes binary G-code to plain G-code, as the slicer would have written it: comments with the settings and the
// pictures around the commands.
import { type FileHandle, open, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { BLOCK, type Block, BlockError, BlockFile, type BlockHeader, FILE_HEADER, INI } from './blocks.ts'
import { meatpackDecode } from './meatpack.ts'
import { PICTURE_FORMATS } from './scan-binary.ts'

/** The largest result: so many bytes, and so many times the size of the file. Slicers reach about 5 times. */
const MAX_OUTPUT = 4 * 1024 ** 3
const MAX_RATIO = 200
/** The largest total of all blocks without G-code. */
const MAX_SETTINGS = 8 * 1024 * 1024
/** Bytes that are written at once. */
const CHUNK = 1024 * 1024
/** Bytes to keep free on the disk for the printer's logs and configuration. */
const KEPT_FREE = 16 * 1024 * 1024
/** The lines of a picture. */
const PICTURE_LINE = /.{1,78}/g

/** The encodings of G-code. */
const PLAIN = 0
const MEATPACK = [1, 2]

/** A file to decode, and where the result is written; no file is there yet. */
export interface DecodeJob {
  readonly path: string
  readonly output: string
  /** Called after each block with the part that is done, from 0 to 1. */
  readonly onProgress: (fraction: number) => void
  readonly signal: AbortSignal
}

/** The file that was decoded, as it was then. */
export interface DecodedFrom {
  readonly size: number
  /** Milliseconds since the epoch. */
  readonly modified: number
}

/**
 * Decodes a file; resolves when the result is complete and durable. Rejects with BlockError if any block is damaged, the
 * file contains no G-code, or the result would be too large; with an error of the code ENOSPC if the disk has too little
 * space; with other errors of the system, and with the signal's reason.
 */
export async function decodeBinary({ path, output, onProgress, signal }: DecodeJob): Promise<DecodedFrom> {
  const source = await open(path, 'r')
  try {
    const { size, mtimeMs } = await source.stat()
    const file = await BlockFile.of(source, size)
    if (file === undefined) throw new BlockError('the file is not binary G-code')
    const headers = await readHeaders(file)
    const target = await open(output, 'wx')
    try {
      const writer = new BoundedWriter(target, dirname(output), size)
      await decodeTo(writer, { file, headers, onProgress, signal })
      await target.sync()
    } finally {
      await target.close()
    }
    return { size, modified: mtimeMs }
  } finally {
    await source.close()
  }
}

/** All headers are read first: a file that is cut short is rejected before anything is written. */
async function readHeaders(file: BlockFile): Promise<BlockHeader[]> {
  const headers: BlockHeader[] = []
  let settings = 0
  let header = await file.header(FILE_HEADER)
  for (; header !== undefined; header = await file.header(file.next(header))) {
    if (header.type !== BLOCK.gcode) settings += Math.max(header.stored, header.unpacked)
    if (settings > MAX_SETTINGS) throw new BlockError('its settings and pictures are too large')
    headers.push(header)
  }
  const last = headers.at(-1)
  if (last !== undefined && file.next(last) > file.size) throw new BlockError('the file ends early')
  if (!headers.some(({ type }) => type === BLOCK.gcode)) throw new BlockError('the file contains no G-code')
  return headers
}

interface Decoding {
  readonly file: BlockFile
  readonly headers: readonly BlockHeader[]
  readonly onProgress: (fraction: number) => void
  readonly signal: AbortSignal
}

async function decodeTo(
  writer: BoundedWriter,
  { file, headers, onProgress, signal }: Decoding,
): Promise<void> {
  const ofType = async (...types: number[]) => {
    const blocks: Block[] = []
    for (const header of headers) if (types.includes(header.type)) blocks.push(await file.read(header))
    return blocks
  }
  await writer.write((await ofType(BLOCK.file)).map(producer).join(''))
  await writer.write((await ofType(BLOCK.printer)).map(comments).join(''))
  await writer.write((await ofType(BLOCK.picture)).map(picture).join(''))
  await writer.write('\n')
  for (const header of headers) {
    if (header.type !== BLOCK.gcode) continue
    signal.throwIfAborted()
    await writer.write(commands(await file.read(header)))
    onProgress(header.position / file.size)
  }
  await writer.write((await ofType(BLOCK.print)).map(block => `\n${comments(block)}`).join(''))
  await writer.write((await ofType(BLOCK.slicer)).map(configuration).join(''))
  await writer.flush()
}

function linesOf({ data }: Block): string[] {
  return data
    .toString('latin1')
    .split(/[\r\n]+/)
    .filter(line => line !== '')
}

function comments(block: Block): string {
  if (block.parameters[0] !== INI) return ''
  return linesOf(block)
    .map(line => `; ${line.replace('=', ' = ')}\n`)
    .join('')
}

function producer(block: Block): string {
  const entries = linesOf(block).map(line => line.split('=', 2) as [string, string?])
  const values = new Map(entries.map(([key, value = '']) => [key, value]))
  const name = values.get('Producer') ?? 'Unknown'
  const time = values.get('Produced on')
  return `; generated by ${name}${time === undefined ? '' : ` on ${time}`}\n\n\n`
}

function picture({ parameters, data }: Block): string {
  const [format = -1, width, height] = parameters
  const name = PICTURE_FORMATS[format]
  if (name === undefined) return ''
  const mark = name === 'png' ? 'thumbnail' : `thumbnail_${name.toUpperCase()}`
  const text = data.toString('base64')
  const lines = text.match(PICTURE_LINE) ?? []
  const body = lines.map(line => `; ${line}\n`).join('')
  return `\n;\n; ${mark} begin ${width}x${height} ${text.length}\n${body}; ${mark} end\n;\n`
}

function configuration(block: Block): string {
  const text = comments(block)
  return text === '' ? '' : `\n; prusaslicer_config = begin\n${text}; prusaslicer_config = end\n`
}

/** A block contains whole lines; the end of the last one may be missing. */
function commands({ parameters: [encoding = -1], data }: Block): Buffer {
  const text = MEATPACK.includes(encoding) ? meatpackDecode(data) : data
  if (encoding !== PLAIN && text === data) throw new BlockError(`unknown encoding ${encoding} of its G-code`)
  const isComplete = text.length === 0 || text.at(-1) === 0x0a
  return isComplete ? text : Buffer.concat([text, Buffer.from('\n')])
}

/** Writes large chunks; rejects what is too large for the source, or for the disk. */
class BoundedWriter {
  readonly #file: FileHandle
  readonly #folder: string
  readonly #limit: number
  readonly #chunk = Buffer.allocUnsafe(CHUNK)
  #filled = 0
  #total = 0

  constructor(file: FileHandle, folder: string, sourceSize: number) {
    this.#file = file
    this.#folder = folder
    this.#limit = Math.min(MAX_OUTPUT, sourceSize * MAX_RATIO)
  }

  async write(text: string | Buffer): Promise<void> {
    const bytes = typeof text === 'string' ? Buffer.from(text, 'latin1') : text
    this.#total += bytes.length
    if (this.#total > this.#limit) throw new BlockError('its plain G-code would be too large')
    for (let from = 0; from < bytes.length; ) {
      const copied = bytes.copy(this.#chunk, this.#filled, from)
      from += copied
      this.#filled += copied
      if (this.#filled === CHUNK) await this.flush()
    }
  }

  async flush(): Promise<void> {
    const { bavail, bsize } = await statfs(this.#folder)
    if (bavail * bsize < this.#filled + KEPT_FREE)
      throw Object.assign(new Error('the disk has too little space'), { code: 'ENOSPC' })
    for (let written = 0; written < this.#filled; )
      written += (await this.#file.write(this.#chunk, written, this.#filled - written)).bytesWritten
    this.#filled = 0
  }
}
