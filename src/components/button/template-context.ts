// What the templates of a button can use besides the global functions.
import type { ButtonEvent } from '../../api/buttons.ts'
import type { Core } from '../../component/component.ts'
import type { TemplateContext } from '../../component/section-template.ts'
import { requestContext, TemplateRequest } from '../../component/template-http.ts'
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
  /** Ends requests and delays. */
  readonly signal: AbortSignal
}

/** The context of one run. */
export function templateContext({ core, name, event, userData, signal }: Run): TemplateContext {
  let isNotified = false
  const request = new TemplateRequest({}, sent =>
    core.host.http.send({ ...sent, timeoutSeconds: REQUEST_TIMEOUT, maxBytes: REQUEST_BYTES, signal }),
  )
  return {
    event,
    user_data: userData,
    call_method: (...received: readonly unknown[]) => callMethod(core, received),
    /** Only the first call of a run notifies clients. */
    send_notification: (aux: unknown = null) => {
      if (!isNotified) core.connections.notify('notify_button_event', { name, type: 'gpio', event, aux })
      isNotified = true
      return null
    },
    ...requestContext(core, request, signal),
  }
}

/** `call_method(name, **parameters)`: the result of a method of the API. Rejects with ApiError. */
async function callMethod({ registry }: Core, received: readonly unknown[]): Promise<unknown> {
  const { positional, named } = splitArguments(received)
  const [name] = positional
  if (typeof name !== 'string') {
    throw new ApiError(400, 'call_method needs the name of a method as its first argument')
  }
  try {
    return JSON.parse(toJsonText(await registry.call(name, named, INTERNAL_CALLER)))
  } catch (error) {
    const { status, message } = registry.failure(error, name)
    throw new ApiError(status, `${name}: ${message}`, { cause: error })
  }
}
