// The encoding of one value of the namespace store: a letter for the kind, then the value, as in Moonraker's files. Objects
// and arrays are plain JSON text.
import { ApiError } from '../core/errors.ts'
import { exactInteger, isExactNumber, parseForEditing, parseStored } from '../core/exact-json.ts'

const INTEGER = 0x71 // q: 64 bits, little endian
const FLOAT = 0x64 // d: IEEE double, little endian
const BOOLEAN = 0x3f // ?
const TEXT = 0x73 // s: UTF-8
const ARRAY = 0x5b // [
const OBJECT = 0x7b // {
const NOTHING = 0

/** Python, which must be able to read the file, supports about a thousand levels. */
const MAX_DEPTH = 500
/** The largest value in bytes; far more than a request may contain. */
const MAX_BYTES = 64 * 1024 * 1024

/**
 * The bytes of `value`: any JSON value but null, numbers also as bigint or `ExactNumber`.
 * Throws ApiError 400 for values that cannot be encoded: integers beyond 64 bits, half surrogate pairs as text, more than
 * 500 levels, more than 64 MiB.
 */
export function encodeRecord(value: unknown): Uint8Array {
  switch (typeof value) {
    case 'boolean':
      return Uint8Array.of(BOOLEAN, value ? 1 : 0)
    case 'bigint':
      return encodeInteger(value)
    case 'number':
      return encodeNumber(value)
    case 'string':
      return encodeText(value)
    case 'object':
      if (value !== null) return isExactNumber(value) ? encodeExact(value.rawJSON) : encodeJson(value)
  }
  throw new ApiError(400, `A value of type ${value === null ? 'null' : typeof value} cannot be stored`)
}

/** A number is an integer if JavaScript writes it in JSON without a point and exponent. */
function encodeNumber(value: number): Uint8Array {
  if (!Number.isFinite(value)) throw new ApiError(400, `The number ${value} cannot be stored`)
  return encodeExact(Object.is(value, -0) ? '-0.0' : String(value))
}

function encodeExact(text: string): Uint8Array {
  if (/^-?\d+$/.test(text)) return encodeInteger(BigInt(text))
  const bytes = Buffer.alloc(9)
  bytes[0] = FLOAT
  bytes.writeDoubleLE(Number(text), 1)
  return bytes
}

function encodeInteger(value: bigint): Uint8Array {
  if (BigInt.asIntN(64, value) !== value) {
    throw new ApiError(400, `The integer ${value} does not fit in 64 bits: store it as a string`)
  }
  const bytes = Buffer.alloc(9)
  bytes[0] = INTEGER
  bytes.writeBigInt64LE(value, 1)
  return bytes
}

function encodeText(value: string): Uint8Array {
  if (!value.isWellFormed())
    throw new ApiError(400, 'The text contains half a surrogate pair and cannot be stored')
  return bounded(Buffer.from(`s${value}`))
}

function encodeJson(value: object): Uint8Array {
  if (nestsDeeper(value, MAX_DEPTH)) {
    throw new ApiError(400, `The value is nested deeper than ${MAX_DEPTH} levels and cannot be stored`)
  }
  return bounded(Buffer.from(JSON.stringify(value)))
}

function bounded(bytes: Uint8Array): Uint8Array {
  if (bytes.length > MAX_BYTES) throw new ApiError(400, `The value is larger than ${MAX_BYTES} bytes`)
  return bytes
}

function nestsDeeper(value: object, levels: number): boolean {
  if (levels === 0) return true
  for (const item of Object.values(value)) {
    if (typeof item === 'object' && item !== null && nestsDeeper(item, levels - 1)) return true
  }
  return false
}

/**
 * The value of the bytes. Integers beyond 2^53 become `ExactNumber`s; NaN and the infinities, which Moonraker stores and
 * JSON lacks, become null. With `editing` all numbers inside objects keep their form. Throws Error for bytes that are not
 * a record.
 */
export function decodeRecord(bytes: Uint8Array, editing = false): unknown {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  switch (buffer[0]) {
    case ARRAY:
    case OBJECT:
      return (editing ? parseForEditing : parseStored)(buffer.toString())
    case TEXT:
      return buffer.toString('utf8', 1)
    case INTEGER:
      return exactInteger(String(buffer.readBigInt64LE(1)))
    case FLOAT: {
      const number = buffer.readDoubleLE(1)
      return Number.isFinite(number) ? number : null
    }
    case BOOLEAN:
      return buffer.readUInt8(1) !== 0
    case NOTHING:
      return null
  }
  throw new Error(`no record starts with the byte ${buffer[0]}`)
}
