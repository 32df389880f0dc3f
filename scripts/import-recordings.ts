// Writes test/fixtures/recordings from recordings of the original server: requests, with the status, the error and the
// shape of each reply, without large bodies. Run by hand: node scripts/import-recordings.ts <folder of recordings>
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Exchange, HttpExchange, Reply, Sent } from '../test/recordings/fixture.ts'
import { shapeOf } from '../test/recordings/shape.ts'

/** A line of the recordings, of any transport. */
interface Line {
  readonly name: string
  readonly request?: { readonly [key: string]: unknown }
  readonly raw_request?: Sent
  readonly response?: unknown
  readonly responses?: readonly unknown[]
  readonly messages?: readonly unknown[]
}

interface HttpRequest {
  readonly method: string
  readonly path: string
  readonly headers: Record<string, string>
  readonly body?: string
}

interface HttpResponse {
  readonly status: number
  readonly reason: string
  readonly headers: readonly [string, string][]
  readonly body?: unknown
}

const TARGET = join(import.meta.dirname, '..', 'test', 'fixtures', 'recordings')

/** Methods and paths that this server serves. A new chapter is added here, and its recordings are imported. */
const METHODS =
  /^(server\.(info|config|temperature_store|gcode_store|logs\.rollover|restart|connection\.identify|websocket\.id)|printer\..*|machine\.(peripherals\.\w+|proc_stats|system_info|services\..*|sudo\..*)|server\.(database|history|job_queue|files|webcams|extensions|announcements)\..*|connection\..*|access\..*)$/
const PATHS =
  /^\/(server\/(info|config|temperature_store|gcode_store|jsonrpc|database|history|job_queue|files|webcams|extensions|announcements)|printer|machine\/(peripherals|proc_stats|system_info|services|sudo)|access|api|nosuch)\b/
const UNKNOWN = /^(server\.nosuch\.method|nosuch|x|Server\.Info|server\/info|api\.version)$/
/** The method of the recorded agent, as it appears in requests. */
const AGENT_METHOD = /^do\.it$/
const UNKNOWN_PATHS = /^\/server\/(nosuch|connection\/identify)/

/** Sections of server.config whose options the tests compare. */
const SECTIONS = [
  'server',
  'authorization',
  'data_store',
  'klippy_apis',
  'proc_stats',
  'database',
  'history',
  'job_queue',
  'job_state',
  'announcements',
  'webcam',
  'webcam front',
]

/** Keys of objects whose own keys are names, and methods whose results are such objects. */
const NAMED_KEYS = new Set(['status', 'config', 'orig', 'network', 'system_cpu_usage', 'metadata', 'value'])
const NAMED_RESULTS = /server\.temperature_store|server\/temperature_store|gcode[./]help|query_endstops/

/** Below this key are options as written, which differ between machines. */
const WRITTEN_SECTIONS = 'orig'
/** The status of a macro has its variables, which each printer.cfg declares. */
const MACRO = 'gcode_macro '

/** Headers of replies that clients use. */
const REPLY_HEADERS = /^(content-type|access-control-.*|location)$/

/** The id of the recorded WebSocket in paths. */
const CONNECTION_ID = /(?<=connection_id=)\d{6,}/

/** The ids of queued jobs in requests; fixtures have their place in the queue instead. */
const QUEUED_ID = /\b0000[0-9A-F]{12}\b/g

/** Exchanges whose state comes from others that were not recorded, so that a replay cannot reproduce it. */
const DEPENDENT = new Set([
  'http_db/db_del_nested',
  // Recorded without its error.
  'http_auth/untrusted_log',
  // The metadata of the recorded file, which the golden results of the metadata tests cover.
  ...['dir_ext', 'metadata', 'metadata_sub', 'thumbnails', 'delete_file_docs'].map(
    name => `ws_files/${name}`,
  ),
  ...['dir_ext', 'dir_extended_str', 'metascan', 'thumbnails'].map(name => `http_files/${name}`),
])

