// Measures requests, for metrics.
import type { Transport } from '../api/endpoint.ts'
import { ApiError } from '../core/errors.ts'

/** Measures requests, for metrics. */
export interface RequestMeter {
  /** A request over `transport` has ended; `code` is the status of its reply as over HTTP. */
  add(transport: Transport, code: number, seconds: number): void
}

/** Runs a request, and gives the meter its time and its status. Returns and throws what the request does. */
export function measured(meter: RequestMeter, transport: Transport, run: () => unknown): unknown {
  const start = performance.now()
  const end = (code: number) => meter.add(transport, code, (performance.now() - start) / 1000)
  const failed = (error: unknown): never => {
    end(error instanceof ApiError ? error.status : 500)
    throw error
  }
  const answered = (result: unknown) => {
    end(200)
    return result
  }
  try {
    const result = run()
    return result instanceof Promise ? result.then(answered, failed) : answered(result)
  } catch (error) {
    return failed(error)
  }
}
