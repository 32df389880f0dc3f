// Joins a fleet: makes the key, exchanges the code for a credential, and stores both with section [fleet].
import { hostname } from 'node:os'
import { ApiError, messageOf } from '../../../core/errors.ts'
import type { HttpClient } from '../../../core/http-client.ts'
import type { DataPaths } from '../../../core/paths.ts'
import { API_VERSION } from '../../../core/version.ts'
import {
  type Code,
  ENROL_PATH,
  type Enrolled,
  type Enrolment,
  enrolledSchema,
  PRINTER_ID,
  readCode,
} from '../../../fleet/contract/index.ts'
import { isPlainObject } from '../../../schema/index.ts'
import { CredentialFiles } from '../engine/credential.ts'
import { writeFleetSection } from './fleet-section.ts'
import { digestOfPem, fetchPinnedCa } from './pinned-ca.ts'

const TIMEOUT_SECONDS = 20
const MAX_BYTES = 64 * 1024
const ENGINE_ADDRESS = /^(tls|nats):\/\/[^\s,/]+$/

/** What joins. */
export interface Joining {
  readonly http: HttpClient
  readonly paths: DataPaths
  /** The instance id. */
  readonly id: string
  readonly code: string
  readonly name?: string | undefined
}

/** Joins; the next start of the server connects. Resolves with the addresses of the engine. Rejects with ApiError. */
export async function joinFleet({
  http,
  paths,
  id,
  code: text,
  name = hostname(),
}: Joining): Promise<string[]> {
  const code = readCode(text)
  if (code === null) throw new ApiError(400, 'This is not a code of a fleet: copy all of it from the hub')
  if (!PRINTER_ID.test(id)) throw new ApiError(400, `The instance id ${id} is not 32 hexadecimal digits`)
  const { nkeys } = await import('@nats-io/transport-node')
  const files = new CredentialFiles(paths.data)
  const seed = files.seed(() => new TextDecoder().decode(nkeys.createUser().getSeed()))
  const nkey = nkeys.fromSeed(new TextEncoder().encode(seed)).getPublicKey()
  const enrolment = { code: code.secret, id, nkey, name, api_version: API_VERSION.join('.') }
  const { jwt, ca, epoch, engine } = await enrol(http, code, enrolment)
  files.write({ jwt, ca, epoch })
  await writeFleetSection(paths.configFile, engine)
  return engine
}

async function enrol(http: HttpClient, code: Code, enrolment: Enrolment): Promise<Enrolled> {
  const hub = new URL(code.hub)
  if (hub.protocol === 'https:' && code.ca === null) throw new ApiError(400, 'The code has no CA certificate')
  const ca = code.ca === null ? null : await fetchPinnedCa(hub, code.ca)
  const reply = await http
    .send({
      url: new URL(ENROL_PATH, hub).href,
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(enrolment),
      timeoutSeconds: TIMEOUT_SECONDS,
      maxBytes: MAX_BYTES,
      maxRedirects: 0,
      // The code is valid once.
      once: true,
      ...(ca !== null && { tls: { ca } }),
    })
    .catch(error => {
      throw new ApiError(502, messageOf(error))
    })
  const enrolled = readReply(reply.status, reply.body.toString())
  if (code.ca !== null && (enrolled.ca === null || digestOfPem(enrolled.ca) !== code.ca)) {
    throw new ApiError(502, 'The hub sent another CA certificate than that of the code')
  }
  return enrolled
}

function readReply(status: number, text: string): Enrolled {
  try {
    const body: unknown = JSON.parse(text)
    if (!isPlainObject(body)) throw new Error('not an object')
    if (status !== 200) {
      const message = isPlainObject(body.error) ? String(body.error.message) : `status ${status}`
      throw new ApiError(status === 429 || status >= 500 ? 502 : 400, `The hub refuses: ${message}`)
    }
    const enrolled = enrolledSchema.read(body.result, 'result')
    if (enrolled.engine.length > 0 && enrolled.engine.every(address => ENGINE_ADDRESS.test(address))) {
      return enrolled
    }
    throw new Error('engine: not addresses of an engine')
  } catch (error) {
    if (error instanceof ApiError) throw error
    throw new ApiError(502, `The reply of the hub is not that of an enrolment: ${messageOf(error)}`)
  }
}
