// Makes test/fixtures/recordings from recordings of the original server: requests with the status, the error and the
// shape of each reply, without the bulky bodies. Run by hand: node scripts/import-recordings.ts <folder of recordings>
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Exchange, HttpExchange, Reply, Sent } from '../test/recordings/fixture.ts'
import { shapeOf } from '../test/recordings/shape.ts'

/** A line of the recordings: of any transport. */
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

/** Methods and paths that are served; recordings of other sections come in with them. */
const METHODS =
  /^(server\.(info|config|temperature_store|gcode_store|logs\.rollover|restart|connection\.identify|websocket\.id)|printer\..*|machine\.(peripherals\.\w+|proc_stats|system_info|services\..*|sudo\..*)|server\.(database|history|job_queue|files|webcams|extensions|announcements)\..*|connection\..*|access\..*)$/
const PATHS =
  /^\/(server\/(info|config|temperature_store|gcode_store|jsonrpc|database|history|job_queue|files|webcams|extensions|announcements)|printer|machine\/(peripherals|proc_stats|system_info|services|sudo)|access|api|nosuch)\b/
const UNKNOWN = /^(server\.nosuch\.method|nosuch|x|Server\.Info|server\/info|api\.version)$/
/** A method of the agent that was recorded, as it stands in requests to it. */
const AGENT_METHOD = /^do\.it$/
const UNKNOWN_PATHS = /^\/server\/(nosuch|connection\/identify)/

/** Sections of server.config whose options are compared. */
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

/** Objects whose keys are names, by their own key; and results that are such objects as a whole. */
const NAMED_KEYS = new Set(['status', 'config', 'orig', 'network', 'system_cpu_usage', 'metadata', 'value'])
const NAMED_RESULTS = /server\.temperature_store|server\/temperature_store|gcode[./]help|query_endstops/

/** Under this key are options as they were written: each machine has others. */
const WRITTEN_SECTIONS = 'orig'
/** The status of a macro is its variables, which each printer.cfg declares itself. */
const MACRO = 'gcode_macro '

/** Headers of replies that clients depend on. */
const REPLY_HEADERS = /^(content-type|access-control-.*|location)$/

/** The id that the recorded WebSocket had, as it stands in paths. */
const CONNECTION_ID = /(?<=connection_id=)\d{6,}/

/** The ids of queued jobs in requests; in fixtures they are given by the place in the queue. */
const QUEUED_ID = /\b0000[0-9A-F]{12}\b/g

/** What these ask for was made by exchanges that are not among the recordings, and cannot be made anew. */
const DEPENDENT = new Set([
  'http_db/db_del_nested',
  // Recorded without its error.
  'http_auth/untrusted_log',
  // The metadata of the recorded file; the goldens of the metadata say more.
  ...['dir_ext', 'metadata', 'metadata_sub', 'thumbnails', 'delete_file_docs'].map(
    name => `ws_files/${name}`,
  ),
  ...['dir_ext', 'dir_extended_str', 'metascan', 'thumbnails'].map(name => `http_files/${name}`),
])

/** Uploads are recorded without their bodies, downloads without those of the replies. */
const BODILESS = /^(upload|octo|dl)_/

/** Tokens and keys in requests; in fixtures they are given by their kinds, `{access_token}`. */
const JWT = /\beyJ[\w-]+\.([\w-]+)\.[\w-]+/g
const API_KEY = /\b[0-9a-f]{32}\b/g

/** Past this many characters a request is left out: what it shows is the size, not the shape. */
const MAX_REQUEST = 5000

function shapeOfResult(result: unknown, asked: string): ReturnType<typeof shapeOf> {
  const named = (path: readonly string[]) => {
    const key = path.at(-1)
    if (key === undefined) return NAMED_RESULTS.test(asked)
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

function replyOf(message: unknown, asked: string): Reply | Reply[] {
  if (Array.isArray(message)) return message.map(item => replyOf(item, asked) as Reply)
  const { id, error, result } = message as { id?: unknown; error?: Reply['error']; result?: unknown }
  return {
    ...(id !== undefined && { id }),
    ...(error !== undefined && { error }),
    ...(result !== undefined && { result: shapeOfResult(result, asked) }),
  }
}

/** Whether a JSON-RPC text is one that is served, or no call at all. */
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

/** OctoPrint's replies are results without the wrapping. */
function wrapped(path: string, reply: object): object {
  return path.startsWith('/api/') && !('error' in reply) ? { result: reply } : reply
}

function httpExchangeOf({ name, request, response }: Line): HttpExchange | undefined {
  const { method, path, headers, body } = request as unknown as HttpRequest
  const { status, reason, headers: replyHeaders, body: reply } = response as HttpResponse
  if (!(PATHS.test(path) || UNKNOWN_PATHS.test(path)) || !isWanted(body ?? '')) return undefined
  const asked = `${path} ${body ?? ''}`
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
    reply: typeof reply === 'object' && reply !== null ? replyOf(wrapped(path, reply), asked) : null,
  }
}

/** Puts `{queued:1}` in the place of the id of the second job that the reply before told of. */
function withPlaces(lines: readonly string[]): string[] {
  let ids: string[] = []
  return lines.map(line => {
    const { request, response } = JSON.parse(line) as { request?: unknown; response?: object }
    const asked = JSON.stringify(request)
    const placed = asked?.replace(QUEUED_ID, id => `{queued:${ids.indexOf(id)}}`)
    const queue = /"queued_jobs":(\[.*?\])/.exec(JSON.stringify(response) ?? '')?.[1]
    if (queue !== undefined) ids = (JSON.parse(queue) as { job_id: string }[]).map(({ job_id }) => job_id)
    return placed === undefined ? line : JSON.stringify({ ...JSON.parse(line), request: JSON.parse(placed) })
  })
}

/** Puts kinds in the place of tokens and keys; a oneshot token by the exchange that gave it. */
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
  process.stderr.write('Give the folder that holds the recordings (*.jsonl).\n')
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
// Klippy's own methods, as they go through the bridge.
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
