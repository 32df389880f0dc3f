// Messages: JSON with the major version `v` of their schema. Readers ignore fields that they do not know.
import { Field, Invalid, isPlainObject, type Schema } from '../../schema/index.ts'
import { MAX_MESSAGE_BYTES, PRINTER_ID, VERSION } from './names.ts'
import { ULID } from './ulid.ts'

/** A message as read. */
export type Reading<T> =
  | { readonly kind: 'message'; readonly value: T }
  /** Of a newer major version: the sender needs a newer reader. */
  | { readonly kind: 'newer'; readonly v: number }
  /** Not a message of this schema; `problem` is for the log. */
  | { readonly kind: 'invalid'; readonly problem: string }

/** Reads a message. Never throws. */
export function readMessage<T>(schema: Schema<T>, payload: Uint8Array | string): Reading<T> {
  if (payload.length > MAX_MESSAGE_BYTES) return { kind: 'invalid', problem: `${payload.length} bytes` }
  try {
    const text =
      typeof payload === 'string' ? payload : new TextDecoder('utf-8', { fatal: true }).decode(payload)
    const message: unknown = JSON.parse(text)
    if (!isPlainObject(message)) return { kind: 'invalid', problem: 'not an object' }
    const { v } = message
    if (typeof v !== 'number' || !Number.isInteger(v) || v < 1) {
      return { kind: 'invalid', problem: 'v: a whole number of at least 1' }
    }
    if (v > VERSION) return { kind: 'newer', v }
    return { kind: 'message', value: schema.read(message, '') }
  } catch (error) {
    if (error instanceof Invalid) return { kind: 'invalid', problem: error.message.replace(/^\./, '') }
    return { kind: 'invalid', problem: 'not JSON' }
  }
}

/** The payload of a message. `v` is added. */
export function messageOf(value: object): string {
  return JSON.stringify({ v: VERSION, ...value })
}

/** Text that matches `pattern`. */
function matching(pattern: RegExp, problem: string): Field<string> {
  return new Field({ type: 'string', pattern: pattern.source }, (input, name) => {
    if (typeof input === 'string' && pattern.test(input)) return input
    throw new Invalid(name, problem, input)
  })
}

/** The id of a printer. */
export const printerId = () => matching(PRINTER_ID, '32 hexadecimal digits')
/** The id of a job, an event or a command. */
export const ulidField = () => matching(ULID, 'a ULID')
/** The SHA-256 of a file. */
export const sha256 = () => matching(/^[0-9a-f]{64}$/, '64 hexadecimal digits')
