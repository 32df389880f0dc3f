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
  login_timeout: int({ min: 1 }).describe('Days for which a login holds').default(90),
  force_logins: bool().describe('Trusted addresses must log in too, once a user exists').default(false),
  default_source: word('moonraker', 'ldap').default('moonraker'),
  enable_api_key: bool().default(true),
  max_login_attempts: int({ above: 0 })
    .describe('Failed logins by address and by user name until further ones are refused for 15 minutes')
    .default(10),
  cors_domains: lines().describe('Origins whose pages may use the API; * stands for anything').default([]),
  trusted_clients: lines().describe('Addresses, ranges and host names let in without a login').default([]),
  trusted_role: word(...ROLES)
    .describe('What those may do: viewer, operator or admin')
    .default('admin'),
  trusted_proxies: lines().describe("Proxies whose word on a client's address counts").default([]),
  trusted_hosts: lines().describe('Further names under which browsers reach this server').default([]),
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
