// Klippy's API endpoints by name, and their arguments with Klipper's error texts.

import { WebRequestError } from '../errors.ts'
import type { Connection } from './connection.ts'

/** A request of an API client. */
export interface ApiRequest {
  readonly connection: Connection
  readonly method: string
  readonly params: Readonly<Record<string, unknown>>
}

/** Returns the `result` of the reply, or throws its `error`. */
export type EndpointHandler = (request: ApiRequest) => unknown

/** The endpoints of one run of Klippy. */
export class Endpoints {
  readonly #handlers = new Map<string, EndpointHandler>()

  add(name: string, handler: EndpointHandler): void {
    this.#handlers.set(name, handler)
  }

  get names(): string[] {
    return [...this.#handlers.keys()]
  }

  handler(name: string): EndpointHandler {
    const handler = this.#handlers.get(name)
    if (handler === undefined)
      throw new WebRequestError(`webhooks: No registered callback for path '${name}'`)
    return handler
  }
}

/** A text argument. Throws WebRequestError. */
export function textOf(request: ApiRequest, name: string): string {
  const value = argument(request, name)
  if (typeof value !== 'string') throw new WebRequestError(`Invalid Argument Type [${name}]`)
  return value
}

/** An object argument, `fallback` when it is missing. Throws WebRequestError. */
export function recordOf(
  request: ApiRequest,
  name: string,
  fallback?: Record<string, unknown>,
): Record<string, unknown> {
  const value = name in request.params ? request.params[name] : fallback
  if (value === undefined) throw new WebRequestError(`Missing Argument [${name}]`)
  if (!isRecord(value)) throw new WebRequestError(`Invalid Argument Type [${name}]`)
  return value
}

/** Whether a JSON value is an object. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function argument(request: ApiRequest, name: string): unknown {
  const value = request.params[name]
  if (value === undefined) throw new WebRequestError(`Missing Argument [${name}]`)
  return value
}
