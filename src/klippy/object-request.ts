// Which objects and fields of Klippy's status a caller wants: reading, comparing, joining and selecting.
import type { ObjectStatus, StatusChange } from '../api/printer.ts'
import { ApiError } from '../core/errors.ts'
import { commaItems, isPlainObject } from '../schema/index.ts'

/** Field names by object; null is all fields. */
export type ObjectRequest = Readonly<Record<string, readonly string[] | null>>

/** Characters of all names in one request, one more counted for each. Klipper stops everything else while it reads them. */
const MAX_NAMES = 256 * 1024
/** Above this many names a lookup in a set is faster than in the list. */
const SHORT_LIST = 16

type Arguments = Readonly<Record<string, unknown>>

/**
 * Reads the `objects` of a query. Throws ApiError 400 in Klippy's words: requests of several callers share one request
 * to Klippy, and an invalid one must not fail the others.
 */
export function readObjectRequest({ objects }: Arguments): ObjectRequest {
  if (objects === undefined) throw new ApiError(400, 'Missing Argument [objects]')
  if (!isPlainObject(objects)) throw new ApiError(400, 'Invalid Argument Type [objects]')
  let size = 0
  for (const name in objects) {
    const fields = objects[name]
    if (!isFieldList(fields)) throw new ApiError(400, 'Invalid argument')
    size += name.length + 1
    for (const field of fields ?? []) size += field.length + 1
    if (size > MAX_NAMES) {
      throw new ApiError(
        400,
        `The argument 'objects' is too large: its names have more than ${MAX_NAMES} characters`,
      )
    }
  }
  return objects as ObjectRequest
}

function isFieldList(value: unknown): value is readonly string[] | null {
  return value === null || (Array.isArray(value) && value.every(name => typeof name === 'string'))
}

/**
 * Reads the `objects` of a subscription. As with the original, the subscription ends without them, and fields may be
 * one text. Languages with one type for lists and objects, as Lua and PHP, write an empty object as an empty list.
 */
export function readSubscription({ objects = {} }: Arguments): ObjectRequest {
  if (Array.isArray(objects) && objects.length === 0) return {}
  if (!isPlainObject(objects)) return readObjectRequest({ objects })
  const listed = Object.entries(objects).map(([name, fields]) => [
    name,
    typeof fields === 'string' ? commaItems(fields) : fields,
  ])
  return readObjectRequest({ objects: Object.fromEntries(listed) })
}

/** Whether everything in `part` is in `whole`. */
export function covers(whole: ObjectRequest, part: ObjectRequest): boolean {
  for (const name in part) {
    if (!Object.hasOwn(whole, name)) return false
    const held = whole[name] ?? null
    const wanted = part[name] ?? null
    if (held === null || held === wanted) continue
    if (wanted === null || !containsAll(held, wanted)) return false
  }
  return true
}

function containsAll(held: readonly string[], wanted: readonly string[]): boolean {
  if (wanted.length <= SHORT_LIST) return wanted.every(name => held.includes(name))
  const names = new Set(held)
  return wanted.every(name => names.has(name))
}

export function sameRequest(a: ObjectRequest, b: ObjectRequest): boolean {
  return covers(a, b) && covers(b, a)
}

/** Everything that any of `requests` wants. */
export function union(requests: Iterable<ObjectRequest>): ObjectRequest {
  const joined = new Map<string, Set<string> | null>()
  for (const request of requests) {
    for (const name in request) {
      const fields = request[name] ?? null
      const known = joined.get(name)
      if (known === undefined) joined.set(name, fields === null ? null : new Set(fields))
      else if (fields === null) joined.set(name, null)
      else if (known !== null) for (const field of fields) known.add(field)
    }
  }
  return Object.fromEntries([...joined].map(([name, fields]) => [name, fields === null ? null : [...fields]]))
}

/** The requested part of a status. As in Klippy's replies, a missing object is empty and a missing field null. */
export function pick(status: StatusChange, request: ObjectRequest): StatusChange {
  const picked: Record<string, Record<string, unknown>> = {}
  for (const name in request) {
    const values = Object.hasOwn(status, name) ? status[name] : undefined
    const fields = request[name]
    if (values === undefined) picked[name] = {}
    else if (fields === null || fields === undefined) picked[name] = values
    else {
      const part: Record<string, unknown> = {}
      for (const field of fields) part[field] = values[field] ?? null
      picked[name] = part
    }
  }
  return picked
}

/** A request prepared for the selection of many changes. This code runs four times a second, and V8 never optimizes it. */
export class ChangePicker {
  /** Field names by object; null is all fields. */
  readonly #fields = new Map<string, ReadonlySet<string> | null>()

  constructor(request: ObjectRequest) {
    for (const name in request) {
      const fields = request[name] ?? null
      this.#fields.set(name, fields === null ? null : new Set(fields))
    }
  }

  /** The requested part of a change: undefined if it contains nothing of it, `change` itself if all of it is requested. */
  pick(change: StatusChange): StatusChange | undefined {
    const picked: Record<string, ObjectStatus> = {}
    let isEmpty = true
    let isWhole = true
    for (const name in change) {
      const values = change[name] as ObjectStatus
      const fields = this.#fields.get(name)
      const part = fields === undefined ? undefined : pickFields(values, fields)
      if (part !== values) isWhole = false
      if (part === undefined) continue
      picked[name] = part
      isEmpty = false
    }
    if (isEmpty) return undefined
    return isWhole ? change : picked
  }
}

function pickFields(values: ObjectStatus, fields: ReadonlySet<string> | null): ObjectStatus | undefined {
  if (fields === null) return values
  let missing = 0
  let kept = 0
  for (const field in values) {
    if (fields.has(field)) kept += 1
    else missing += 1
  }
  if (missing === 0) return kept === 0 ? undefined : values
  if (kept === 0) return undefined
  const picked: Record<string, unknown> = {}
  for (const field in values) if (fields.has(field)) picked[field] = values[field]
  return picked
}
