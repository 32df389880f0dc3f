// The arguments of an HTTP request: query string and body in one set, the body winning
// (API document, "HTTP API Overview").
import type { IncomingMessage } from 'node:http'
import { ApiError } from '../../core/errors.ts'
import { parseExact } from '../../core/exact-json.ts'
import { isPlainObject } from '../../schema/index.ts'

/** The longest body of an API call, in bytes; uploads have a limit of their own. */
const MAX_BODY = 50 * 1024 * 1024

/** Query keys that belong to access, not to the call. */
const ACCESS_KEYS = new Set(['token', 'access_token'])

type Arguments = Record<string, unknown>

const HINTS: ReadonlyMap<string, (text: string) => unknown> = new Map([
  ['int', (text: string) => (/^\s*[+-]?\d+\s*$/.test(text) ? Number(text) : undefined)],
  [
    'float',
    (text: string) => (text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : undefined),
  ],
  ['bool', (text: string) => BOOLEANS.get(text.toLowerCase())],
  ['json', parseJson],
])

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['false', false],
])

function parseJson(text: string): unknown {
  try {
    return parseExact(text)
  } catch {
    return undefined
  }
}

/** Applies a type hint (`count:int=5`). Throws ApiError 400 for a value that is not what the hint says. */
function readHinted(key: string, text: string): [string, unknown] {
  const colon = key.lastIndexOf(':')
  const hint = colon === -1 ? undefined : HINTS.get(key.slice(colon + 1))
  if (hint === undefined) return [key, text]
  const value = hint(text)
  if (value === undefined) {
    throw new ApiError(400, `Argument [${key}]: the value is not what the hint says: ${text.slice(0, 100)}`)
  }
  return [key.slice(0, colon), value]
}

/** The query string's arguments; a key given more than once is a list. Throws ApiError 400, see `readHinted`. */
export function readQuery(query: URLSearchParams): Arguments {
  const values = new Map<string, unknown[]>()
  for (const [rawKey, text] of query) {
    if (ACCESS_KEYS.has(rawKey)) continue
    const [key, value] = readHinted(rawKey, text)
    const known = values.get(key)
    if (known === undefined) values.set(key, [value])
    else known.push(value)
  }
  // Not by assignment, which `__proto__` could abuse.
  return Object.fromEntries([...values].map(([key, all]) => [key, all.length === 1 ? all[0] : all]))
}

/** All arguments of a request. Rejects with ApiError: 400 for a body or a value that cannot be read, 413. */
export async function readArguments(
  req: IncomingMessage,
  query: URLSearchParams,
  maxBytes = MAX_BODY,
): Promise<Arguments> {
  return { ...readQuery(query), ...(await readBody(req, maxBytes)) }
}

/** The content type of a body, in small letters and without its parameters; '' where none is given. */
export function mediaTypeOf({ headers }: IncomingMessage): string {
  const [type = ''] = (headers['content-type'] ?? '').split(';')
  return type.trim().toLowerCase()
}

/** The bytes of a body. Rejects with ApiError 413 for too many, 400 when the client hangs up before its end. */
export async function collectBody(req: IncomingMessage, maxBytes = MAX_BODY): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  if (Number(req.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes)
  try {
    for await (const chunk of req as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > maxBytes) throw tooLarge(maxBytes)
      chunks.push(chunk)
    }
  } catch (error) {
    throw error instanceof ApiError ? error : new ApiError(400, 'The body has no end', { cause: error })
  }
  return Buffer.concat(chunks)
}

function tooLarge(maxBytes: number): ApiError {
  return new ApiError(413, `The request is too large: at most ${maxBytes} bytes are taken here`)
}

async function readBody(req: IncomingMessage, maxBytes: number): Promise<Arguments> {
  const type = mediaTypeOf(req)
  if (type === 'multipart/form-data') {
    const { readForm } = await import('./form.ts')
    return readForm(req)
  }
  const body = await collectBody(req, maxBytes)
  if (body.length === 0) return {}
  if (type === 'application/x-www-form-urlencoded') return readQuery(new URLSearchParams(body.toString()))
  return readJsonBody(body)
}

function readJsonBody(body: Buffer): Arguments {
  const value = parseJson(body.toString())
  if (isPlainObject(value)) return value
  throw new ApiError(
    400,
    value === undefined ? 'The body is not valid JSON' : 'The body must be a JSON object',
  )
}
