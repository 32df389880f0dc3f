// Payloads: values as texts, and texts as values.
import { toJsonText } from '../../core/json-text.ts'

/** The payload for a value: a text as it is, nothing for null, other values as JSON. */
export function payloadOf(value: unknown): string {
  if (typeof value === 'string') return value
  return value === null || value === undefined ? '' : toJsonText(value)
}

/** The value of a payload that is JSON, else its text. */
export function parsedPayload(payload: Buffer): unknown {
  const text = payload.toString()
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** The text of a payload; undefined for one that is not UTF-8. */
export function textOf(payload: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(payload)
  } catch {
    return undefined
  }
}
