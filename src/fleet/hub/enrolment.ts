// How printers join and leave: codes for one printer each, credentials, and their revocation.
import { createHash, randomBytes } from 'node:crypto'
import type { KV } from '@nats-io/kv'
import { fromPublic } from '@nats-io/nkeys'
import { ApiError } from '../../core/errors.ts'
import { int, object, record as recordOf, string } from '../../schema/index.ts'
import { codeText, type Enrolled, type Enrolment, PRINTER_ID, type PrinterRecord } from '../contract/index.ts'
import { type PrinterSigner, printerToken, type Revocations } from './engine/tokens.ts'
import { checkPrinter } from './printers/change.ts'
import type { Directory } from './printers/directory.ts'
import { Bucket } from './store/bucket.ts'

/** Seconds that a code is valid. */
const CODE_SECONDS = 600
const MAX_NAME = 100
/** The start of keys in `fleet_meta`: codes by the hash of their secret, revoked credentials by their public key. */
const CODE = 'code.'
export const REVOKED = 'revoked.'

const codeSchema = object({
  expires: int(),
  site: string(),
  labels: recordOf(string()),
  by: string().nullable(),
})

/** When a credential was revoked, in seconds since the epoch. */
const revocationSchema = object({ at: int() })

/** What enrolment needs. */
export interface EnrolmentParts {
  readonly meta: KV
  readonly records: Bucket<PrinterRecord>
  readonly directory: Directory
  /** Null where no hub has stored the key that signs credentials. */
  readonly signer: () => Promise<PrinterSigner | null>
  readonly epoch: () => string
  /** The address of the hub, for printers. */
  readonly hubUrl: () => string
  /** The addresses of the engine, for printers. */
  readonly engineUrls: readonly string[]
  /** The CA certificate of hub and engine, in PEM; null without TLS. */
  readonly ca: string | null
}

export class Enrolments {
  readonly #parts: EnrolmentParts
  readonly #codes: Bucket<{
    expires: number
    site: string
    labels: Record<string, string>
    by: string | null
  }>
  readonly #revocations: Bucket<{ at: number }>

  constructor(parts: EnrolmentParts) {
    this.#parts = parts
    this.#codes = new Bucket(parts.meta, codeSchema, { conflicts: 0 })
    this.#revocations = new Bucket(parts.meta, revocationSchema, { conflicts: 0 })
  }

  /** A code for one printer. Rejects with ApiError: 400 for a site or labels that are too long, 503. */
  async createCode(
    settings: { readonly site: string; readonly labels: Record<string, string> },
    by: string | null,
  ): Promise<{ code: string; expires: number }> {
    checkPrinter(settings)
    const secret = randomBytes(16).toString('base64url')
    const expires = Date.now() + CODE_SECONDS * 1000
    await this.#codes.put(CODE + hashOf(secret), { ...settings, by, expires })
    const { hubUrl, ca } = this.#parts
    return { code: codeText({ hub: hubUrl(), secret, ca: ca === null ? null : fingerprintOf(ca) }), expires }
  }

  /**
   * Lets a printer join by its code, which is used up then. Rejects with ApiError: 400 for invalid values, 403 for a code
   * that is unknown, used or too old, with one message for all of them; 503.
   */
  async enrol({ code, id, nkey, name }: Enrolment): Promise<Enrolled> {
    if (!PRINTER_ID.test(id)) throw new ApiError(400, 'id: 32 hexadecimal digits')
    if (!isUserKey(nkey)) throw new ApiError(400, 'nkey: the public key of a user of NATS')
    const { records, directory, epoch, engineUrls, ca, signer } = this.#parts
    const key = CODE + hashOf(code)
    const stored = await this.#codes.read(key)
    const isValid = stored !== null && stored.value.expires > Date.now()
    if (!isValid || !(await this.#codes.take(key, stored.revision))) {
      throw new ApiError(
        403,
        'The code is unknown, was used already, or is older than 10 minutes: get a new one',
      )
    }
    const known = await signer()
    if (known === null)
      throw new ApiError(503, 'No hub has the key that signs credentials: start the one that runs the engine')
    const before = await records.read(id)
    const { site, labels, by } = stored.value
    const value: PrinterRecord = {
      name: name.trim().slice(0, MAX_NAME) || id.slice(0, 8),
      site: site || (before?.value.site ?? ''),
      labels: { ...before?.value.labels, ...labels },
      nkey,
      enrolled_at: Date.now(),
      enrolled_by: by,
      maintenance: before?.value.maintenance ?? false,
    }
    const revision = await records.write(id, { value, expected: before?.revision ?? 0 })
    if (revision === null) throw new ApiError(409, 'The printer joins twice at the same time: try again')
    directory.noteRecord(id, { value, revision })
    if (before !== null && before.value.nkey !== nkey) await this.#revoke(before.value.nkey)
    return { jwt: await printerToken(id, nkey, known), engine: [...engineUrls], ca, epoch: epoch() }
  }

  /** Removes a printer and revokes its credential. Rejects with ApiError: 404, 503. */
  async remove(id: string): Promise<void> {
    const { records } = this.#parts
    const stored = await records.read(id)
    if (stored === null) throw new ApiError(404, 'No printer with this id has joined the fleet')
    await this.#revoke(stored.value.nkey)
    await records.purge(id)
  }

  async #revoke(nkey: string): Promise<void> {
    await this.#revocations.put(REVOKED + nkey, { at: Math.floor(Date.now() / 1000) })
  }

  /** All revoked credentials, for the engine. Rejects with ApiError 503. */
  async revocations(): Promise<Revocations> {
    const revoked: Record<string, number> = {}
    for await (const key of await this.#parts.meta.keys(`${REVOKED}>`)) {
      const stored = await this.#revocations.read(key)
      if (stored !== null) revoked[key.slice(REVOKED.length)] = stored.value.at
    }
    return revoked
  }

  /** Deletes the codes that are too old. Rejects with ApiError 503. */
  async purgeCodes(): Promise<void> {
    for await (const key of await this.#parts.meta.keys(`${CODE}>`)) {
      const stored = await this.#codes.read(key)
      if (stored !== null && stored.value.expires <= Date.now()) await this.#codes.take(key, stored.revision)
    }
  }
}

/** Codes are stored as hashes: who reads the bucket cannot use them. */
function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

/** The SHA-256 of the first certificate of a PEM text. */
export function fingerprintOf(pem: string): string {
  const [, body = ''] = /-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----/.exec(pem) ?? []
  return createHash('sha256').update(Buffer.from(body, 'base64')).digest('hex')
}

function isUserKey(nkey: string): boolean {
  try {
    return nkey.startsWith('U') && fromPublic(nkey).getPublicKey() === nkey
  } catch {
    return false
  }
}
