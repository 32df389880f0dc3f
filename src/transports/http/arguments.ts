// The arguments of an HTTP request, from its query string and its body; of one name the body's counts
// (API document, "HTTP API Overview").
import type { IncomingMessage } from 'node:http'
import { ApiError } from '../../core/errors.ts'
import { JsonLimitExceeded, parseExact } from '../../core/exact-json.ts'
import { isPlainObject } from '../../schema/index.ts'
import { mediaTypeOf, textOf } from './body.ts'

/** Arguments of an URL-encoded body. */
const MAX_ARGUMENTS = 10_000

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

/** Applies a type hint (`count:int=5`). Throws ApiError 400 for a value of another type. */
function readHinted(key: string, text: string): [string, unknown] {
  const colon = key.lastIndexOf(':')
  const hint = colon === -1 ? undefined : HINTS.get(key.slice(colon + 1))
  if (hint === undefined) return [key, text]
  const value = hint(text)
  if (value === undefined) {
    throw new ApiError(
      400,
      `Argument [${key}]: the value does not have the type of the hint: ${text.slice(0, 100)}`,
    )
  }
  return [key.slice(0, colon), value]
}

/** The query string's arguments; a key given more than once is a list. Throws ApiError 400, see `readHinted`. */
export function readQuery(query: URLSearchParams): Arguments {
  if (query.size === 0) return {}
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

/**
 * All arguments of a request with a body. Rejects with ApiError: 400 for a body or a value that cannot be read, 413 for
 * too many arguments.
 */
export async function readArguments(
  req: IncomingMessage,
  query: URLSearchParams,
  body: Buffer,
): Promise<Arguments> {
  return { ...readQuery(query), ...(body.length > 0 && (await readBody(req, body))) }
}

async function readBody(req: IncomingMessage, body: Buffer): Promise<Arguments> {
  const type = mediaTypeOf(req)
  if (type === 'multipart/form-data') {
    const { readForm } = await import('./form.ts')
    return readForm(body, req.headers['content-type'] ?? '')
  }
  return type === 'application/x-www-form-urlencoded' ? readUrlEncoded(body) : readJson(body)
}

function readUrlEncoded(body: Buffer): Arguments {
  let fields = 1
  for (let at = body.indexOf(AMPERSAND); at !== -1; at = body.indexOf(AMPERSAND, at + 1)) {
    fields += 1
    if (fields > MAX_ARGUMENTS) {
      throw new ApiError(413, `The form is too large: it has more than ${MAX_ARGUMENTS} fields`)
    }
  }
  return readQuery(new URLSearchParams(textOf(body)))
}

const AMPERSAND = 0x26

function readJson(body: Buffer): Arguments {
  const value = parseBody(textOf(body))
  if (isPlainObject(value)) return value
  throw new ApiError(400, 'The body must be a JSON object')
}

function parseBody(text: string): unknown {
  try {
    return parseExact(text)
  } catch (error) {
    if (error instanceof JsonLimitExceeded) throw new ApiError(413, error.message, { cause: error })
    throw new ApiError(400, 'The body is not valid JSON', { cause: error })
  }
}
