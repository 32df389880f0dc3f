// API document: "Authorization". The methods of roles and named API keys are our own.
import { bool, choice, float, int, list, object, secret, string } from '../schema/index.ts'
import { chapter, notification } from './chapter.ts'
import { DIRECT_TRANSPORTS, endpoints, ROLES } from './endpoint.ts'

const { del, get, post } = endpoints({ changingRole: 'admin' })

const role = () => choice(...ROLES)
const source = () => choice('moonraker', 'ldap')
const time = () => float().describe('Seconds since the epoch')

const UserInfo = object({ username: string(), source: source(), created_on: time(), role: role() })

const Tokens = {
  token: string().describe('Access token (JWT), valid for an hour'),
  refresh_token: string().describe('For access.refresh_jwt'),
}

const Key = { name: string(), role: role(), created_on: time(), expires_on: time().nullable() }

/** A user's name with what happened to the user, such as `user_deleted`. */
const done = <const A extends string>(action: A) => object({ username: string(), action: choice(action) })

/** A user's name: the parameter of the notifications about users. */
export const UserName = object({ username: string() })

export const authorization = chapter({
  title: 'Authorization',
  about: 'Logins, tokens, API keys and users',
  methods: {
    'access.login': post('/access/login', {
      summary: 'Log in; a WebSocket or unix socket then acts for the user',
      params: {
        username: string(),
        password: secret(),
        source: string().describe('moonraker or ldap; the configured default_source if left out').optional(),
      },
      example: { username: 'me', password: 'secret' },
      result: object({ username: string(), ...Tokens, source: source(), action: choice('user_logged_in') }),
      auth: false,
      transports: DIRECT_TRANSPORTS,
    }),
    'access.logout': post('/access/logout', {
      summary: "End all of the user's logins, on every client",
      result: done('user_logged_out'),
      role: 'viewer',
      transports: DIRECT_TRANSPORTS,
    }),
    'access.get_user': get('/access/user', {
      summary: 'The user of the caller',
      result: UserInfo,
      transports: DIRECT_TRANSPORTS,
    }),
    'access.post_user': post('/access/user', {
      summary: 'Create a user',
      params: {
        username: string(),
        password: secret(),
        source: string()
          .describe('moonraker; the server creates users of LDAP at their first login')
          .optional(),
        role: role().default('admin'),
      },
      example: { username: 'me', password: 'secret', role: 'operator' },
      result: object({ username: string(), ...Tokens, source: source(), action: choice('user_created') }),
      transports: DIRECT_TRANSPORTS,
    }),
    'access.delete_user': del('/access/user', {
      summary: 'Delete another user',
      params: { username: string() },
      result: done('user_deleted'),
      transports: DIRECT_TRANSPORTS,
    }),
    'access.users.list': get('/access/users/list', {
      summary: 'All users',
      result: object({ users: list(UserInfo) }),
      transports: DIRECT_TRANSPORTS,
    }),
    'access.user.password': post('/access/user/password', {
      summary: "Change one's own password; ends all logins except that of the calling connection",
      params: { password: secret().describe('The current password'), new_password: secret() },
      result: object({ username: string(), ...Tokens, action: choice('user_password_reset') }),
      role: 'viewer',
      transports: DIRECT_TRANSPORTS,
    }),
    'access.user.role': post('/access/user/role', {
      summary: 'Give another user a role',
      params: { username: string(), role: role() },
      result: object({ username: string(), role: role(), action: choice('user_role_changed') }),
      transports: DIRECT_TRANSPORTS,
    }),
    'access.refresh_jwt': post('/access/refresh_jwt', {
      summary: 'Exchange a refresh token for a new access token',
      params: { refresh_token: secret() },
      result: object({
        username: string(),
        token: Tokens.token,
        source: source(),
        action: choice('user_jwt_refresh'),
      }),
      auth: false,
      transports: DIRECT_TRANSPORTS,
    }),
    'access.oneshot_token': get('/access/oneshot_token', {
      summary:
        'A token for the query string (?token=) of one request, from the same address within 5 seconds',
      result: string(),
      transports: DIRECT_TRANSPORTS,
    }),
    'access.info': get('/access/info', {
      summary: 'How to log in, and whether a login is required',
      result: object({
        default_source: source(),
        available_sources: list(source()),
        login_required: bool().describe('Trusted addresses must log in too'),
        trusted: bool().describe("Whether the caller's address is trusted"),
      }),
      auth: false,
      transports: DIRECT_TRANSPORTS,
    }),
    'access.get_api_key': get('/access/api_key', {
      summary: 'The API key',
      result: string(),
      role: 'admin',
      transports: DIRECT_TRANSPORTS,
    }),
    'access.post_api_key': post('/access/api_key', {
      summary: 'Replace the API key by a new one',
      result: string(),
      transports: DIRECT_TRANSPORTS,
    }),
    'access.api_keys.list': get('/access/api_keys', {
      summary:
        'The named API keys, without the keys themselves: only the reply to their creation contains them',
      result: object({ keys: list(object(Key)) }),
      role: 'admin',
      transports: DIRECT_TRANSPORTS,
    }),
    'access.api_keys.create': post('/access/api_keys', {
      summary: 'Create an API key for one program',
      params: {
        name: string(),
        role: role(),
        days: int({ min: 1, max: 36500 })
          .describe('How long the key is valid; without limit if left out')
          .optional(),
      },
      example: { name: 'my client', role: 'operator' },
      result: object({ ...Key, api_key: string().describe('For the header X-Api-Key') }),
      transports: DIRECT_TRANSPORTS,
    }),
    'access.api_keys.delete': del('/access/api_keys', {
      summary: 'Delete a named API key; connections that used it lose their user',
      params: { name: string() },
      result: object({ name: string(), action: choice('api_key_deleted') }),
      transports: DIRECT_TRANSPORTS,
    }),
  },
  notifications: {
    notify_user_created: notification('A user was created', UserName),
    notify_user_deleted: notification('A user was deleted', UserName),
    notify_user_logged_out: notification("All of a user's logins have ended", UserName),
  },
})
