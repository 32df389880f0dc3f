// Calls a method of the API from inside the server.

import type { ResultOf } from '../api/endpoint.ts'
import type { Api } from '../api/index.ts'
import { JsonText } from '../core/json-text.ts'
import { type Caller, INTERNAL_CALLER } from './caller.ts'
import type { Registry } from './registry.ts'

/**
 * Calls a method of the API. Its checks apply, and the server sends its notifications as usual. Without `caller`, the
 * server itself is the caller. Rejects as the method does.
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
