// Enrolment: a code from the hub's page, and the request of the printer that uses it.
import { type Infer, Invalid, isPlainObject, list, object, string } from '../../schema/index.ts'
import { printerId, sha256 } from './message.ts'

/** The path of the request below the address of the hub. */
export const ENROL_PATH = '/fleet/enrol'

/** What a code contains. */
export interface Code {
  /** The address of the hub, such as `https://hub.example:7200`. */
  readonly hub: string
  /** 128 random bits; valid once and for 10 minutes. */
  readonly secret: string
  /**
   * SHA-256 of the DER form of the fleet's own CA certificate, as hexadecimal digits. The HTTPS server of the hub sends
   * this certificate with its own. Null for a hub without TLS, on the same machine.
   */
  readonly ca: string | null
}

const PREFIX = 'fleet1.'
/** Characters of a code. */
const MAX_LENGTH = 1000

const codeSchema = object({ hub: string(), secret: string(), ca: sha256().nullable() })

/** The text of a code, for a person to copy. */
export function codeText(code: Code): string {
  return PREFIX + toBase64Url(JSON.stringify(code))
}

/** Reads the text of a code; null if it is none. */
export function readCode(text: string): Code | null {
  const trimmed = text.trim()
  if (!trimmed.startsWith(PREFIX) || trimmed.length > MAX_LENGTH) return null
  try {
    const content: unknown = JSON.parse(fromBase64Url(trimmed.slice(PREFIX.length)))
    if (!isPlainObject(content)) return null
    const code = codeSchema.read(content, '')
    return /^https?:$/.test(new URL(code.hub).protocol) ? code : null
  } catch (error) {
    if (error instanceof Invalid || error instanceof SyntaxError || error instanceof TypeError) return null
    if (error instanceof DOMException) return null
    throw error
  }
}

/** The body of the request. */
export const enrolmentSchema = {
  code: string().describe('The secret of the code'),
  id: printerId(),
  nkey: string().describe('The public key of the printer: a user key of NATS'),
  name: string(),
  api_version: string(),
}

export type Enrolment = Infer<ReturnType<typeof object<typeof enrolmentSchema>>>

/** The reply, in `result` as all replies of the API. */
export const enrolledSchema = object({
  jwt: string().describe('The credential'),
  engine: list(string()).describe('Addresses of the engine: tls://HOST:PORT'),
  ca: string().nullable().describe('PEM of the CA certificate'),
  epoch: string().describe("The id of the engine's data"),
})

export type Enrolled = Infer<typeof enrolledSchema>

function toBase64Url(text: string): string {
  const binary = String.fromCharCode(...new TextEncoder().encode(text))
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

function fromBase64Url(text: string): string {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  return new TextDecoder().decode(Uint8Array.from(binary, character => character.charCodeAt(0)))
}
