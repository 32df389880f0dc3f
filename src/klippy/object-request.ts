// Which objects and fields someone wants, and how such wishes are compared, joined and cut out of a status.

import type { StatusChange } from '../api/printer.ts'
import { ApiError } from '../core/errors.ts'
import { isPlainObject } from '../schema/index.ts'

/** Field names by object; null stands for all fields. */
export type ObjectRequest = Readonly<Record<string, readonly string[] | null>>

/**
 * Reads the `objects` argument in Klippy's own way, with Klippy's words for what is wrong: requests of several
 * callers travel together, and one that is malformed must not fail the others.
 */
export function readObjectRequest(params: Readonly<Record<string, unknown>>): ObjectRequest {
  const { objects } = params
  if (objects === undefined) throw new ApiError(400, 'Missing Argument [objects]')
  if (!isPlainObject(objects)) throw new ApiError(400, 'Invalid Argument Type [objects]')
  for (const fields of Object.values(objects)) {
    const valid = fields === null || (Array.isArray(fields) && fields.every(name => typeof name === 'string'))
    if (!valid) throw new ApiError(400, 'Invalid argument')
  }
  return objects as ObjectRequest
}

/** Whether everything in `part` is in `whole`. */
export function covers(whole: ObjectRequest, part: ObjectRequest): boolean {
  for (const name in part) {
    if (!Object.hasOwn(whole, name)) return false
    const held = whole[name]
    const wanted = part[name]
    if (held === null || held === undefined) continue
    if (wanted === null || wanted === undefined || !wanted.every(field => held.includes(field))) return false
  }
  return true
}

export function sameRequest(a: ObjectRequest, b: ObjectRequest): boolean {
  return covers(a, b) && covers(b, a)
}

/** Everything that any of `requests` wants. */
export function union(requests: Iterable<ObjectRequest>): ObjectRequest {
  const joined: Record<string, readonly string[] | null> = Object.create(null)
  for (const request of requests) {
    for (const name in request) {
      const fields = request[name] ?? null
      const known = joined[name]
      joined[name] =
        known === null || fields === null
          ? null
          : [...new Set(known === undefined ? fields : [...known, ...fields])]
    }
  }
  return { ...joined }
}

/** The wanted part of a status. An object that is not there is empty, a field that is not there null, as in Klippy's replies. */
export function pick(status: StatusChange, request: ObjectRequest): StatusChange {
  const picked: Record<string, Record<string, unknown>> = {}
  for (const name in request) {
    const values = Object.hasOwn(status, name) ? status[name] : undefined
    const fields = request[name]
    if (values === undefined) picked[name] = {}
    else if (fields === null || fields === undefined) picked[name] = values
    else picked[name] = Object.fromEntries(fields.map(field => [field, values[field] ?? null]))
  }
  return picked
}

/** The wanted part of a change; undefined where none of it is wanted. */
export function pickChange(change: StatusChange, request: ObjectRequest): StatusChange | undefined {
  const picked: Record<string, Record<string, unknown>> = {}
  let any = false
  for (const name in change) {
    const fields = Object.hasOwn(request, name) ? request[name] : undefined
    const values = change[name] as Readonly<Record<string, unknown>>
    if (fields === undefined) continue
    const part = fields === null ? values : pickFields(values, fields)
    if (part === undefined) continue
    picked[name] = part
    any = true
  }
  return any ? picked : undefined
}

function pickFields(
  values: Readonly<Record<string, unknown>>,
  fields: readonly string[],
): Record<string, unknown> | undefined {
  const entries = fields.filter(field => Object.hasOwn(values, field)).map(field => [field, values[field]])
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}
