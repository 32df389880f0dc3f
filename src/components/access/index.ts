// Who gets in: the section [authorization].
import { hostname } from 'node:os'
import { ROLES } from '../../api/endpoint.ts'
import { type Core, component } from '../../component/component.ts'
import { optional } from '../../component/service.ts'
import { lines, type ReadSection, word } from '../../config/index.ts'
import type { Timer } from '../../core/clock.ts'
import type { Scope } from '../../core/scope.ts'
import { bool, int } from '../../schema/index.ts'
import { Access } from './access.ts'
import { Accounts } from './accounts.ts'
import { LoginLimit } from './login-limit.ts'
import { Logins } from './logins.ts'
import { keyUserName, NamedKeys } from './named-keys.ts'
import { OneshotTokens } from './oneshot-tokens.ts'
import { Passwords } from './passwords.ts'
import { loseConnections, serveAccess } from './serve.ts'
import { accessPolicy, userDirectory } from './service.ts'
import { type Directory, UserBook } from './users.ts'

/** Seconds between looks for connections whose API key has come to its end. */
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
  const accounts = new Accounts(storage.users)
  const logins = new Logins(accounts, clock, {
    issuer: `http://${hostname()}:${core.port}`,
    refreshSeconds: login_timeout * 86_400,
  })
  const oneshots = new OneshotTokens(clock)
  const keys = new NamedKeys(storage, clock)
  const access = new Access(options, { accounts, logins, oneshots, keys })
  const limit = new LoginLimit(clock, max_login_attempts)
  const passwords = new Passwords()
  const book = new UserBook({ accounts, logins, passwords, limit, directory, clock, log })
  access.warn(core.warnings)
  serveAccess(core, scope, { access, accounts, book, oneshots, keys, defaultSource })
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
    stop() {
      sweep?.stop()
      access.clients.stop()
      access.proxies.stop()
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
