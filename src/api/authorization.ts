// API document: "Authorization". The methods of roles and named API keys are our own.
import { bool, choice, float, int, list, object, secret, string } from '../schema/index.ts'
import { del, get, post, ROLES, type Transport } from './endpoint.ts'

/** Not over MQTT: what goes through a broker is read by whoever else listens there. */
const HERE: readonly Transport[] = ['http', 'websocket', 'unix']

const role = () => choice(...ROLES)
const source = () => choice('moonraker', 'ldap')
const time = () => float().describe('Seconds since the epoch')

const UserInfo = object({ username: string(), source: source(), created_on: time(), role: role() })

const Tokens = {
  token: string().describe('Access token (JWT), good for an hour'),
  refresh_token: string().describe('For access.refresh_jwt'),
}

const Key = { name: string(), role: role(), created_on: time(), expires_on: time().nullable() }

/** A user's name with what was done to it, such as `user_deleted`. */
const done = <const A extends string>(action: A) => object({ username: string(), action: choice(action) })

/** Who a user logs in as; told to all clients when users come and go. */
export const UserName = object({ username: string() })

export const authorization = {
  'access.login': post('/access/login', {
    summary: 'Log in; over a lasting connection it then speaks for the user',
    params: {
      username: string(),
      password: secret(),
      source: string().describe('moonraker or ldap; the configured default_source where left out').optional(),
    },
    result: object({ username: string(), ...Tokens, source: source(), action: choice('user_logged_in') }),
    auth: false,
    over: HERE,
  }),
  'access.logout': post('/access/logout', {
    summary: "End all of the user's logins, here and elsewhere",
    result: done('user_logged_out'),
    role: 'viewer',
    over: HERE,
  }),
  'access.get_user': get('/access/user', {
    summary: 'Who is asking',
    result: UserInfo,
    over: HERE,
  }),
  'access.post_user': post('/access/user', {
    summary: 'Create a user',
    params: {
      username: string(),
      password: secret(),
      source: string().describe('moonraker; users of LDAP come into being when they log in').optional(),
      role: role().default('admin'),
    },
    result: object({ username: string(), ...Tokens, source: source(), action: choice('user_created') }),
    over: HERE,
  }),
  'access.delete_user': del('/access/user', {
    summary: 'Delete another user',
    params: { username: string() },
    result: done('user_deleted'),
    over: HERE,
  }),
  'access.users.list': get('/access/users/list', {
    summary: 'All users',
    result: object({ users: list(UserInfo) }),
    over: HERE,
  }),
  'access.user.password': post('/access/user/password', {
    summary: "Change one's own password; ends all logins but the asking connection's",
    params: { password: secret().describe('The present one'), new_password: secret() },
    result: object({ username: string(), ...Tokens, action: choice('user_password_reset') }),
    role: 'viewer',
    over: HERE,
  }),
  'access.user.role': post('/access/user/role', {
    summary: 'Give another user a role',
    params: { username: string(), role: role() },
    result: object({ username: string(), role: role(), action: choice('user_role_changed') }),
    over: HERE,
  }),
  'access.refresh_jwt': post('/access/refresh_jwt', {
    summary: 'A new access token for a refresh token',
    params: { refresh_token: secret() },
    result: object({
      username: string(),
      token: Tokens.token,
      source: source(),
      action: choice('user_jwt_refresh'),
    }),
    auth: false,
    over: HERE,
  }),
  'access.oneshot_token': get('/access/oneshot_token', {
    summary: 'A token for the query string (?token=) of one request from the same address within 5 seconds',
    result: string(),
    over: HERE,
  }),
  'access.info': get('/access/info', {
    summary: 'How to log in, and whether that is needed',
    result: object({
      default_source: source(),
      available_sources: list(source()),
      login_required: bool().describe('Trusted addresses must log in too'),
      trusted: bool().describe("Whether the caller's address is trusted"),
    }),
    auth: false,
    over: HERE,
  }),
  'access.get_api_key': get('/access/api_key', {
    summary: 'The API key',
    result: string(),
    role: 'admin',
    over: HERE,
  }),
  'access.post_api_key': post('/access/api_key', {
    summary: 'Make a new API key in place of the present one',
    result: string(),
    over: HERE,
  }),
  'access.api_keys.list': get('/access/api_keys', {
    summary: 'The named API keys; what they are is told only once, when they are made',
    result: object({ keys: list(object(Key)) }),
    role: 'admin',
    over: HERE,
  }),
  'access.api_keys.create': post('/access/api_keys', {
    summary: 'Make an API key of its own for a program',
    params: {
      name: string(),
      role: role(),
      days: int({ min: 1, max: 36500 })
        .describe('For which it is good; without an end where left out')
        .optional(),
    },
    result: object({ ...Key, api_key: string().describe('For the header X-Api-Key') }),
    over: HERE,
  }),
  'access.api_keys.delete': del('/access/api_keys', {
    summary: 'Delete a named API key; connections that it opened are nobody then',
    params: { name: string() },
    result: object({ name: string(), action: choice('api_key_deleted') }),
    over: HERE,
  }),
}
