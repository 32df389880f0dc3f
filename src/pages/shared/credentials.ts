// The login of a page, as its browser keeps it: until the tab is closed, or on this device until the user logs out. The pages
// at /docs accept an API key, too; it is kept until the tab is closed.
import { CallError, Login, type Tokens } from '../../client/index.ts'

const KEY = 'moonraker-ts credentials'
/** JSON-RPC's codes for callers without access: over WebSocket, and over HTTP. */
const UNAUTHORIZED = [-32602, 401]

/** What is stored. */
type Stored =
  | { readonly kind: 'login'; readonly token: string; readonly refresh: string }
  | { readonly kind: 'key'; readonly key: string }

/** Whether a call failed since its caller has no login, or one that has ended. */
export function isUnauthorized(error: unknown): boolean {
  return error instanceof CallError && UNAUTHORIZED.includes(error.code)
}

function storages(): readonly Storage[] {
  return [sessionStorage, localStorage]
}

/** What is stored of a kind: that of the tab before that of the device. */
function stored<K extends Stored['kind']>(kind: K): Extract<Stored, { kind: K }> | null {
  for (const storage of storages()) {
    try {
      const found = JSON.parse(storage.getItem(KEY) ?? 'null') as Stored | null
      if (found?.kind === kind) return found as Extract<Stored, { kind: K }>
    } catch {
      // Another program wrote it.
    }
  }
  return null
}

/** The stored tokens; null without a login. */
export function storedTokens(): Tokens | null {
  const login = stored('login')
  return login === null ? null : { accessToken: login.token, refreshToken: login.refresh }
}

/** The stored API key; null without one. */
export function storedKey(): string | null {
  return stored('key')?.key ?? null
}

/** Whether the browser keeps a login or an API key. */
export function hasCredentials(): boolean {
  return stored('login') !== null || stored('key') !== null
}

function store(storage: Storage, value: Stored): void {
  storage.setItem(KEY, JSON.stringify(value))
}

/** Stores tokens: on this device with `remember`, else for this tab. */
export function storeTokens({ accessToken, refreshToken }: Tokens, remember: boolean): void {
  const storage = remember ? localStorage : sessionStorage
  store(storage, { kind: 'login', token: accessToken, refresh: refreshToken })
}

/** Stores an API key for this tab. */
export function storeKey(key: string): void {
  store(sessionStorage, { kind: 'key', key })
}

/** Removes what is stored. A login itself stays valid: `access.logout` would end it on all devices. */
export function forgetCredentials(): void {
  for (const storage of storages()) storage.removeItem(KEY)
}

/** The stored login, which renews its tokens; null without one. */
export function storedLogin(url: string): Login | null {
  const tokens = storedTokens()
  if (tokens === null) return null
  const isRemembered = localStorage.getItem(KEY) !== null
  return new Login({
    url,
    tokens,
    onTokens: renewed => (renewed === null ? forgetCredentials() : storeTokens(renewed, isRemembered)),
  })
}
