// What the templates of a button can use besides the global functions.
import type { ButtonEvent } from '../../api/buttons.ts'
import type { Core } from '../../component/component.ts'
import type { TemplateContext } from '../../component/section-template.ts'
import { requestContext, TemplateRequest } from '../../component/template-http.ts'
import { withTimeout } from '../../core/clock.ts'
import { ApiError } from '../../core/errors.ts'
import { toJsonText } from '../../core/json-text.ts'
import { INTERNAL_CALLER } from '../../rpc/caller.ts'
import { splitArguments } from '../../template/index.ts'

/** The time that a request with http_request may take, in seconds. */
const REQUEST_TIMEOUT = 10
/** A longer reply to http_request is an error. */
const REQUEST_BYTES = 1024 * 1024

/** What one run is about. */
interface Run {
  readonly core: Core
  /** The name of the button. */
  readonly name: string
  readonly event: ButtonEvent
  /** Kept between the runs. */
  readonly userData: Map<unknown, unknown>
  /** Seconds that a call of `call_method` may take. */
  readonly callTimeout: number
  /** Ends requests and delays. */
  readonly signal: AbortSignal
}

/** The context of one run. */
export function templateContext(run: Run): TemplateContext {
  const { core, name, event, userData, signal } = run
  let isNotified = false
  const request = new TemplateRequest({}, sent =>
    core.host.http.send({ ...sent, timeoutSeconds: REQUEST_TIMEOUT, maxBytes: REQUEST_BYTES, signal }),
  )
  return {
    event,
    user_data: userData,
    call_method: (...received: readonly unknown[]) => callMethod(run, received),
    /** Only the first call of a run notifies clients. */
    send_notification: (aux: unknown = null) => {
      if (!isNotified) core.connections.notify('notify_button_event', { name, type: 'gpio', event, aux })
      isNotified = true
      return null
    },
    ...requestContext(core, request, signal),
  }
}

/**
 * `call_method(name, **parameters)`: the result of a method of the API. Rejects with ApiError, also when the method takes
 * too long; it runs on then.
 */
async function callMethod(run: Run, received: readonly unknown[]): Promise<unknown> {
  const { registry, clock } = run.core
  const { positional, named } = splitArguments(received)
  const [method] = positional
  if (typeof method !== 'string') {
    throw new ApiError(400, 'call_method needs the name of a method as its first argument')
  }
  const tooLate = () =>
    new ApiError(504, `no result within ${run.callTimeout} s (option call_timeout of [button ${run.name}])`)
  try {
    const call = Promise.resolve(registry.call(method, named, INTERNAL_CALLER))
    return JSON.parse(toJsonText(await withTimeout(clock, run.callTimeout, call, tooLate)))
  } catch (error) {
    const { status, message } = registry.failure(error, method)
    throw new ApiError(status, `${method}: ${message}`, { cause: error })
  }
}