/** Recorded without the body: of the request for uploads, of the reply for downloads. */
const BODILESS = /^(upload|octo|dl)_/

/** Tokens and keys in requests; fixtures have their kind instead, such as `{access_token}`. */
const JWT = /\beyJ[\w-]+\.([\w-]+)\.[\w-]+/g
const API_KEY = /\b[0-9a-f]{32}\b/g

/** Longer requests are left out: they test the size, not the shape. In characters. */
const MAX_REQUEST = 5000

function shapeOfResult(result: unknown, request: string): ReturnType<typeof shapeOf> {
  const named = (path: readonly string[]) => {
    const key = path.at(-1)
    if (key === undefined) return NAMED_RESULTS.test(request)
    return NAMED_KEYS.has(key) || path.at(-2) === WRITTEN_SECTIONS || key.startsWith(MACRO)
  }
  return shapeOf(withoutOtherSections(result), named)
}

function withoutOtherSections(result: unknown): unknown {
  const { config, orig, ...rest } = (result ?? {}) as Record<string, Record<string, unknown>>
  if (config === undefined || orig === undefined) return result
  const pick = (view: Record<string, unknown>) =>
    Object.fromEntries(Object.entries(view).filter(([section]) => SECTIONS.includes(section)))
  return { config: pick(config), orig: pick(orig), ...rest }
}

function replyOf(message: unknown, request: string): Reply | Reply[] {
  if (Array.isArray(message)) return message.map(item => replyOf(item, request) as Reply)
  const { id, error, result } = message as { id?: unknown; error?: Reply['error']; result?: unknown }
  return {
    ...(id !== undefined && { id }),
    ...(error !== undefined && { error }),
    ...(result !== undefined && { result: shapeOfResult(result, request) }),
  }
}

/** Whether this server serves the method of a JSON-RPC text, or the text is no call. */
function isWanted(text: string): boolean {
  if (text.length > MAX_REQUEST) return false
  const methods = [...text.matchAll(/"method":\s*"([^"]*)"/g)].map(([, method]) => method ?? '')
  return methods.every(method => [METHODS, UNKNOWN, AGENT_METHOD].some(known => known.test(method)))
}

function isNotification(message: unknown): boolean {
  const { method } = (message ?? {}) as { method?: unknown }
  return typeof method === 'string' && method.startsWith('notify_')
}

function textOf(sent: Sent): string {
  return typeof sent === 'string' ? sent : Buffer.from(sent.base64, 'base64').toString()
}

function exchangeOf(line: Line): Exchange | undefined {
  const { name, request, raw_request, response } = line
  if (request === undefined && raw_request === undefined) return undefined
  const send = raw_request ?? JSON.stringify(request)
  const messages = line.responses ?? line.messages ?? [response]
  const text = textOf(send)
  const replies = messages.filter(message => !isNotification(message)).map(message => replyOf(message, text))
  return { name, send, replies }
}

/** OctoPrint's replies are results without `{"result": …}`. */
function wrapped(path: string, reply: object): object {
  return path.startsWith('/api/') && !('error' in reply) ? { result: reply } : reply
}

function httpExchangeOf({ name, request, response }: Line): HttpExchange | undefined {
  const { method, path, headers, body } = request as unknown as HttpRequest
  const { status, reason, headers: replyHeaders, body: reply } = response as HttpResponse
  if (!(PATHS.test(path) || UNKNOWN_PATHS.test(path)) || !isWanted(body ?? '')) return undefined
  const text = `${path} ${body ?? ''}`
  return {
    name,
    method,
    path: path.replace(CONNECTION_ID, digits => (digits.length > 6 ? '{connection_id}' : digits)),
    headers: 'If-None-Match' in headers ? { ...headers, 'If-None-Match': '{etag}' } : headers,
    ...(body !== undefined && { body }),
    status,
    reason,
    replyHeaders: Object.fromEntries(
      replyHeaders
        .map(([key, value]) => [key.toLowerCase(), value])
        .filter(([key = '']) => REPLY_HEADERS.test(key)),
    ),
    etag: replyHeaders.some(([key]) => key.toLowerCase() === 'etag'),
    reply: typeof reply === 'object' && reply !== null ? replyOf(wrapped(path, reply), text) : null,
  }
}

