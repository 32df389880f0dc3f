// JSON-RPC 2.0 over every transport that carries texts: WebSocket, unix socket and POST /server/jsonrpc.
import type { ApiError } from '../core/errors.ts'
import { JsonLimitExceeded, parseExact } from '../core/exact-json.ts'
import { toJsonText } from '../core/json-text.ts'
import { nextIteration, WorkBudget } from '../core/work-budget.ts'
import { isPlainObject } from '../schema/index.ts'
import type { Caller } from './caller.ts'
import type { Connection } from './connection.ts'
import type { Registry } from './registry.ts'

/** A batch may hold this many calls; Mainsail sends up to 100. */
const MAX_BATCH = 1000
/** Characters of the replies to a batch; once they are exceeded, the rest of the batch is refused. */
const MAX_BATCH_REPLY = 32 * 1024 * 1024
/** Characters that each call in progress may need, until a reply is longer: so at most 16 calls are in progress. */
const EXPECTED_REPLY = MAX_BATCH_REPLY / 16
/** The longest text of an id that is an object or a list; a deeply nested one could not be echoed. */
const MAX_ID_LENGTH = 1000

/** The part of the registry that calls need; a transport may wrap it. */
export type Callable = Pick<Registry, 'call' | 'failure' | 'reads'>

/** A reply: at once, later, or none (notifications). */
type Answer<T> = T | undefined | Promise<T | undefined>

interface Failure {
  readonly code: number
  readonly message: string
  readonly data?: unknown
}

/** The JSON-RPC code of an HTTP status: the status itself, except for two whose JSON-RPC codes clients compare. */
export function rpcCode(status: number): number {
  if (status === 404) return -32601
  return status === 401 ? -32602 : status
}

function success(id: unknown, result: unknown): string {
  return `{"jsonrpc":"2.0","result":${toJsonText(result)},"id":${JSON.stringify(id)}}`
}

function failure(id: unknown, error: Failure): string {
  try {
    return JSON.stringify({ jsonrpc: '2.0', error, id: id ?? null })
  } catch {
    // The data of an agent's error may be nested too deeply to be encoded.
    const { code, message } = error
    return JSON.stringify({ jsonrpc: '2.0', error: { code, message }, id: id ?? null })
  }
}

function toFailure(error: ApiError): Failure {
  const { status, message, data } = error
  return { code: rpcCode(status), message, ...(data !== undefined && { data }) }
}

/**
 * Processes one text of a client. Returns the text of the reply; nothing for notifications that succeeded and for
 * replies to requests of the server. Never throws.
 */
export function answer(registry: Callable, text: string, caller: Caller): Answer<string> {
  let message: unknown
  try {
    message = parseExact(text)
  } catch (error) {
    if (error instanceof JsonLimitExceeded) return failure(null, { code: -32600, message: error.message })
    return failure(null, { code: -32700, message: 'Parse error' })
  }
  return Array.isArray(message)
    ? answerBatch(registry, message, caller, text.length)
    : answerOne(registry, message, caller, text.length)
}

/** Processes a client's text, and sends the reply on its connection. Returns a promise if the reply comes later. */
export function receive(registry: Callable, connection: Connection, text: string): void | Promise<void> {
  const reply = answer(registry, text, connection)
  if (reply instanceof Promise) return reply.then(late => send(connection, late))
  send(connection, reply)
}

function send(connection: Connection, reply: string | undefined): void {
  if (reply !== undefined) connection.send(reply)
}

function answerBatch(
  registry: Callable,
  batch: readonly unknown[],
  caller: Caller,
  length: number,
): Answer<string> {
  if (batch.length === 0) return failure(null, { code: -32600, message: 'Invalid Request' })
  if (batch.length > MAX_BATCH) {
    return failure(null, { code: -32600, message: `Batch too large: at most ${MAX_BATCH} requests` })
  }
  return answerItems(batch, {
    answerItem: item => answerOne(registry, item, caller, length),
    onlyReads: item => !isPlainObject(item) || typeof item.method !== 'string' || registry.reads(item.method),
  })
}

/** How the messages of a batch are processed. */
interface Processing {
  readonly answerItem: (item: unknown) => Answer<string>
  readonly onlyReads: (item: unknown) => boolean
}

