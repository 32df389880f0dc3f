// The methods of the chapter "Authorization", and the notifications about users.
import { randomBytes } from 'node:crypto'
import { authorization as chapter } from '../../api/authorization.ts'
import type { Core } from '../../component/component.ts'
import { ApiError } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import type { Caller } from '../../rpc/caller.ts'
import type { Connection } from '../../rpc/connection.ts'
import { notificationText } from '../../rpc/connections.ts'
import { Message } from '../../rpc/message.ts'
import { TRUSTED_USER, type User } from '../../rpc/user.ts'
import { API_KEY_USER } from '../../storage/index.ts'
import type { Access } from './access.ts'
import { keyUserName, type NamedKeys } from './named-keys.ts'
import type { OneshotTokens } from './oneshot-tokens.ts'
import { callerUser, roleOf, type StoredUser, type UserCache } from './user-cache.ts'
import type { LoggedIn, UserService } from './user-service.ts'

/** What the methods need. */
export interface ServeParts {
  readonly access: Access
  readonly users: UserCache
  readonly userService: UserService
  readonly oneshots: OneshotTokens
  readonly keys: NamedKeys
  /** `moonraker` or `ldap`. */
  readonly defaultSource: 'moonraker' | 'ldap'
}

type Source = 'moonraker' | 'ldap'
type Ending = 'notify_user_logged_out' | 'notify_user_deleted'

/** What the methods use of the server. */
export type AccessCore = Pick<Core, 'registry' | 'connections' | 'clock'>

/** Serves the chapter. */
export function serveAccess(core: AccessCore, scope: Scope, parts: ServeParts): void {
  scope.use(
    core.registry.serve(chapter, {
      ...loginHandlers(core, parts),
      ...userHandlers(core, parts),
      ...keyHandlers(core, parts),
    }),
  )
}

function loginHandlers(core: AccessCore, parts: ServeParts) {
  const { access, userService, oneshots, defaultSource } = parts
  return {
    'access.login': async (
      { username, password, source }: { username: string; password: string; source?: string | undefined },
      { address, connection }: Caller,
    ) => {
      const login = { username, password, source: (source ?? defaultSource).toLowerCase() }
      const done = await userService.logIn(login, address)
      if (connection !== null) connection.user = callerUser(done.user)
      return loginReply(done, 'user_logged_in')
    },
    'access.logout': async (_params: unknown, caller: Caller) => {
      const { username } = userOf(caller)
      await userService.logOut(username)
      endLogins(core, access, username, 'notify_user_logged_out')
      return { username, action: 'user_logged_out' as const }
    },
    'access.refresh_jwt': ({ refresh_token }: { refresh_token: string }) => {
      const { user, token } = userService.refresh(refresh_token)
      const { username } = user
      return { username, token, source: sourceOf(user), action: 'user_jwt_refresh' as const }
    },
    'access.oneshot_token': (_params: unknown, caller: Caller) => {
      if (caller.address === null) {
        throw new ApiError(400, 'A oneshot token is bound to an address, and a unix socket has none')
      }
      return oneshots.issue(caller.address, userOf(caller))
    },
    'access.info': (_params: unknown, { address, user }: Caller) => ({
      default_source: defaultSource,
      available_sources: (userService.directory === null ? ['moonraker'] : ['moonraker', 'ldap']) as Source[],
      login_required: access.loginRequired,
      trusted: access.isTrusted(address, user),
    }),
  }
}

