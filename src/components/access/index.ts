// Access to the server: the section [authorization].
import { hostname } from 'node:os'
import { ROLES } from '../../api/endpoint.ts'
import { type Core, component } from '../../component/component.ts'
import { optional } from '../../component/service.ts'
import { lines, type ReadSection, word } from '../../config/index.ts'
import type { Timer } from '../../core/clock.ts'
import type { Scope } from '../../core/scope.ts'
import { bool, int } from '../../schema/index.ts'
import { Access } from './access.ts'
import { keyTable } from './key-table.ts'
import { LoginFailures } from './login-failures.ts'
import { LoginLimit } from './login-limit.ts'
import { KnownNetworks } from './login-queue.ts'
import { keyUserName, NamedKeys } from './named-keys.ts'
import { OneshotTokens } from './oneshot-tokens.ts'
import { Passwords, PBKDF2 } from './passwords.ts'
import { loseConnections, serveAccess } from './serve.ts'
import { accessPolicy, userDirectory } from './service.ts'
import { TokenService } from './token-service.ts'
import { UserCache } from './user-cache.ts'
import { type Directory, UserService } from './user-service.ts'

/** Seconds between checks for connections with an expired API key. */
const SWEEP_SECONDS = 30

const shape = {
  login_timeout: int({ min: 1 })
    .describe('How long a login is valid (the refresh token; an access token is valid for an hour)')
    .unit('days')
    .default(90),
  force_logins: bool().describe('Trusted addresses must log in too, once a user exists').default(false),
  default_source: word('moonraker', 'ldap')
    .describe('Whose users log in if the login does not name a source')
    .default('moonraker'),
  enable_api_key: bool().describe('Whether API keys grant access, named ones too').default(true),
  max_login_attempts: int({ above: 0 })
    .describe('Failed logins per address and per user name; the server then refuses logins for 15 minutes')
    .default(10),
  cors_domains: lines()
    .describe('Origins of web pages that may use the API, such as *://my.mainsail.xyz; * matches any text')
    .default([]),
  trusted_clients: lines().describe('Addresses, ranges and host names that need no login').default([]),
  trusted_role: word(...ROLES)
    .describe('The role of trusted clients')
    .default('admin'),
  trusted_proxies: lines().describe("Proxies whose headers may name the client's address").default([]),
  trusted_hosts: lines().describe('Further host names under which browsers reach this server').default([]),
}

function create(
  core: Core,
  options: ReadSection<typeof shape>['options'],
  scope: Scope,
  directory: () => Directory | null,
) {
  const { clock, log, storage } = core
  const { default_source: defaultSource, login_timeout, max_login_attempts } = options
  const users = new UserCache(storage.users)
  const tokens = new TokenService(users, clock, {
    issuer: `http://${hostname()}:${core.port}`,
    refreshSeconds: login_timeout * 86_400,
  })
  const oneshots = new OneshotTokens(clock)
  const keys = new NamedKeys(keyTable(storage), clock)
  const known = new KnownNetworks()
  const access = new Access(options, { users, tokens, oneshots, keys, known })
  const failures = new LoginFailures(storage)
  const limit = new LoginLimit({ clock, log, failures, max: max_login_attempts })
  const passwords = new Passwords(known, PBKDF2)
  const userService = new UserService({ users, tokens, passwords, limit, known, directory, clock, log })
  access.warn(core.warnings)
  serveAccess(core, scope, { access, users, userService, oneshots, keys, defaultSource })
  let sweep: Timer | null = null
  return {
    policy: access,
    async start() {
      if (defaultSource === 'ldap' && directory() === null) {
        core.warnings.add("[authorization] default_source is 'ldap', but there is no section [ldap]")
      }
      sweep = clock.every(SWEEP_SECONDS, () => {
        for (const name of keys.expired()) loseConnections(core, access, keyUserName(name), null)
      })
      await Promise.all([access.clients.start(clock), access.proxies.start(clock)])
    },
    async stop() {
      sweep?.stop()
      access.clients.stop()
      access.proxies.stop()
      await limit.stop()
    },
  }
}

export default component({
  section: 'authorization',
  presence: 'always',
  essential: true,
  options: shape,
  needs: { directory: optional(userDirectory) },
  provides: { policy: accessPolicy },
  create: ({ core, section, scope, needs }) => create(core, section.options, scope, needs.directory),
})