/**
 * The joined replies to a batch, in its order. A call that may change something starts after the end of those before it,
 * and those after it start after its end; calls that only read run at the same time. Each iteration of the event loop starts a
 * bounded number of calls, and a bounded number of them is in progress. A call that is refused, since the replies are too
 * long, is not executed.
 */
async function answerItems(
  batch: readonly unknown[],
  { answerItem, onlyReads }: Processing,
): Promise<string | undefined> {
  const replies: (string | undefined)[] = []
  const inProgress = new Set<Promise<void>>()
  let size = 0
  let longest = EXPECTED_REPLY
  const isFull = () => size > MAX_BATCH_REPLY
  const add = (index: number, reply: string | undefined) => {
    const text = isFull() ? refuseInBatch(batch[index]) : reply
    replies[index] = text
    size += text?.length ?? 0
    longest = Math.max(longest, text?.length ?? 0)
  }
  const mustWait = () => inProgress.size > 0 && size + inProgress.size * longest >= MAX_BATCH_REPLY
  const budget = new WorkBudget()
  budget.renew()
  for (const [index, item] of batch.entries()) {
    if (budget.isSpent) {
      await nextIteration()
      budget.renew()
    }
    while (mustWait()) await Promise.race(inProgress)
    const isAlone = !onlyReads(item)
    if (isAlone) await Promise.all(inProgress)
    const reply = isFull() ? undefined : answerItem(item)
    budget.add(reply)
    if (reply instanceof Promise) {
      const added = reply.then(late => {
        inProgress.delete(added)
        add(index, late)
      })
      inProgress.add(added)
    } else add(index, reply)
    if (isAlone) await Promise.all(inProgress)
  }
  await Promise.all(inProgress)
  const due = replies.filter(reply => reply !== undefined)
  return due.length === 0 ? undefined : `[${due.join(',')}]`
}

/** The reply to a call whose result does not fit in the replies to its batch. */
function refuseInBatch(item: unknown): string {
  const id = isPlainObject(item) && isEchoable(item.id) ? item.id : null
  return failure(id, {
    code: 413,
    message: 'The replies to the batch are too long; send fewer requests at once',
  })
}

/** `length` is that of the text which contains the message. */
function answerOne(registry: Callable, message: unknown, caller: Caller, length: number): Answer<string> {
  if (!isPlainObject(message)) return failure(null, { code: -32600, message: 'Invalid Request' })
  const { jsonrpc, id, method, params } = message
  if (!isEchoable(id)) return failure(null, { code: -32600, message: 'Invalid Request' })
  if (isReply(message)) {
    caller.connection?.settle(id, message, length)
    return undefined
  }
  if (jsonrpc !== '2.0' || typeof method !== 'string') {
    return failure(id, { code: -32600, message: 'Invalid Request' })
  }
  if (params !== undefined && !isPlainObject(params)) {
    return failure(id, { code: -32602, message: 'Invalid params:' })
  }
  try {
    const result = registry.call(method, params, caller)
    return result instanceof Promise ? answerLate(registry, result, id, method) : replyText(id, result)
  } catch (error) {
    return failureText(registry, error, id, method)
  }
}

async function answerLate(
  registry: Callable,
  result: Promise<unknown>,
  id: unknown,
  method: string,
): Promise<string | undefined> {
  try {
    return replyText(id, await result)
  } catch (error) {
    return failureText(registry, error, id, method)
  }
}

/** The reply to a request; a notification, which has no id, gets none. */
function replyText(id: unknown, result: unknown): string | undefined {
  return id === undefined || id === null ? undefined : success(id, result)
}

function failureText(registry: Callable, error: unknown, id: unknown, method: string): string {
  return failure(id, toFailure(registry.failure(error, method)))
}

function isEchoable(id: unknown): boolean {
  if (typeof id !== 'object' || id === null) return true
  try {
    return JSON.stringify(id).length <= MAX_ID_LENGTH
  } catch {
    return false
  }
}

/** A message without a method is an agent's reply to a request of the server, even a late or unrequested one. */
function isReply(message: Record<string, unknown>): boolean {
  return message.jsonrpc === '2.0' && !('method' in message) && 'id' in message
}
