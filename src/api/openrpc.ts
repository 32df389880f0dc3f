// The OpenRPC document (spec.open-rpc.org, 1.3.2): everything that can be called by JSON-RPC.
import { type JsonSchema, type Shape, shapeJson } from '../schema/index.ts'
import { type DocumentedMethod, type DocumentInfo, tagOf, tagsOf } from './documented.ts'
import type { Transport } from './endpoint.ts'
import { exampleOf } from './examples.ts'
import type { Notification } from './notifications.ts'

/** A document ready to be turned into JSON. */
export type Document = Readonly<Record<string, unknown>>

/** Errors by the names under which methods refer to them. JSON-RPC codes; see `rpcCode` for their HTTP statuses. */
const ERRORS = {
  bad_arguments: { code: 400, message: 'Arguments are missing or of the wrong type' },
  unauthorized: { code: -32602, message: 'Unauthorized' },
  forbidden: { code: 403, message: "The caller's role is not enough; see x-role" },
  not_found: { code: -32601, message: 'Method not found' },
  invalid_params: { code: -32602, message: 'Invalid params:' },
  invalid_request: { code: -32600, message: 'Invalid Request' },
  parse_error: { code: -32700, message: 'Parse error' },
  internal: { code: 500, message: 'Internal Server Error' },
  klippy_disconnected: { code: 503, message: 'Klippy Host not connected' },
} as const

/** Where JSON-RPC is spoken. */
const TRANSPORTS = {
  websocket: 'GET /websocket (upgrade), one message a frame',
  unix: 'comms/moonraker.sock in the data folder, each message ended by the byte 0x03',
  http: 'POST /server/jsonrpc; without notifications',
  mqtt: '{instance_name}/moonraker/api/request, where [mqtt] is configured',
} as const satisfies Partial<Record<Transport, string>>

/**
 * Describes `methods` and `notifications`. Notifications go from the server to its clients only, so they stand under
 * `x-notifications` and not among the methods, which generated clients would offer for calling.
 */
export function openrpc(
  methods: Iterable<DocumentedMethod>,
  notifications: Readonly<Record<string, Notification>>,
  info: DocumentInfo,
): Document {
  const callable = [...methods].filter(({ endpoint }) => endpoint.over.some(isWire))
  return {
    openrpc: '1.3.2',
    info: { ...info },
    methods: callable.map(describeMethod),
    components: {
      errors: ERRORS,
      tags: Object.fromEntries(tagsOf(callable).map(tag => [keyOf(tag.name), tag])),
    },
    'x-transports': TRANSPORTS,
    'x-notifications': Object.entries(notifications).map(describeNotification),
  }
}

function isWire(transport: Transport): boolean {
  return transport in TRANSPORTS
}

/** A name as keys of components may be written. */
function keyOf(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_')
}

function describeMethod({ name, endpoint }: DocumentedMethod): Document {
  const { summary, params, result, auth, role, over, routes } = endpoint
  return {
    name,
    summary,
    tags: [{ $ref: `#/components/tags/${keyOf(tagOf(name))}` }],
    paramStructure: 'by-name',
    params: describeParams(params),
    result: { name: 'result', schema: draft7(result.json) },
    ...examplesOf(name),
    errors: errorsOf({ name, endpoint }).map(error => ({ $ref: `#/components/errors/${error}` })),
    'x-auth': auth,
    ...(auth && { 'x-role': role }),
    'x-transports': over.filter(isWire),
    'x-http': routes.map(({ verb, path }) => `${verb} ${path}`),
  }
}

/** A pairing without a result: that depends on the printer. */
function examplesOf(name: string): { readonly examples?: readonly Document[] } {
  const example = exampleOf(name)
  if (example === undefined) return {}
  const params = Object.entries(example).map(([key, value]) => ({ name: key, value }))
  return { examples: [{ name: 'To begin with', params }] }
}

/** Required parameters first, as OpenRPC demands. */
function describeParams(shape: Shape): Document[] {
  const { properties, required = [] } = shapeJson(shape) as {
    properties: Record<string, JsonSchema>
    required?: readonly string[]
  }
  return Object.entries(properties)
    .map(([name, { description, ...schema }]) => ({
      name,
      ...(description !== undefined && { description }),
      required: required.includes(name),
      schema: draft7(schema),
    }))
    .sort((a, b) => Number(b.required) - Number(a.required))
}

function errorsOf({ name, endpoint }: DocumentedMethod): (keyof typeof ERRORS)[] {
  const takesArguments = endpoint.reading !== 'declared' || Object.keys(endpoint.params).length > 0
  return [
    ...(takesArguments ? (['bad_arguments'] as const) : []),
    ...(endpoint.auth ? (['unauthorized'] as const) : []),
    ...(endpoint.auth && endpoint.role !== 'viewer' ? (['forbidden'] as const) : []),
    ...(name.startsWith('printer.') ? (['klippy_disconnected'] as const) : []),
    'internal',
  ]
}

function describeNotification([name, { summary, params }]: [string, Notification]): Document {
  return {
    name,
    summary,
    paramStructure: 'by-position',
    params: params.map((schema, place) => ({
      name: `param${place}`,
      required: true,
      schema: draft7(schema.json),
    })),
  }
}

/** OpenRPC's schemas are of JSON Schema draft 7, which says `items` where 2020-12 says `prefixItems`. */
function draft7(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(draft7)
  if (typeof schema !== 'object' || schema === null) return schema
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key === 'prefixItems' ? 'items' : key, draft7(value)]),
  )
}
