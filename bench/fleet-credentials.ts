// Credentials of simulated printers, signed by Node's own functions: the library needs milliseconds for each signature,
// which is nothing for one printer and minutes for 10,000.
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { KeyPair } from '@nats-io/nkeys'
import { signingKey } from '../src/components/access/json-web-token.ts'
import type { PrinterSigner } from '../src/fleet/hub/engine/tokens.ts'

/** A printer's key, and its credential. */
export interface Credential {
  readonly nkey: string
  readonly privateKey: KeyObject
  readonly jwt: string
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
/** The first byte of a user's public key. */
const USER = 20 << 3

/** Makes credentials, as a hub does for printers that join. */
export function credentialsOf({ key, account }: PrinterSigner): (id: string) => Credential {
  const issuer = key.getPublicKey()
  const signer = privateKeyOf(key)
  return id => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const nkey = encodeKey(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32))
    const claims = {
      aud: 'NATS',
      jti: id,
      iat: Math.floor(Date.now() / 1000),
      iss: issuer,
      name: id,
      sub: nkey,
      nats: { issuer_account: account, type: 'user', version: 2 },
    }
    const parts = [{ typ: 'JWT', alg: 'ed25519-nkey' }, claims]
    const text = parts.map(part => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
    const signature = sign(null, Buffer.from(text), signer).toString('base64url')
    return { nkey, privateKey, jwt: `${text}.${signature}` }
  }
}

function privateKeyOf(key: KeyPair): KeyObject {
  // The library's own type leaves it out.
  const withSeed = key as unknown as { getRawSeed(): Uint8Array }
  const seed = Buffer.from(withSeed.getRawSeed()).toString('hex')
  return signingKey('', seed)?.privateKey as KeyObject
}

/** A public key as text: first byte, key and checksum in base 32. */
function encodeKey(raw: Uint8Array): string {
  const bytes = Buffer.concat([Buffer.from([USER]), raw])
  const checksum = Buffer.alloc(2)
  checksum.writeUInt16LE(crc16(bytes))
  const bits = [...bytes, ...checksum].map(byte => byte.toString(2).padStart(8, '0')).join('')
  return bits.replace(/.{5}/g, five => ALPHABET.charAt(Number.parseInt(five, 2)))
}

/** CRC-16/XMODEM. */
function crc16(bytes: Uint8Array): number {
  let crc = 0
  for (const byte of bytes) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x80_00 ? (crc << 1) ^ 0x10_21 : crc << 1) & 0xff_ff
  }
  return crc
}
