// Archives for tests, with names and modes that usual programs do not write.
import { crc32, deflateRawSync } from 'node:zlib'

/** An entry; a name with a slash at its end is a folder. */
export interface ZipEntry {
  readonly name: string
  readonly content?: string | Buffer
  /** Type and permissions, as 0o100644; 0 for none. */
  readonly mode?: number
  /** Without compression. */
  readonly stored?: boolean
}

/** More entries are written in the format Zip64. */
const MAX_COUNT = 0xffff

/** The bytes of an archive. */
export function zipOf(entries: readonly ZipEntry[]): Buffer {
  const locals: Buffer[] = []
  const central: Buffer[] = []
  let offset = 0
  for (const entry of entries) {
    const name = Buffer.from(entry.name)
    const content = Buffer.from(entry.content ?? '')
    const data = entry.stored ? content : deflateRawSync(content)
    const isFolder = entry.name.endsWith('/')
    const mode = entry.mode ?? (isFolder ? 0o040755 : 0o100644)
    const facts = Buffer.alloc(26)
    facts.writeUInt16LE(20, 0)
    facts.writeUInt16LE(0x0800, 2)
    facts.writeUInt16LE(entry.stored ? 0 : 8, 4)
    facts.writeUInt32LE(crc32(content), 10)
    facts.writeUInt32LE(data.length, 14)
    facts.writeUInt32LE(content.length, 18)
    facts.writeUInt16LE(name.length, 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), facts, name, data])
    const attributes = Buffer.alloc(14)
    attributes.writeUInt32LE((mode << 16) >>> 0, 6)
    attributes.writeUInt32LE(offset, 10)
    // Version 3.20, made on Unix.
    central.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x03'), facts, attributes, name]))
    locals.push(local)
    offset += local.length
  }
  const directory = Buffer.concat(central)
  const count = Math.min(entries.length, MAX_COUNT)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(count, 8)
  end.writeUInt16LE(count, 10)
  end.writeUInt32LE(directory.length, 12)
  end.writeUInt32LE(offset, 16)
  const large = entries.length > count ? [zip64End(entries.length, directory.length, offset)] : []
  return Buffer.concat([...locals, directory, ...large, end])
}

/** The records of Zip64 before the end of an archive. */
function zip64End(count: number, size: number, offset: number): Buffer {
  const end = Buffer.alloc(56)
  end.write('PK\x06\x06', 'latin1')
  end.writeBigUInt64LE(44n, 4)
  for (const at of [24, 32]) end.writeBigUInt64LE(BigInt(count), at)
  end.writeBigUInt64LE(BigInt(size), 40)
  end.writeBigUInt64LE(BigInt(offset), 48)
  const locator = Buffer.alloc(20)
  locator.write('PK\x06\x07', 'latin1')
  locator.writeBigUInt64LE(BigInt(offset + size), 8)
  locator.writeUInt32LE(1, 16)
  return Buffer.concat([end, locator])
}
