// Access to a hub: the users of the fleet, their logins and API keys, by the rules of a printer's server.
import { randomBytes } from 'node:crypto'
import { Access } from '../../../components/access/access.ts'
import { LoginLimit } from '../../../components/access/login-limit.ts'
import { KnownNetworks } from '../../../components/access/login-queue.ts'
import { keyUserName, NamedKeys } from '../../../components/access/named-keys.ts'
import { OneshotTokens } from '../../../components/access/oneshot-tokens.ts'
import { Passwords, SCRYPT } from '../../../components/access/passwords.ts'
import { type AccessCore, loseConnections, serveAccess } from '../../../components/access/serve.ts'
import { TokenService } from '../../../components/access/token-service.ts'
import { UserCache } from '../../../components/access/user-cache.ts'
import { UserService } from '../../../components/access/user-service.ts'
import type { Log } from '../../../core/log.ts'
import type { Scope } from '../../../core/scope.ts'
import type { StoredAccess } from './stored-access.ts'

/** Failed logins after which further ones are refused for 15 minutes. */
const MAX_FAILURES = 10
const REFRESH_SECONDS = 30 * 86_400
const FIRST_USER = 'admin'

/** What grants access depends on. */
export interface HubAccessParts {
  readonly core: AccessCore
  readonly scope: Scope
  readonly log: Log
  readonly stored: StoredAccess
  /** Addresses of proxies in front of the hub, which may name the address of the client. */
  readonly proxies: readonly string[]
}

/** The rules, and what creates the first user. */
export interface HubAccess {
  readonly policy: Access
  /** Creates the first user of the fleet; resolves with its name and password, or with null if there is a user. Rejects with ApiError. */
  createFirstUser(): Promise<{ readonly username: string; readonly password: string } | null>
}

/** Serves the logins. All users must log in, whatever their address. */
export function serveHubAccess({ core, scope, log, stored, proxies }: HubAccessParts): HubAccess {
  const { clock } = core
  const users = new UserCache(stored.users)
  // One issuer for all hubs: the token of one is accepted by the others.
  const tokens = new TokenService(users, clock, { issuer: 'fleet', refreshSeconds: REFRESH_SECONDS })
  const oneshots = new OneshotTokens(clock)
  const keys = new NamedKeys(stored.keys, clock)
  const options = {
    trusted_clients: [],
    trusted_proxies: proxies,
    trusted_hosts: [],
    trusted_role: 'viewer',
    cors_domains: [],
    force_logins: true,
    enable_api_key: true,
  } as const
  const known = new KnownNetworks()
  const access = new Access(options, { users, tokens, oneshots, keys, known })
  const userService = new UserService({
    users,
    tokens,
    passwords: new Passwords(known, SCRYPT),
    limit: new LoginLimit({ clock, log, failures: null, max: MAX_FAILURES }),
    known,
    directory: () => null,
    clock,
    log,
  })
  serveAccess(core, scope, { access, users, userService, oneshots, keys, defaultSource: 'moonraker' })
  stored.listen({
    userChanged(username, before, after) {
      users.refresh(username)
      const isSame = before?.jwk_id === after?.jwk_id && String(before?.groups) === String(after?.groups)
      if (!isSame && before !== undefined) loseConnections(core, access, username, null)
    },
    keyChanged(hash, before, after) {
      keys.refresh(hash, after)
      if (after === undefined && before !== undefined)
        loseConnections(core, access, keyUserName(before.name), null)
    },
  })
  return {
    policy: access,
    async createFirstUser() {
      if (users.any) return null
      const password = randomBytes(12).toString('base64url')
      const login = { username: FIRST_USER, password, source: 'moonraker' }
      await userService.create(login, 'admin', null)
      return { username: FIRST_USER, password }
    },
  }
}
