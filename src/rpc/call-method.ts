// Calls a method of the API from inside the server.

import type { ResultOf } from '../api/endpoint.ts'
import type { Api } from '../api/index.ts'
import { JsonText } from '../core/json-text.ts'
import { type Caller, INTERNAL_CALLER } from './caller.ts'
import type { Registry } from './registry.ts'

/**
 * Calls a method of the API: its own checks hold, and what it does is announced as its own. `caller` is the server
 * itself where it is left out. Rejects as the method does.
 */
export async function callMethod<M extends keyof Api>(
  { registry }: { readonly registry: Registry },
  method: M,
  params: object,
  caller: Caller = INTERNAL_CALLER,
): Promise<ResultOf<Api[M]>> {
  const result = await registry.call(method, params, { ...caller, transport: 'internal' })
  return (result instanceof JsonText ? result.toJSON() : result) as ResultOf<Api[M]>
}
