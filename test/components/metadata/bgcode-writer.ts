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

/** Heatshrink as literals only, but for a first byte that repeats: that is one literal and back references to it. */
export const shrunk = (block: BlockToWrite, windowBits: 11 | 12): BlockToWrite => ({
  ...block,
  compression: windowBits - 9,
  pack: data => heatshrink(data, windowBits),
})

function heatshrink(data: Buffer, windowBits: number): Buffer {
  let bits = ''
  const put = (value: number, count: number) => {
    bits += value.toString(2).padStart(count, '0')
  }
  for (let at = 0; at < data.length; ) {
    let run = 0
    while (at > 0 && run < 16 && data[at + run] === data[at - 1] && at + run < data.length) run++
    put(run > 1 ? 0 : 1, 1)
    if (run > 1) {
      put(0, windowBits)
      put(run - 1, 4)
      at += run
    } else put(data[at++]!, 8)
  }
  const bytes = bits.match(/.{1,8}/g) ?? []
  return Buffer.from(bytes.map(byte => Number.parseInt(byte.padEnd(8, '0'), 2)))
}

/** A whole file, with checksums. */
export function binaryGcode(blocks: readonly BlockToWrite[]): Buffer {
  const header = Buffer.alloc(10)
  header.write('GCDE')
  header.writeUInt32LE(1, 4)
  header.writeUInt16LE(1, 8)
  return Buffer.concat([header, ...blocks.map(blockBytes)])
}

function blockBytes({
  type,
  parameters,
  data,
  compression = 0,
  claimed = data.length,
  pack = same => same,
}: BlockToWrite): Buffer {
  const stored = pack(data)
  const header = Buffer.alloc(compression === 0 ? 8 : 12)
  header.writeUInt16LE(type, 0)
  header.writeUInt16LE(compression, 2)
  header.writeUInt32LE(claimed, 4)
  if (compression !== 0) header.writeUInt32LE(stored.length, 8)
  const words = Buffer.alloc(2 * parameters.length)
  for (const [i, value] of parameters.entries()) words.writeUInt16LE(value, 2 * i)
  const body = Buffer.concat([header, words, stored])
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32LE(crc32(body))
  return Buffer.concat([body, checksum])
}
