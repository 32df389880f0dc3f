// Answers at the top of the shared listener while the main printer does not run: its users are not known then, so every
// caller sees the printers whose own users include it, and can change nothing.

import type { Host } from '../component/host.ts'
import { ApiError } from '../core/errors.ts'
import { Warnings } from '../core/warnings.ts'
import type { AccessPolicy, Credentials } from '../rpc/access-policy.ts'
import type { Registry } from '../rpc/registry.ts'
import type { User } from '../rpc/user.ts'
import { Backlog } from '../transports/backlog.ts'
import type { Admission } from '../transports/http/admission.ts'
import { HttpApi } from '../transports/http/api.ts'
import { Authenticator } from '../transports/http/authenticator.ts'
import type { HttpHandler } from '../transports/http/listener.ts'
import type { Slot } from './slot.ts'

type Users = Iterable<Pick<Slot, 'name' | 'policy'>>

/** The access rules of all printers that run. */
export class UsersOfAll implements AccessPolicy {
  readonly #slots: () => Users
  readonly #printers = new WeakMap<User, ReadonlySet<string>>()

  constructor(slots: () => Users) {
    this.#slots = slots
  }

  /** The printers that a user of this policy may see; undefined for any other user. */
  printersOf(user: User | null): ReadonlySet<string> | undefined {
    return user === null ? undefined : this.#printers.get(user)
  }

  authenticate(credentials: Credentials): User | null {
    const found = [...this.#policies()].flatMap(({ name, policy }) => {
      const user = tryUser(policy, credentials)
      return user === null ? [] : [{ name, user }]
    })
    const [first] = found
    if (first === undefined) return null
    const user: User = { ...first.user, role: 'viewer' }
    this.#printers.set(user, new Set(found.map(({ name }) => name)))
    return user
  }

  *#policies(): Iterable<{ readonly name: string; readonly policy: AccessPolicy }> {
    for (const { name, policy } of this.#slots()) if (policy !== null) yield { name, policy }
  }

  trustsAddress(address: string): boolean {
    return this.#every(policy => policy.trustsAddress(address))
  }

  identify(): User {
    throw new ApiError(401, 'Unauthorized')
  }

  onLogout(): void {}

  allowsOrigin(origin: string): boolean {
    return this.#every(policy => policy.allowsOrigin(origin))
  }

  isKnownNetwork(address: string): boolean {
    return this.#every(policy => policy.isKnownNetwork(address))
  }

  isTrustedProxy(address: string): boolean {
    return this.#every(policy => policy.isTrustedProxy(address))
  }

  isNamedHost(host: string): boolean {
    return this.#every(policy => policy.isNamedHost(host))
  }

  /** What concerns no single printer counts only where all of them agree. */
  #every(test: (policy: AccessPolicy) => boolean): boolean {
    const all = [...this.#policies()]
    return all.length > 0 && all.every(({ policy }) => test(policy))
  }
}

/** The user at one printer; null also for credentials of another one. */
function tryUser(policy: AccessPolicy, credentials: Credentials): User | null {
  try {
    return policy.authenticate(credentials)
  } catch (error) {
    if (error instanceof ApiError) return null
    throw error
  }
}

/** The handler that serves `registry` to the users of `policy`. */
export function withoutMain(
  registry: Registry,
  policy: UsersOfAll,
  { host, admission }: { readonly host: Host; readonly admission: Admission },
): HttpHandler {
  const authenticator = new Authenticator(policy, new Warnings(text => host.log.warning(text)))
  const api = new HttpApi({
    registry,
    authenticator,
    admission,
    clock: host.clock,
    routePrefix: '',
    backlog: new Backlog(),
  })
  return {
    request: (req, res) => void api.handle(req, res),
    upgrade: () => {
      throw new ApiError(503, 'The main printer does not run; /workshop/printers shows why')
    },
    close: () => api.stop(),
    terminate: () => undefined,
  }
}
