// The login of a page, as its browser keeps it: until the tab is closed, or on this device until the user logs out.
// The page at /docs reads the same entry.
import { CallError, Login, type Tokens } from '../../client/index.ts'

const KEY = 'moonraker-ts credentials'
/** JSON-RPC's codes for callers without access: over WebSocket, and over HTTP. */
const UNAUTHORIZED = [-32602, 401]

/** A stored login. The page at /docs may also have stored an API key, which has another `kind`. */
interface Stored {
  readonly kind: string
  readonly token: string
  readonly refresh: string
}

/** Whether a call failed since its caller has no login, or one that has ended. */
export function isUnauthorized(error: unknown): boolean {
  return error instanceof CallError && UNAUTHORIZED.includes(error.code)
}

function storages(): readonly Storage[] {
  return [sessionStorage, localStorage]
}

/** The stored tokens; null without a login. */
export function storedTokens(): Tokens | null {
  for (const storage of storages()) {
    try {
      const { kind, token, refresh } = JSON.parse(storage.getItem(KEY) ?? 'null') as Stored
      if (kind === 'login') return { accessToken: token, refreshToken: refresh }
    } catch {
      // It contains nothing, or what another program wrote.
    }
  }
  return null
}

/** Stores tokens: on this device with `remember`, else for this tab. */
export function storeTokens({ accessToken, refreshToken }: Tokens, remember: boolean): void {
  const stored: Stored = { kind: 'login', token: accessToken, refresh: refreshToken }
  const storage = remember ? localStorage : sessionStorage
  storage.setItem(KEY, JSON.stringify(stored))
}

/** Removes the stored login. The login itself stays valid: `access.logout` would end it on all devices. */
export function forgetTokens(): void {
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
    onTokens: renewed => (renewed === null ? forgetTokens() : storeTokens(renewed, isRemembered)),
  })
}
