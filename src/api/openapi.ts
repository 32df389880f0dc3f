// The OpenAPI 3.1 document (spec.openapis.org): every route of HTTP.
import { argumentsJson, isPlainObject, type JsonSchema, type Schema, type Shape } from '../schema/index.ts'
import type { Chapter, Heading, RawEndpoint } from './chapter.ts'
import { type DocumentedMethod, type DocumentInfo, tagsOf } from './documented.ts'
import type { Endpoint, Route, Verb } from './endpoint.ts'

type Document = Readonly<Record<string, unknown>>

const SECURITY_SCHEMES = {
  api_key: {
    type: 'apiKey',
    in: 'header',
    name: 'X-Api-Key',
    description: 'The API key of the server (access.get_api_key), or a named one (access.api_keys.create)',
  },
  jwt: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'The token of access.login; valid for an hour',
  },
  oneshot_token: {
    type: 'apiKey',
    in: 'query',
    name: 'token',
    description: 'From access.oneshot_token; valid for one request within 5 seconds',
  },
}

/** Any one of them. Clients at an address that [authorization] trusts need none. */
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

/** A raw endpoint with its id and the heading of its chapter. */
export interface DocumentedRoute extends RawEndpoint {
  readonly id: string
  readonly heading: Heading
}

/** The raw endpoints of `chapters`. */
export function rawEndpointsOf(chapters: Iterable<Chapter>): DocumentedRoute[] {
  return [...chapters].flatMap(heading =>
    Object.entries(heading.raw).map(([id, endpoint]) => ({ ...endpoint, id, heading })),
  )
}

/** What the document consists of. */
export interface OpenApiParts {
  readonly methods: Iterable<DocumentedMethod>
  /** The raw endpoints that the server serves. */
  readonly raw: readonly DocumentedRoute[]
  readonly info: DocumentInfo
  /** Comes before every path, such as '/printer1'; '' for none. */
  readonly prefix: string
}

/** Describes every route of `methods` and every raw endpoint. */
export function openapi({ methods, raw, info, prefix }: OpenApiParts): Document {
  const served = [...methods].filter(({ endpoint }) => endpoint.routes.length > 0)
  const paths: Record<string, Record<string, unknown>> = {}
  const add = (verb: Verb, path: string, operation: Document) => {
    paths[path] ??= {}
    paths[path][verb.toLowerCase()] = operation
  }
  for (const method of served) {
    method.endpoint.routes.forEach(({ verb, path }, index) => {
      add(verb, path, describeRoute(method, { verb, path }, index === 0))
    })
  }
  for (const route of raw) add(route.verb, route.path, describeRaw(route))
  return {
    openapi: '3.1.0',
    info: { ...info },
    ...(prefix !== '' && { servers: [{ url: prefix }] }),
    tags: tagsOf([...served, ...raw].map(({ heading }) => heading)),
    security: SECURITY,
    paths,
    components: {
      securitySchemes: SECURITY_SCHEMES,
      schemas: { Error: ERROR },
      responses: {
        Error: {
          description: 'The request failed; the status is the reason',
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
        },
      },
    },
  }
}

function describeRoute(
  { name, endpoint, heading }: DocumentedMethod,
  { verb, path }: Route,
  first: boolean,
): Document {
  const { params, passThrough, result, auth, role, summary, example } = endpoint
  const inBody = verb === 'POST'
  const [inPath, others] = dividedParams(params, path)
  const takesArguments = passThrough || Object.keys(others).length > 0
  const parameters = [...pathParameters(inPath), ...(inBody ? [] : queryParameters(others, example))]
  return {
    operationId: first ? name : `${name}.${verb.toLowerCase()}`,
    summary,
    description: remarks(name, endpoint, verb),
    tags: [heading.title],
    ...(parameters.length > 0 && { parameters }),
    ...(inBody && takesArguments && { requestBody: requestBody(others, passThrough, example) }),
    ...(auth ? { 'x-role': role } : { security: [] }),
    responses: {
      200: reply('The result', {
        'application/json': { type: 'object', required: ['result'], properties: { result: result.json } },
      }),
      default: { $ref: '#/components/responses/Error' },
    },
  }
}

/** The parameters that are part of the path, and the others. */
function dividedParams(shape: Shape, path: string): [inPath: Shape, others: Shape] {
  const isInPath = ([name]: [string, unknown]) => path.includes(`{${name}}`)
  const all = Object.entries(shape)
  return [Object.fromEntries(all.filter(isInPath)), Object.fromEntries(all.filter(param => !isInPath(param)))]
}

/** Arguments in the path. */
function pathParameters(shape: Shape): Document[] {
  return Object.entries(shape).map(([name, { json }]) => {
    const { description, ...schema } = json
    return { name, in: 'path', ...(description !== undefined && { description }), required: true, schema }
  })
}

/** What the types of a route do not show. */
function remarks(name: string, { auth, role, changes, transports }: Endpoint, verb: Verb): string {
  const texts = [
    ...(transports.includes('websocket') ? [`JSON-RPC: \`${name}\`.`] : []),
    auth ? `Role: ${role}.` : 'Needs no login.',
    ...(changes && verb === 'GET' ? ['The server may refuse browsers: they use POST.'] : []),
  ]
  return texts.join(' ')
}

type Example = Readonly<Record<string, unknown>> | undefined

/** Arguments of the query string. */
function queryParameters(shape: Shape, example: Example): Document[] {
  return Object.entries(shape).map(([name, field]) =>
    field.keyed === undefined ? queryParameter(name, field, example) : keysParameter(name, field, example),
  )
}

function queryParameter(name: string, field: Schema<unknown>, example: Example): Document {
  const { description, ...schema } = field.json
  return {
    name,
    in: 'query',
    ...(description !== undefined && { description }),
    required: field.fallback === undefined,
    schema,
    ...(example?.[name] !== undefined && { example: example[name] }),
  }
}

/** Each entry is an argument: `?light=&heater=` (OpenAPI 3.1, "Style Values": form, exploded). */
function keysParameter(name: string, { json, fallback }: Schema<unknown>, example: Example): Document {
  const entries = example?.[name]
  return {
    name,
    in: 'query',
    description: json.description ?? 'Each key is an argument without a value',
    required: fallback === undefined,
    style: 'form',
    explode: true,
    schema: { type: 'object', additionalProperties: { type: 'string' } },
    ...(isPlainObject(entries) && { example: textsOf(entries) }),
  }
}

/** Lists as the query string has them: with commas between the items. */
function textsOf(entries: Readonly<Record<string, unknown>>): Record<string, string> {
  const texts = Object.entries(entries).map(([key, value]) => [
    key,
    Array.isArray(value) ? value.join(',') : '',
  ])
  return Object.fromEntries(texts) as Record<string, string>
}

/** The body of a POST. The server accepts the same arguments in the query string, as the document's description states. */
function requestBody(shape: Shape, open: boolean, example: Example): Document {
  const schema = { ...argumentsJson(shape), ...(open && { additionalProperties: true }) }
  const required = Object.values(shape).some(({ fallback }) => fallback === undefined)
  const body = { schema, ...(example !== undefined && { example }) }
  return { required, content: { 'application/json': body, 'application/x-www-form-urlencoded': body } }
}

const IN_PATH: Readonly<Record<string, string>> = {
  root: 'Such as gcodes, config or logs; see server.files.roots',
  filename: 'Below the root, with slashes between folders',
}

function describeRaw({
  path,
  id,
  heading,
  summary,
  body,
  status,
  reply: replies,
}: DocumentedRoute): Document {
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
    tags: [heading.title],
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
