// Calls that wait for their replies, by their ids.
import { CallError } from './errors.ts'

/** A call to send. */
export interface Call {
  readonly method: string
  readonly params?: object | undefined
  /** Receives the result before any later notification; the promise would resolve after them. */
  readonly replied?: (result: unknown) => void
}

interface WireError {
  readonly code?: number
  readonly message?: string
  readonly data?: unknown
}

interface PendingCall {
  readonly call: Call
  readonly settled: () => void
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

/** A sent call: its JSON-RPC request and the promise of its result. */
export interface Sent {
  readonly id: number
  readonly method: string
  readonly request: object
  readonly result: Promise<unknown>
}

export class Calls {
  readonly #pending = new Map<number, PendingCall>()
  #nextId = 1

  /** Assigns an id to a call. Calls `settled` when the call has ended. */
  add(call: Call, settled: () => void): Sent {
    const id = this.#nextId++
    const { method, params } = call
    const result = new Promise<unknown>((resolve, reject) => {
      this.#pending.set(id, { call, settled, resolve, reject })
    })
    return {
      id,
      method,
      request: { jsonrpc: '2.0', method, ...(params !== undefined && { params }), id },
      result,
    }
  }

  /** Handles a reply of the server; one without a pending call is ignored. */
  settle(reply: Readonly<Record<string, unknown>>): void {
    const pending = this.#take(reply.id as number)
    if (pending === undefined) return
    const { call, resolve, reject } = pending
    if ('error' in reply) {
      const { code = 500, message = 'Unknown error', data } = (reply.error ?? {}) as WireError
      reject(new CallError(call.method, code, message, data))
      return
    }
    call.replied?.(reply.result)
    resolve(reply.result)
  }

  /** Rejects a pending call. */
  fail(id: number, error: unknown): void {
    this.#take(id)?.reject(error)
  }

  /** Rejects all pending calls. */
  failAll(errorOf: (method: string) => Error): void {
    for (const [id, { call }] of this.#pending) this.fail(id, errorOf(call.method))
  }

  #take(id: number): PendingCall | undefined {
    const pending = this.#pending.get(id)
    if (this.#pending.delete(id)) pending?.settled()
    return pending
  }
}