/** Replaces the id of a job by its place in the previous reply: `{queued:1}` for the second. */
function withPlaces(lines: readonly string[]): string[] {
  let ids: string[] = []
  return lines.map(line => {
    const { request, response } = JSON.parse(line) as { request?: unknown; response?: object }
    const text = JSON.stringify(request)
    const placed = text?.replace(QUEUED_ID, id => `{queued:${ids.indexOf(id)}}`)
    const queue = /"queued_jobs":(\[.*?\])/.exec(JSON.stringify(response) ?? '')?.[1]
    if (queue !== undefined) ids = (JSON.parse(queue) as { job_id: string }[]).map(({ job_id }) => job_id)
    return placed === undefined ? line : JSON.stringify({ ...JSON.parse(line), request: JSON.parse(placed) })
  })
}

/** Replaces tokens and keys by their kinds, a oneshot token by the exchange that returned it. */
function withoutSecrets(text: string): string {
  const kinds = text
    .replace(JWT, (_token, claims: string) => {
      const { token_type } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { token_type: string }
      return `{${token_type}_token}`
    })
    .replace(API_KEY, '{api_key}')
  const given = [...kinds.matchAll(/"name":"(\w+)".*"result":"([A-Z2-7]{32})"/g)]
  return given.reduce((left, [, name = '', token = '']) => left.replaceAll(token, `{oneshot:${name}}`), kinds)
}

function readLines(folder: string, name: string): Line[] {
  const read = readFileSync(join(folder, `${name}.jsonl`), 'utf8')
  const text = /auth|logins/.test(name) ? withoutSecrets(read) : read
  return withPlaces(text.split('\n').filter(line => line !== ''))
    .map(line => JSON.parse(line) as Line)
    .filter(
      line => !DEPENDENT.has(`${name}/${line.name}`) && !(name === 'http_files' && BODILESS.test(line.name)),
    )
}

function write(name: string, exchanges: readonly (Exchange | HttpExchange)[]): void {
  mkdirSync(TARGET, { recursive: true })
  const lines = exchanges.map(exchange => `  ${JSON.stringify(exchange)}`)
  writeFileSync(join(TARGET, `${name}.json`), `[\n${lines.join(',\n')}\n]\n`)
  process.stdout.write(`${name}: ${exchanges.length}\n`)
}

const [folder] = process.argv.slice(2)
if (folder === undefined || !existsSync(folder)) {
  process.stderr.write('Usage: node scripts/import-recordings.ts <folder with the recordings (*.jsonl)>\n')
  process.exit(1)
}
const isDefined = <T>(value: T | undefined): value is T => value !== undefined
const lasting = [
  'ws_core',
  'ws_raw',
  'unix_socket',
  'ws_db',
  'ws_jobqueue',
  'ws_files',
  'ws_auth',
  'ws_force_logins',
  'ws_agents',
]
for (const name of lasting) {
  const exchanges = readLines(folder, name).map(exchangeOf).filter(isDefined)
  write(
    name,
    exchanges.filter(({ send }) => isWanted(textOf(send))),
  )
}
// Klippy's own methods, through the bridge.
write('ws_klippysocket', readLines(folder, 'ws_klippysocket').map(exchangeOf).filter(isDefined))
const http = [
  'http_core',
  'http_jsonrpc',
  'http_db',
  'http_jobqueue',
  'http_files',
  'http_auth',
  'http_force_logins',
  'http_agents',
]
for (const name of http) {
  const lines = readLines(folder, name).filter(({ request }) => request !== undefined)
  write(name, lines.map(httpExchangeOf).filter(isDefined))
}
