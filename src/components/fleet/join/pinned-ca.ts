// Fetches the CA certificate of a hub that a code names by its SHA-256, so that the hub can be checked by it.
import { createHash, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { connect, type DetailedPeerCertificate } from 'node:tls'
import { ApiError } from '../../../core/errors.ts'
import { hostOf } from '../../../core/url-host.ts'

/** Milliseconds that the hub has to answer. */
const TIMEOUT = 10_000
/** Certificates that a hub may send. */
const MAX_CHAIN = 10

/** Resolves with the PEM of the certificate with this SHA-256. Rejects with ApiError 502. */
export function fetchPinnedCa(hub: URL, sha256: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const host = hostOf(hub)
  const socket = connect({
    host,
    port: Number(hub.port || 443),
    ...(isIP(host) === 0 && { servername: host }),
    // Nothing is sent over this connection; the next one is checked by the certificate.
    rejectUnauthorized: false,
    timeout: TIMEOUT,
  })
  socket.once('secureConnect', () => {
    const found = chainOf(socket.getPeerCertificate(true)).find(raw => digest(raw) === sha256)
    if (found !== undefined) resolve(new X509Certificate(found).toString())
    else
      reject(
        new ApiError(502, `${hub.host} does not have the CA certificate of this code: it is another hub`),
      )
    socket.destroy()
  })
  socket.once('timeout', () => socket.destroy(new Error(`no answer within ${TIMEOUT / 1000} seconds`)))
  socket.once('error', error => reject(new ApiError(502, `${hub.host}: ${error.message}`)))
  socket.once('close', () => reject(new ApiError(502, `${hub.host}: the connection was closed`)))
  return promise
}

/** The SHA-256 of a PEM certificate, as hexadecimal digits. */
export function digestOfPem(pem: string): string {
  return digest(new X509Certificate(pem).raw)
}

function digest(raw: Buffer): string {
  return createHash('sha256').update(raw).digest('hex')
}

function chainOf(leaf: DetailedPeerCertificate): Buffer[] {
  const chain: Buffer[] = []
  let certificate: DetailedPeerCertificate | undefined = leaf
  while (certificate?.raw !== undefined && chain.length < MAX_CHAIN) {
    chain.push(certificate.raw)
    const issuer: DetailedPeerCertificate | undefined = certificate.issuerCertificate
    certificate = issuer === certificate ? undefined : issuer
  }
  return chain
}
