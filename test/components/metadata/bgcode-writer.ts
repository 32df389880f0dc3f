// Writes small binary G-code files for tests, after the format's specification.
import { crc32, deflateSync } from 'node:zlib'

/** One block before compression; `pack` turns its data into what is stored. */
export interface BlockToWrite {
  type: number
  parameters: number[]
  data: Buffer
  compression?: number
  /** The size that the header claims for the data, if not the true one. */
  claimed?: number
  pack?: (data: Buffer) => Buffer
}

export const settings = (type: number, text: string): BlockToWrite => ({
  type,
  parameters: [0],
  data: Buffer.from(text),
})

export const deflated = (block: BlockToWrite): BlockToWrite => ({
  ...block,
  compression: 1,
  pack: data => deflateSync(data),
})

/** Compressed by heatshrink. */
export const shrunk = (block: BlockToWrite, windowBits: 11 | 12): BlockToWrite => ({
  ...block,
  compression: windowBits - 9,
  pack: data => heatshrink(data, windowBits),
})

/** Repetitions of at least 3 bytes become references to the last place in the window where they start. */
function heatshrink(data: Buffer, windowBits: number): Buffer {
  let bits = ''
  const put = (value: number, count: number) => {
    bits += value.toString(2).padStart(count, '0')
  }
  for (let at = 0; at < data.length; ) {
    const from = data.lastIndexOf(data.subarray(at, at + 3), at - 1)
    const distance = at - from
    let length = 0
    if (from !== -1 && at > 0 && distance <= 2 ** windowBits)
      while (length < 16 && at + length < data.length && data[from + length] === data[at + length]) length++
    if (length >= 3) {
      put(0, 1)
      put(distance - 1, windowBits)
      put(length - 1, 4)
      at += length
    } else {
      put(1, 1)
      put(data[at++]!, 8)
    }
  }
  const bytes = bits.match(/.{1,8}/g) ?? []
  return Buffer.from(bytes.map(byte => Number.parseInt(byte.padEnd(8, '0'), 2)))
}

/** A block of G-code. `meatpack` packs all lines but comments, and omits the spaces of commands as slicers do. */
export function gcode(text: string, encoding: 'plain' | 'meatpack' = 'plain'): BlockToWrite {
  const data = encoding === 'plain' ? Buffer.from(text) : meatpack(text)
  return { type: 1, parameters: [encoding === 'plain' ? 0 : 2], data }
}

const CHARACTERS = '0123456789.E\nGX'
const signal = (command: number) => [0xff, 0xff, command]

function meatpack(text: string): Buffer {
  const bytes: number[] = [...signal(251), ...signal(247)]
  for (const line of Buffer.from(text)
    .toString('latin1')
    .split(/(?<=\n)/)) {
    if (line.startsWith(';')) bytes.push(...signal(250), ...Buffer.from(line, 'latin1'), ...signal(251))
    else bytes.push(...packLine(/G\d/.test(line) ? line.replaceAll(' ', '') : line))
  }
  return Buffer.from(bytes)
}

function packLine(line: string): number[] {
  const half = (character: string) => {
    const index = CHARACTERS.indexOf(character)
    return index === -1 ? 15 : index
  }
  const bytes: number[] = []
  for (let at = 0; at < line.length; at += 2) {
    const pair = [line[at]!, line[at + 1] ?? '\n'] as const
    bytes.push(half(pair[0]) | (half(pair[1]) << 4))
    for (const character of pair) if (half(character) === 15) bytes.push(character.charCodeAt(0))
  }
  return bytes
}

/** A whole file. */
export function binaryGcode(blocks: readonly BlockToWrite[], { checksums = true } = {}): Buffer {
  const header = Buffer.alloc(10)
  header.write('GCDE')
  header.writeUInt32LE(1, 4)
  header.writeUInt16LE(checksums ? 1 : 0, 8)
  return Buffer.concat([header, ...blocks.map(block => blockBytes(block, checksums))])
}

function blockBytes(block: BlockToWrite, checksums: boolean): Buffer {
  const { type, parameters, data, compression = 0, claimed = data.length, pack = same => same } = block
  const stored = pack(data)
  const header = Buffer.alloc(compression === 0 ? 8 : 12)
  header.writeUInt16LE(type, 0)
  header.writeUInt16LE(compression, 2)
  header.writeUInt32LE(claimed, 4)
  if (compression !== 0) header.writeUInt32LE(stored.length, 8)
  const words = Buffer.alloc(2 * parameters.length)
  for (const [i, value] of parameters.entries()) words.writeUInt16LE(value, 2 * i)
  const body = Buffer.concat([header, words, stored])
  if (!checksums) return body
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32LE(crc32(body))
  return Buffer.concat([body, checksum])
}
