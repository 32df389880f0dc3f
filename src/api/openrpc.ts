// The OpenRPC document (spec.open-rpc.org, 1.3.2): every method of JSON-RPC.
import type { Shape } from '../schema/index.ts'
import type { Notification } from './chapter.ts'
import { type DocumentedMethod, type DocumentInfo, tagsOf } from './documented.ts'
import { type Endpoint, TRANSPORTS, type Transport } from './endpoint.ts'

/** A document, as JSON values. */
export type Document = Readonly<Record<string, unknown>>

/** Errors by the names under which methods refer to them. JSON-RPC codes; see `rpcCode` for their HTTP statuses. */
const ERRORS = {
  bad_arguments: { code: 400, message: 'Arguments are missing or of the wrong type' },
  unauthorized: { code: -32602, message: 'Unauthorized' },
  forbidden: { code: 403, message: "The caller's role is too low; see x-role" },
  not_found: { code: -32601, message: 'Method not found' },
  invalid_params: { code: -32602, message: 'Invalid params:' },
  invalid_request: { code: -32600, message: 'Invalid Request' },
  parse_error: { code: -32700, message: 'Parse error' },
  internal: { code: 500, message: 'Internal Server Error' },
  klippy_disconnected: { code: 503, message: 'Klippy Host not connected' },
} as const

/**
 * Describes `methods` and `notifications`. Notifications go from the server to its clients only, so they are in
 * `x-notifications`, not among the methods, which generated clients would offer as calls.
 */
export function openrpc(
  methods: Iterable<DocumentedMethod>,
  notifications: Readonly<Record<string, Notification>>,
  info: DocumentInfo,
): Document {
  const callable = [...methods].filter(({ endpoint }) => endpoint.transports.some(isWire))
  return {
    openrpc: '1.3.2',
    info: { ...info },
    methods: callable.map(describeMethod),
    components: {
      errors: ERRORS,
      tags: Object.fromEntries(
        tagsOf(callable.map(({ heading }) => heading)).map(tag => [keyOf(tag.name), tag]),
      ),
    },
    'x-transports': TRANSPORTS,
    'x-notifications': Object.entries(notifications).map(describeNotification),
  }
}

function isWire(transport: Transport): boolean {
  return transport in TRANSPORTS
}

/** A name in a form that is allowed as a key of `components`. */
function keyOf(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_')
}

function describeMethod({ name, endpoint, heading }: DocumentedMethod): Document {
  const { summary, params, result, auth, role, transports, routes } = endpoint
  return {
    name,
    summary,
    tags: [{ $ref: `#/components/tags/${keyOf(heading.title)}` }],
    paramStructure: 'by-name',
    params: describeParams(params),
    result: { name: 'result', schema: draft7(result.json) },
    ...examplesOf(endpoint),
    errors: errorsOf(name, endpoint).map(error => ({ $ref: `#/components/errors/${error}` })),
    'x-auth': auth,
    ...(auth && { 'x-role': role }),
    'x-transports': transports.filter(isWire),
    'x-http': routes.map(({ verb, path }) => `${verb} ${path}`),
  }
}

/** An example without a result, which depends on the printer. */
function examplesOf({ example }: Endpoint): { readonly examples?: readonly Document[] } {
  if (example === undefined) return {}
  const params = Object.entries(example).map(([key, value]) => ({ name: key, value }))
  return { examples: [{ name: 'A first call', params }] }
}

/** Required parameters first, as OpenRPC demands. Parameters that take arguments by their keys have `x-keys`. */
function describeParams(shape: Shape): Document[] {
  return Object.entries(shape)
    .map(
      ([
        name,
        {
          json: { description, ...schema },
          fallback,
          keyed,
        },
      ]) => ({
        name,
        ...(description !== undefined && { description }),
        required: fallback === undefined,
        schema: draft7(schema),
        ...(keyed === 'always' && { 'x-keys': true }),
      }),
    )
    .sort((a, b) => Number(b.required) - Number(a.required))
}

function errorsOf(name: string, endpoint: Endpoint): (keyof typeof ERRORS)[] {
  const takesArguments = endpoint.passThrough || Object.keys(endpoint.params).length > 0
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

/** OpenRPC uses JSON Schema draft 7, where `prefixItems` of 2020-12 is `items`. */
function draft7(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(draft7)
  if (typeof schema !== 'object' || schema === null) return schema
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key === 'prefixItems' ? 'items' : key, draft7(value)]),
  )
}
