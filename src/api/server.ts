// API document: "Server Administration". Our own: server.about.
import {
  bool,
  choice,
  float,
  int,
  type JsonSchema,
  json,
  list,
  object,
  record,
  string,
  tuple,
} from '../schema/index.ts'
import { chapter, event } from './chapter.ts'
import { get, post, rpcOnly } from './endpoint.ts'

/** Kinds of clients that may identify themselves. */
export const CLIENT_TYPES = ['web', 'mobile', 'desktop', 'display', 'bot', 'agent', 'other'] as const

/** `server.info`; the fields after `api_version_string` are missing in the document and needed by clients. */
export const ServerInfo = object({
  klippy_connected: bool(),
  klippy_state: choice('disconnected', 'startup', 'ready', 'error', 'shutdown'),
  components: list(string()),
  failed_components: list(string()),
  registered_directories: list(string()),
  warnings: list(string()).describe('For people; line breaks are <br/>, or as they are with raw'),
  websocket_count: int(),
  moonraker_version: string(),
  missing_klippy_requirements: list(string()),
  api_version: tuple(int(), int(), int()),
  api_version_string: string(),
})

const SensorStore = object({
  temperatures: list(float().nullable()).describe('°C, oldest first, one a second'),
  targets: list(float().nullable()).optional(),
  powers: list(float().nullable()).describe('0 to 1').optional(),
  speeds: list(float().nullable()).describe('0 to 1').optional(),
})

const GcodeStoreEntry = object({
  message: string(),
  time: float().describe('Seconds since the epoch'),
  type: choice('command', 'response'),
})

const ConfigView = record(record(json()))

const JSON_RPC: JsonSchema = {
  ...object({
    jsonrpc: choice('2.0'),
    method: string(),
    params: record(json()).optional(),
    id: json().describe('A number or a text, which the reply repeats; a notification has none').optional(),
  }).json,
  examples: [{ jsonrpc: '2.0', method: 'server.info', id: 1 }],
}

/** Where a server listens. */
export interface ListeningAt {
  readonly host: string
  readonly port: number
  /** Null without HTTPS. */
  readonly tlsPort: number | null
}

export const server = chapter({
  title: 'Server Administration',
  about: 'The server itself, its configuration and its connections',
  methods: {
    'server.info': get('/server/info', {
      summary: 'The state of the server and of its connection to Klippy',
      params: { raw: bool().describe('Do not replace line breaks in warnings').default(false) },
      result: ServerInfo,
    }),
    'server.about': get('/server/about', {
      summary: 'What people need to know of this server',
      result: object({
        version: string().describe('Of this program; server.info has the version that clients compare'),
        addresses: list(string()).describe('As http://192.168.1.5:7125; those for this machine first'),
        frontends: list(
          object({ name: string(), path: string().describe('Below the route prefix') }),
        ).describe('Those that it serves'),
        nginx_frontends: list(
          object({ name: string(), scheme: choice('http', 'https'), port: int() }),
        ).describe('Those that nginx serves on the same machine'),
        refused_sites: list(string()).describe('Sites with front-ends, which cors_domains does not allow'),
        socket: string().describe("The server's unix socket"),
        klippy_socket: string().describe("Klippy's unix socket"),
      }),
    }),
    'server.config': get('/server/config', {
      summary: 'The configuration: as read, as written, and its files',
      result: object({
        config: ConfigView,
        orig: ConfigView,
        files: list(object({ filename: string(), sections: list(string()) })),
      }),
    }),
    'server.logs.rollover': post('/server/logs/rollover', {
      role: 'admin',
      summary: 'Start new log files',
      params: { application: string().describe('moonraker or klipper; all if left out').optional() },
      result: object({ rolled_over: list(string()), failed: record(string()) }),
    }),
    'server.restart': post('/server/restart', {
      role: 'admin',
      summary: 'Restart the server, after the reply',
      result: choice('ok'),
    }),
    'server.connection.identify': rpcOnly({
      summary: 'Identify the client; once per connection',
      params: {
        client_name: string(),
        version: string(),
        type: string().describe(`One of ${CLIENT_TYPES.join(', ')}`),
        url: string(),
        access_token: string().optional(),
        api_key: string().optional(),
      },
      example: {
        client_name: 'my client',
        version: '1.0.0',
        type: 'other',
        url: 'https://example.com/my-client',
      },
      result: object({ connection_id: int() }),
      auth: false,
    }),
    'server.websocket.id': rpcOnly({
      summary: "The connection's id; deprecated: use server.connection.identify",
      result: object({ websocket_id: int() }),
      role: 'viewer',
    }),
  },
  raw: {
    jsonrpc: {
      verb: 'POST',
      path: '/server/jsonrpc',
      summary: 'JSON-RPC over HTTP: one call or a batch of calls; the status is always 200',
      body: { 'application/json': { anyOf: [JSON_RPC, { type: 'array', items: JSON_RPC }] } },
      status: 200,
      reply: { 'application/json': json().describe('Empty for notifications').json },
    },
    healthz: {
      verb: 'GET',
      path: '/healthz',
      summary:
        'Whether the server and its database answer, for watchdogs: else the status is 503. Needs no login',
      status: 200,
      reply: { 'application/json': object({ status: string() }).json },
    },
    readyz: {
      verb: 'GET',
      path: '/readyz',
      summary:
        'Whether every component has started: else the status is 503. `?klippy` also demands that Klippy is ready. ' +
        'Needs no login',
      status: 200,
      reply: { 'application/json': object({ status: string(), failed_components: list(string()) }).json },
    },
  },
  events: {
    'server:listening': event<[at: ListeningAt]>('The server takes requests; components start after this'),
    'server:restart': event('The server restarts as soon as the reply to the request is sent'),
  },
})

export const dataStore = chapter({
  title: 'Data Store',
  about: 'Recorded temperatures and console lines',
  methods: {
    'server.temperature_store': get('/server/temperature_store', {
      summary: 'Temperatures of the last minutes, by sensor',
      params: {
        include_monitors: bool().describe('Include monitors, whose values may be null').default(false),
      },
      result: record(SensorStore),
    }),
    'server.gcode_store': get('/server/gcode_store', {
      summary: "The latest lines of Klipper's console",
      params: { count: int().describe('At most this many, the latest').optional() },
      example: { count: 20 },
      result: object({ gcode_store: list(GcodeStoreEntry) }),
    }),
  },
})
