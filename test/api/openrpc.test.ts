// The OpenRPC document against OpenRPC's own schema, and against the contract.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import { post } from '../../src/api/endpoint.ts'
import { api, chapters, notifications } from '../../src/api/index.ts'
import { openrpc } from '../../src/api/openrpc.ts'
import { klippyEndpoint } from '../../src/api/printer.ts'
import { int, string, tuple } from '../../src/schema/index.ts'
import { chapterOf, methodsOf } from '../support/chapter.ts'

const INFO = { title: 'test', version: 'v1.0.0', description: 'A test' }

interface Descriptor {
  readonly name: string
  readonly required: boolean
  readonly description?: string
  readonly schema: object
}

interface MethodObject {
  readonly name: string
  readonly params: readonly Descriptor[]
  readonly result: Descriptor
  readonly tags: readonly { readonly $ref: string }[]
  readonly errors: readonly { readonly $ref: string }[]
  readonly examples?: readonly { readonly params: readonly object[] }[]
  readonly 'x-auth': boolean
  readonly 'x-transports': readonly string[]
  readonly 'x-http': readonly string[]
}

interface OpenRpc {
  readonly methods: readonly MethodObject[]
  readonly components: Readonly<Record<string, Readonly<Record<string, { readonly name?: string }>>>>
  readonly 'x-notifications': readonly { readonly name: string; readonly params: readonly Descriptor[] }[]
}

/** The document as a client receives it. */
function documentOf(endpoints: Parameters<typeof openrpc>[0]): OpenRpc {
  return JSON.parse(JSON.stringify(openrpc(endpoints, notifications, INFO)))
}

const everything = () => documentOf(methodsOf([...chapters, klippyEndpoint('motion_report/dump_stepper')]))

/** OpenRPC's schema refers to JSON Schema draft 7 under its own URL, with and without a slash. */
function validator() {
  const ajv = addFormats.default(new Ajv({ strict: false, allErrors: true }))
  const draft7 = {
    allOf: [{ $ref: 'http://json-schema.org/draft-07/schema#' }],
    definitions: { JSONSchemaObject: { properties: { $ref: { type: 'string' } } } },
  }
  ajv.addSchema(draft7, 'https://meta.json-schema.tools')
  ajv.addSchema(draft7, 'https://meta.json-schema.tools/')
  const { $schema: _, ...schema } = createRequire(import.meta.url)('@open-rpc/meta-schema').default
  return ajv.compile(schema)
}

test('the document is valid OpenRPC', () => {
  const validate = validator()
  assert.ok(validate(everything()), JSON.stringify(validate.errors, null, 1))
  assert.ok(!validate({ ...everything(), methods: [{ name: 'x' }] }))
})

test('it contains every method once, with its chapter and its errors', () => {
  const { methods, components } = everything()
  const names = methods.map(({ name }) => name)
  assert.deepEqual(names.slice().sort(), [...Object.keys(api), 'printer.motion_report.dump_stepper'].sort())
  for (const { tags, errors } of methods) {
    for (const { $ref } of [...tags, ...errors]) {
      const [, kind = '', key = ''] = /^#\/components\/(\w+)\/(\w+)$/.exec($ref) ?? []
      assert.ok(components[kind]?.[key], $ref)
    }
  }
  const dump = methods.find(({ name }) => name === 'printer.motion_report.dump_stepper')
  assert.equal(components.tags?.[dump?.tags[0]?.$ref.split('/').at(-1) ?? '']?.name, 'Klipper')
})

test('parameters are named, required ones first', () => {
  const endpoint = post('/x', {
    summary: 'x',
    params: { late: int().describe('Seconds').default(1), first: string() },
    result: tuple(int(), string()),
  })
  const [method] = documentOf(methodsOf([chapterOf({ 'server.x': endpoint })])).methods
  assert.deepEqual(method?.params, [
    { name: 'first', required: true, schema: { type: 'string' } },
    { name: 'late', required: false, description: 'Seconds', schema: { type: 'integer', default: 1 } },
  ])
  assert.deepEqual(method?.['x-http'], ['POST /x'])
  assert.deepEqual(method?.result.schema, {
    type: 'array',
    items: [{ type: 'integer' }, { type: 'string' }],
    minItems: 2,
    maxItems: 2,
  })
})

test('each method has its transports and whether it needs a login', () => {
  const identify = everything().methods.find(({ name }) => name === 'server.connection.identify')
  assert.equal(identify?.['x-auth'], false)
  assert.deepEqual(identify?.['x-transports'], ['websocket', 'unix'])
  assert.deepEqual(identify?.['x-http'], [])
})

test('examples are pairs of names and values', () => {
  const script = everything().methods.find(({ name }) => name === 'printer.gcode.script')
  assert.deepEqual(
    script?.examples?.map(({ params }) => params),
    [[{ name: 'script', value: 'M117 Hello' }]],
  )
})

test('notifications are separate from the methods, with their parameters in order', () => {
  const listed = everything()['x-notifications']
  assert.deepEqual(
    listed.map(({ name }) => name),
    Object.keys(notifications),
  )
  assert.equal(listed.find(({ name }) => name === 'notify_status_update')?.params.length, 2)
})
