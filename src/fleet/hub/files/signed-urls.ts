// Addresses of files that need no login: a signature allows one file for an hour.
import { createHmac } from 'node:crypto'
import { isSameSecret } from '../../../core/same-secret.ts'

/** Seconds for which an address is valid; a job that is offered again gets a new one. */
const VALID_SECONDS = 3600
/** The path of files, before the SHA-256. */
export const FILES_PATH = '/fleet/files/sha256/'

/** The address of a file below `hubUrl`. */
export function signedUrl(hubUrl: string, sha256: string, key: string): string {
  const expires = Math.floor(Date.now() / 1000) + VALID_SECONDS
  return `${hubUrl}${FILES_PATH}${sha256}?exp=${expires}&sig=${signatureOf(sha256, expires, key)}`
}

/** Whether the query of an address allows this file now. */
export function isSigned(sha256: string, query: URLSearchParams, key: string): boolean {
  const [exp, sig] = [query.get('exp') ?? '', query.get('sig') ?? '']
  if (!/^\d{1,12}$/.test(exp) || Number(exp) < Date.now() / 1000) return false
  return isSameSecret(sig, signatureOf(sha256, Number(exp), key))
}

function signatureOf(sha256: string, expires: number, key: string): string {
  return createHmac('sha256', Buffer.from(key, 'hex')).update(`${sha256} ${expires}`).digest('base64url')
}