function userHandlers(core: AccessCore, { access, users, userService, defaultSource }: ServeParts) {
  const started = core.clock.now()
  return {
    'access.get_user': (_params: unknown, caller: Caller) => {
      const { username, source, created_on, role } = userOf(caller)
      return { username, source: source as Source, created_on: created_on ?? started, role }
    },
    'access.users.list': () => ({ users: users.list().map(userInfo) }),
    'access.post_user': async ({ role, source, ...rest }: NewUser, { address }: Caller) => {
      const login = { ...rest, source: (source ?? defaultSource).toLowerCase() }
      const done = await userService.create(login, role, address)
      const { username } = rest
      setImmediate(() => core.connections.notify('notify_user_created', { username }))
      return loginReply(done, 'user_created')
    },
    'access.delete_user': async ({ username }: { username: string }, caller: Caller) => {
      await userService.remove(username, userOf(caller).username)
      endLogins(core, access, username, 'notify_user_deleted')
      return { username, action: 'user_deleted' as const }
    },
    'access.user.password': async (
      { password, new_password }: { password: string; new_password: string },
      caller: Caller,
    ) => {
      const { username } = userOf(caller)
      const { tokens } = await userService.setPassword(username, password, new_password, caller.address)
      const lost = loseConnections(core, access, username, caller.connection)
      notifyLater(lost, 'notify_user_logged_out', username)
      return { username, ...tokens, action: 'user_password_reset' as const }
    },
    'access.user.role': async (
      { username, role }: { username: string; role: User['role'] },
      caller: Caller,
    ) => {
      const changed = await userService.setRole(username, role, userOf(caller).username)
      access.loggedOut(username)
      for (const connection of core.connections) {
        if (connection.user?.username === username) connection.user = callerUser(changed)
      }
      return { username, role, action: 'user_role_changed' as const }
    },
  }
}

interface NewUser {
  readonly username: string
  readonly password: string
  readonly source?: string | undefined
  readonly role: User['role']
}

function keyHandlers(core: AccessCore, { access, users, keys }: ServeParts) {
  const holder = (): StoredUser => users.get(API_KEY_USER) ?? newKeyHolder(core.clock.now())
  return {
    'access.get_api_key': () => holder().password,
    'access.post_api_key': async (_params: unknown, caller: Caller) => {
      const password = randomBytes(16).toString('hex')
      await users.put({ ...holder(), password })
      // The connection that replaced the key keeps its user: it receives the new key.
      loseConnections(core, access, API_KEY_USER, caller.connection)
      return password
    },
    'access.api_keys.list': () => ({ keys: keys.list() }),
    'access.api_keys.create': ({ name, role, days }: NewKey) => keys.create(name, role, days),
    'access.api_keys.delete': async ({ name }: { name: string }) => {
      await keys.delete(name)
      loseConnections(core, access, keyUserName(name), null)
      return { name, action: 'api_key_deleted' as const }
    },
  }
}

interface NewKey {
  readonly name: string
  readonly role: User['role']
  readonly days?: number | undefined
}

function newKeyHolder(created_on: number): StoredUser {
  return {
    username: API_KEY_USER,
    password: '',
    created_on,
    salt: '',
    source: 'moonraker',
    jwt_secret: null,
    jwk_id: null,
    groups: ['admin'],
  }
}

function userOf({ user }: Caller): User {
  if (user === null) throw new ApiError(401, 'Unauthorized')
  return user
}

const sourceOf = ({ source }: StoredUser): Source => (source === 'ldap' ? 'ldap' : 'moonraker')

function userInfo(user: StoredUser) {
  const { username, created_on } = user
  return { username, source: sourceOf(user), created_on, role: roleOf(user) }
}

function loginReply<A extends string>({ user, tokens }: LoggedIn, action: A) {
  return { username: user.username, ...tokens, source: sourceOf(user), action }
}

/** Ends all connections of `username`, and notifies all clients after the reply, those that lost the user too. */
function endLogins(core: AccessCore, access: Access, username: string, ending: Ending): void {
  const lost = loseConnections(core, access, username, null)
  setImmediate(() => core.connections.notify(ending, { username }))
  notifyLater(lost, ending, username)
}

/** Removes a user from all connections but `kept`; returns those without a user now. Unix sockets stay trusted. */
export function loseConnections(
  core: Pick<Core, 'connections'>,
  access: Access,
  username: string,
  kept: Connection | null,
): Connection[] {
  const lost: Connection[] = []
  for (const connection of core.connections) {
    if (connection === kept || connection.user?.username !== username) continue
    connection.user = connection.transport === 'unix' ? TRUSTED_USER : null
    if (connection.user === null) lost.push(connection)
  }
  access.loggedOut(username)
  return lost
}

function notifyLater(connections: readonly Connection[], ending: Ending, username: string): void {
  if (connections.length === 0) return
  setImmediate(() => {
    const message = new Message(notificationText(ending, [{ username }]))
    for (const connection of connections) connection.notify(message)
  })
}
