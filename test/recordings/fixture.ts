// What was recorded from the original server, as fixtures keep it: requests, and what their replies look like.
import { readFileSync } from 'node:fs'
import { differences, type Shape } from './shape.ts'

/** A JSON-RPC reply, or one of Klippy's own; `error` of JSON-RPC is compared by its values. */
export interface Reply {
  readonly id?: unknown
  readonly error?:
    | { readonly code: number; readonly message: string }
    | { readonly error: string; readonly message: string }
  readonly result?: Shape
}

/** A text or binary frame, or bytes of a unix socket. */
export type Sent = string | { readonly base64: string }

/** Something sent on a lasting connection, and the replies to it: none, one, or a batch of them. */
export interface Exchange {
  readonly name: string
  readonly send: Sent
  readonly replies: readonly (Reply | readonly Reply[])[]
}

/** An HTTP request and its reply. In `path`, {connection_id} is that of a WebSocket; {etag} that of the same path. */
export interface HttpExchange {
  readonly name: string
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly status: number
  readonly reason: string
  /** Headers that clients read, by lower-case name. */
  readonly replyHeaders: Readonly<Record<string, string>>
  /** `etag` where the reply carried one. */
  readonly etag: boolean
  /** Null for an empty body. */
  readonly reply: Reply | readonly Reply[] | null
}

/** Reads test/fixtures/recordings/`name`.json. */
export function loadRecording<E extends Exchange | HttpExchange>(name: string): E[] {
  return JSON.parse(readFileSync(new URL(`../fixtures/recordings/${name}.json`, import.meta.url), 'utf8'))
}

/** What `actual` lacks of the recorded reply, one line each. */
export function compareReply(expected: Exchange['replies'][number], actual: unknown): string[] {
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual))
      return [`expected a batch of ${expected.length}, got ${JSON.stringify(actual)}`]
    if (actual.length !== expected.length)
      return [`expected ${expected.length} replies, got ${actual.length}`]
    return expected.flatMap((reply, index) => compareReply(reply, actual[index]))
  }
  const { id, error, result } = expected as Reply
  const given = (actual ?? {}) as Record<string, unknown>
  return [
    ...same('id', id, given.id),
    ...same('error', error, given.error),
    ...(result === undefined ? [] : differences(result, given.result)),
  ]
}

/** One line where two values are not the same JSON. */
export function same(what: string, expected: unknown, actual: unknown): string[] {
  const [a, b] = [JSON.stringify(expected), JSON.stringify(actual)]
  return a === b ? [] : [`${what}: expected ${a}, got ${b}`]
}
