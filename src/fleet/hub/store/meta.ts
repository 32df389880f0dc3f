// What all hubs of a fleet share: the id of the engine's data, the key of file addresses, the key of credentials.
import { randomBytes } from 'node:crypto'
import type { KV } from '@nats-io/kv'
import { StartError } from '../../../core/errors.ts'
import { VERSION } from '../../contract/index.ts'
import { keyPairOf } from '../engine/key-pair.ts'
import type { PrinterSigner } from '../engine/tokens.ts'

/** The values of `fleet_meta` that a hub reads at its start. */
export interface Meta {
  /** Identifies the engine's data: printers take no offers of another. */
  readonly epoch: string
  /** Signs the addresses of files. */
  readonly urlKey: string
}

const SIGNER = 'printer_signer'

/** Reads the values; those that are missing are created, so that rival hubs agree on them. Rejects with StartError. */
export async function ensureMeta(kv: KV): Promise<Meta> {
  const schema = await ensure(kv, 'schema', String(VERSION))
  if (Number(schema) > VERSION) {
    throw new StartError(`a newer hub has changed the engine's data (version ${schema}): update this one`)
  }
  return {
    epoch: await ensure(kv, 'epoch', randomBytes(16).toString('hex')),
    urlKey: await ensure(kv, 'url_key', randomBytes(32).toString('hex')),
  }
}

/** The stored value, or `value`, which is stored then. Of two hubs at once, the first one's value counts for both. */
async function ensure(kv: KV, key: string, value: string): Promise<string> {
  const found = await kv.get(key)
  if (found !== null && found.operation === 'PUT') return found.string()
  try {
    await kv.create(key, value)
    return value
  } catch (error) {
    const other = await kv.get(key)
    if (other === null) throw error
    return other.string()
  }
}

/** Stores the key that signs the credentials of printers, for the hubs that do not run the engine. */
export async function storeSigner(kv: KV, { key, account }: PrinterSigner): Promise<void> {
  await kv.put(SIGNER, JSON.stringify({ seed: new TextDecoder().decode(key.getSeed()), account }))
}

/** The key that signs the credentials of printers; null where no hub has stored one. */
export async function readSigner(kv: KV): Promise<PrinterSigner | null> {
  const found = await kv.get(SIGNER)
  if (found === null || found.operation !== 'PUT') return null
  const { seed, account } = found.json<{ seed: string; account: string }>()
  return { key: keyPairOf(seed), account }
}
