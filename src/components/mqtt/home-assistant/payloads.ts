// Reads the payloads of commands.
import { ApiError } from '../../../core/errors.ts'
import { isPlainObject } from '../../../schema/index.ts'

/** A number of the range. Throws ApiError 400. */
export function numberIn(payload: string, min: number, max: number): number {
  const value = payload.trim() === '' ? Number.NaN : Number(payload)
  if (value >= min && value <= max) return value
  throw new ApiError(400, `'${payload.slice(0, 40)}' is not a number from ${min} to ${max}`)
}

/** One of the given words. Throws ApiError 400. */
export function oneOf<const W extends string>(payload: string, ...words: readonly W[]): W {
  const found = words.find(word => word === payload)
  if (found !== undefined) return found
  throw new ApiError(400, `'${payload.slice(0, 40)}' is not ${words.join(' or ')}`)
}

/** A JSON object. Throws ApiError 400. */
export function objectOf(payload: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(payload)
    if (isPlainObject(value)) return value
  } catch {
    // The same error as for other values that are no objects.
  }
  throw new ApiError(400, `'${payload.slice(0, 40)}' is not a JSON object`)
}
