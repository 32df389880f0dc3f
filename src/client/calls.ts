// Calls that wait for their answers, found by the id that each was sent with.
import { CallError } from './errors.ts'

/** A call to send. */
export interface Call {
  readonly method: string
  readonly params?: object | undefined
  /** Gets the result before any notification that came behind it; the promise would only come after. */
  readonly replied?: (result: unknown) => void
}

interface WireError {
  readonly code?: number
  readonly message?: string
  readonly data?: unknown
}

interface Waiting {
  readonly call: Call
  readonly settled: () => void
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

/** A call under way: its JSON-RPC request and the promise of its result. */
export interface Sent {
  readonly id: number
  readonly method: string
  readonly request: object
  readonly result: Promise<unknown>
}

export class Calls {
  readonly #waiting = new Map<number, Waiting>()
  #nextId = 1

  /** Gives a call its id. `settled` is called once nothing waits for it any more. */
  add(call: Call, settled: () => void): Sent {
    const id = this.#nextId++
    const { method, params } = call
    const result = new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(id, { call, settled, resolve, reject })
    })
    return {
      id,
      method,
      request: { jsonrpc: '2.0', method, ...(params !== undefined && { params }), id },
      result,
    }
  }

  /** Takes the server's answer; one that nobody waits for any more is ignored. */
  settle(reply: Readonly<Record<string, unknown>>): void {
    const waiting = this.#take(reply.id as number)
    if (waiting === undefined) return
    const { call, resolve, reject } = waiting
    if ('error' in reply) {
      const { code = 500, message = 'Unknown error', data } = (reply.error ?? {}) as WireError
      reject(new CallError(call.method, code, message, data))
      return
    }
    call.replied?.(reply.result)
    resolve(reply.result)
  }

  /** Ends a call that still waits. */
  fail(id: number, error: unknown): void {
    this.#take(id)?.reject(error)
  }

  /** Ends all calls that wait. */
  failAll(errorOf: (method: string) => Error): void {
    for (const [id, { call }] of this.#waiting) this.fail(id, errorOf(call.method))
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    if (this.#waiting.delete(id)) waiting?.settled()
    return waiting
  }
}
