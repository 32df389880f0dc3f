// The OpenAPI 3.1 document (spec.openapis.org): everything that can be called by HTTP.
import { type JsonSchema, type Shape, shapeJson } from '../schema/index.ts'
import { type DocumentedMethod, type DocumentInfo, tagOf, tagsOf } from './documented.ts'
import type { Verb } from './endpoint.ts'
import type { RawRouteDocument } from './raw-routes.ts'

type Document = Readonly<Record<string, unknown>>

const SECURITY_SCHEMES = {
  api_key: { type: 'apiKey', in: 'header', name: 'X-Api-Key' },
  jwt: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'From access.login' },
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
    tags: allTags(served, rawRoutes),
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

function allTags(
  methods: readonly DocumentedMethod[],
  rawRoutes: readonly RawRouteDocument[],
): readonly object[] {
  const tags = tagsOf(methods)
  const missing = new Set(rawRoutes.map(({ tag }) => tag))
  for (const { name } of tags) missing.delete(name)
  return [...tags, ...[...missing].map(name => ({ name }))]
}

function describeRoute({ name, endpoint }: DocumentedMethod, verb: Verb, first: boolean): Document {
  const { params, reading, result, auth, role, summary } = endpoint
  const inBody = verb === 'POST'
  const parameters = queryParameters(params, reading === 'objects', inBody)
  return {
    operationId: first ? name : `${name}.${verb.toLowerCase()}`,
    summary,
    tags: [tagOf(name)],
    ...(parameters.length > 0 && { parameters }),
    ...(inBody && { requestBody: requestBody(params, reading !== 'declared') }),
    ...(auth ? { 'x-role': role } : { security: [] }),
    responses: {
      200: reply('The result', {
        'application/json': { type: 'object', required: ['result'], properties: { result: result.json } },
      }),
      default: { $ref: '#/components/responses/Error' },
    },
  }
}

/**
 * Arguments of the query string. A POST takes the same ones there as in its body, so none of them is required.
 * Of status objects each key is an object's name (API document, "Query printer object status").
 */
function queryParameters(shape: Shape, byObjects: boolean, inBody: boolean): Document[] {
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
          required: !inBody && required.includes(name),
          schema,
        },
  )
}

const OBJECTS_IN_QUERY = {
  name: 'objects',
  in: 'query',
  description:
    'Each key is an object, its value the wanted fields with commas between; empty for all of them',
  style: 'form',
  explode: true,
  schema: { type: 'object', additionalProperties: { type: 'string' } },
}

/** The body of a POST. It is not required, because the query string can hold the same; it wins over it. */
function requestBody(shape: Shape, open: boolean): Document {
  const { required: _, ...schema } = shapeJson(shape)
  const body = { schema: { ...schema, ...(open && { additionalProperties: true }) } }
  return { content: { 'application/json': body, 'application/x-www-form-urlencoded': body } }
}

function describeRaw({ path, id, tag, summary, body, status, reply: replies }: RawRouteDocument): Document {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
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
