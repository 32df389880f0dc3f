// Why a connection to the broker failed or ended, and whether trying again soon makes sense.
import { messageOf } from '../../core/errors.ts'

/** What the broker or the system reported. */
export interface ConnectionProblem {
  readonly text: string
  /** The broker refuses this client, or its certificate is not accepted: only another configuration helps. */
  readonly isRefused: boolean
}

/** Reasons of a broker that may pass by themselves: of MQTT 3.1.1 (unavailable), and of MQTT 5 (section 2.4). */
const PASSING: ReadonlySet<number> = new Set([0, 3, 128, 136, 137, 139, 141, 149, 151, 152, 159])

/** Reasons of MQTT 5 for which the person has to know more than the broker's words. */
const ADVICE: Readonly<Record<number, string>> = {
  142: 'another client connected with the same client_id; give each client its own',
}

/** Errors of the network have names of errno, such as ECONNREFUSED. */
const ERRNO = /^E[A-Z]+$|^EAI_/

/** Reads an error of the library; null is a connection that the broker closed without a reason. */
export function connectionProblem(error: unknown): ConnectionProblem {
  if (error === null) return { text: 'the broker closed the connection', isRefused: false }
  const { code } = error as { readonly code?: unknown }
  if (typeof code === 'number') {
    return { text: ADVICE[code] ?? messageOf(error), isRefused: !PASSING.has(code) }
  }
  // The errors of several addresses come as one without a text.
  const text = messageOf(error) || String(code)
  // All others are errors of TLS.
  return { text, isRefused: typeof code === 'string' && !ERRNO.test(code) }
}
