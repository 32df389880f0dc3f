// The OpenAPI 3.1 document (spec.openapis.org): everything that can be called by HTTP.
import { type JsonSchema, type Shape, shapeJson } from '../schema/index.ts'
import { type DocumentedMethod, type DocumentInfo, tagOf, tagsOf } from './documented.ts'
import type { Endpoint, Verb } from './endpoint.ts'
import { exampleOf } from './examples.ts'
import type { RawRouteDocument } from './raw-routes.ts'

type Document = Readonly<Record<string, unknown>>

const SECURITY_SCHEMES = {
  api_key: {
    type: 'apiKey',
    in: 'header',
    name: 'X-Api-Key',
    description:
      'The API key of the server (access.get_api_key), or one of a program (access.api_keys.create)',
  },
  jwt: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'The token of access.login; good for an hour',
  },
  oneshot_token: {
    type: 'apiKey',
    in: 'query',
    name: 'token',
    description: 'From access.oneshot_token; good for one request within 5 seconds',
  },
}

/** Any one of them; none is needed from an address that [authorization] trusts. */
const SECURITY = [...Object.keys(SECURITY_SCHEMES).map(name => ({ [name]: [] })), {}]

const ERROR: JsonSchema = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['code', 'message'],
      properties: {
        code: { type: 'integer', description: 'The HTTP status' },
        message: { type: 'string', description: 'For people' },
      },
    },
  },
}

/** What the document is made of. */
export interface OpenApiParts {
  readonly methods: Iterable<DocumentedMethod>
  /** The raw routes that are served. */
  readonly rawRoutes: readonly RawRouteDocument[]
  readonly info: DocumentInfo
  /** What comes before every path, as '/printer1'; '' for nothing. */
  readonly prefix: string
}

/** Describes every route of `methods` and every raw route. */
export function openapi({ methods, rawRoutes, info, prefix }: OpenApiParts): Document {
  const served = [...methods].filter(({ endpoint }) => endpoint.routes.length > 0)
  const paths: Record<string, Record<string, unknown>> = {}
  const add = (verb: Verb, path: string, operation: Document) => {
    paths[path] ??= {}
    paths[path][verb.toLowerCase()] = operation
  }
  for (const method of served) {
    method.endpoint.routes.forEach(({ verb, path }, index) => {
      add(verb, path, describeRoute(method, verb, index === 0))
    })
  }
  for (const route of rawRoutes) add(route.verb, route.path, describeRaw(route))
  return {
    openapi: '3.1.0',
    info: { ...info },
    ...(prefix !== '' && { servers: [{ url: prefix }] }),
    tags: tagsOf(
      served,
      rawRoutes.map(({ tag }) => tag),
    ),
    security: SECURITY,
    paths,
    components: {
      securitySchemes: SECURITY_SCHEMES,
      schemas: { Error: ERROR },
      responses: {
        Error: {
          description: 'The request was not answered; the status says why',
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
        },
      },
    },
  }
}

function describeRoute({ name, endpoint }: DocumentedMethod, verb: Verb, first: boolean): Document {
  const { params, reading, result, auth, role, summary } = endpoint
  const example = exampleOf(name)
  const inBody = verb === 'POST'
  const takesArguments = reading !== 'declared' || Object.keys(params).length > 0
  const parameters = inBody ? [] : queryParameters(params, reading === 'objects', example)
  return {
    operationId: first ? name : `${name}.${verb.toLowerCase()}`,
    summary,
    description: remarks(name, endpoint, verb),
    tags: [tagOf(name)],
    ...(parameters.length > 0 && { parameters }),
    ...(inBody && takesArguments && { requestBody: requestBody(params, reading !== 'declared', example) }),
    ...(auth ? { 'x-role': role } : { security: [] }),
    responses: {
      200: reply('The result', {
        'application/json': { type: 'object', required: ['result'], properties: { result: result.json } },
      }),
      default: { $ref: '#/components/responses/Error' },
    },
  }
}

/** What a route's types do not say. */
function remarks(name: string, { auth, role, changes, over }: Endpoint, verb: Verb): string {
  const texts = [
    ...(over.includes('websocket') ? [`JSON-RPC: \`${name}\`.`] : []),
    auth ? `Role: ${role}.` : 'Needs no login.',
    ...(changes && verb === 'GET' ? ['Browsers may be refused: they do it by POST.'] : []),
  ]
  return texts.join(' ')
}

type Example = Readonly<Record<string, unknown>> | undefined

/**
 * Arguments of the query string. Of status objects each key is an object's name (API document, "Query printer object
 * status").
 */
function queryParameters(shape: Shape, byObjects: boolean, example: Example): Document[] {
  const { properties, required = [] } = shapeJson(shape) as {
    properties: Record<string, JsonSchema>
    required?: readonly string[]
  }
  return Object.entries(properties).map(([name, { description, ...schema }]) =>
    byObjects && name === 'objects'
      ? OBJECTS_IN_QUERY
      : {
          name,
          in: 'query',
          ...(description !== undefined && { description }),
          required: required.includes(name),
          schema,
          ...(example?.[name] !== undefined && { example: example[name] }),
        },
  )
}

const OBJECTS_IN_QUERY = {
  name: 'objects',
  in: 'query',
  description:
    'Each key is an object, its value the wanted fields with commas between; empty for all of them',
  required: true,
  style: 'form',
  explode: true,
  schema: { type: 'object', additionalProperties: { type: 'string' } },
  example: { print_stats: '', toolhead: 'position,homed_axes' },
}

/** The body of a POST. The server takes the same arguments from the query string; the document's head says so. */
function requestBody(shape: Shape, open: boolean, example: Example): Document {
  const schema = { ...shapeJson(shape), ...(open && { additionalProperties: true }) }
  const required = Object.values(shape).some(({ fallback }) => fallback === undefined)
  const body = { schema, ...(example !== undefined && { example }) }
  return { required, content: { 'application/json': body, 'application/x-www-form-urlencoded': body } }
}

const IN_PATH: Readonly<Record<string, string>> = {
  root: 'Such as gcodes, config or logs; see server.files.roots',
  filename: 'Below the root; folders with slashes between',
}

function describeRaw({ path, id, tag, summary, body, status, reply: replies }: RawRouteDocument): Document {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    ...(IN_PATH[name ?? ''] !== undefined && { description: IN_PATH[name ?? ''] }),
    schema: { type: 'string' },
  }))
  return {
    operationId: id,
    summary,
    tags: [tag],
    ...(inPath.length > 0 && { parameters: inPath }),
    ...(body !== undefined && { requestBody: { required: true, content: contentOf(body) } }),
    responses: { [status]: reply('Done', replies), default: { $ref: '#/components/responses/Error' } },
  }
}

function reply(description: string, bodies: Readonly<Record<string, JsonSchema>>): Document {
  return { description, content: contentOf(bodies) }
}

function contentOf(bodies: Readonly<Record<string, JsonSchema>>): Document {
  return Object.fromEntries(Object.entries(bodies).map(([type, schema]) => [type, { schema }]))
}
