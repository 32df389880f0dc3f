// The tokens (JWT) of the engine: who may connect to it, and what each may do there.
import { Algorithms, encodeAccount, encodeOperator, encodeUser, newScopedSigner } from '@nats-io/jwt'
import type { KeyPair } from '@nats-io/nkeys'
import { PRINTER_KEY_ROLE, PRINTER_PERMISSIONS } from '../../contract/permissions.ts'
import type { EngineKeys } from './keys.ts'

const OPTIONS = { algorithm: Algorithms.v2 }

/** Public keys whose tokens are refused, each with the time before which a token was issued, in seconds. */
export type Revocations = Readonly<Record<string, number>>

/** The token of the operator, who is the owner of the engine. */
export function operatorToken({ operator }: EngineKeys): Promise<string> {
  return encodeOperator('moonraker-ts', operator, {}, { ...OPTIONS, signer: operator })
}

/** The token of the account SYS. */
export function systemToken({ system, operator }: EngineKeys): Promise<string> {
  return encodeAccount('SYS', system, {}, { ...OPTIONS, signer: operator })
}

/** The token of the account FLEET: without limits, with the permissions of printers, and without revoked credentials. */
export function accountToken(keys: EngineKeys, revocations: Revocations): Promise<string> {
  const { account, operator, printerSigner } = keys
  const unlimited = { conn: -1, leaf: -1, imports: -1, exports: -1, subs: -1, data: -1, payload: -1 }
  const storage = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 }
  const { pub, sub, resp } = PRINTER_PERMISSIONS
  const permissions = {
    pub: { allow: [...pub.allow] },
    sub: { allow: [...sub.allow] },
    resp,
    subs: -1,
    data: -1,
    payload: -1,
  }
  const claims = {
    limits: { ...unlimited, wildcards: true, ...storage },
    signing_keys: [newScopedSigner(printerSigner.getPublicKey(), PRINTER_KEY_ROLE, permissions)],
    revocations: { ...revocations },
  }
  return encodeAccount('FLEET', account, claims, { ...OPTIONS, signer: operator })
}

/** The token of a hub, which may do everything in the account. */
export function hubToken(user: KeyPair, account: KeyPair): Promise<string> {
  return encodeUser('hub', user, account, {}, OPTIONS)
}

/** Signs the credentials of printers. */
export interface PrinterSigner {
  readonly key: KeyPair
  /** The public key of the account FLEET. */
  readonly account: string
}

/** The token of printer `id` with the public key `nkey`. Its permissions are those of the signing key. */
export function printerToken(id: string, nkey: string, { key, account }: PrinterSigner): Promise<string> {
  return encodeUser(id, nkey, account, {}, { ...OPTIONS, signer: key, scopedUser: true })
}
