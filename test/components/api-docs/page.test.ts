// What the WebSocket page makes of schemas, and its connection, in Node as in a browser.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { api } from '../../../src/api/index.ts'
import { nameIn } from '../../../src/pages/api/hash.ts'
import { type Frame, Link } from '../../../src/pages/api/link.ts'
import { type Schema, sample, typeText } from '../../../src/pages/api/schema.ts'
import { object, record, string, tuple } from '../../../src/schema/index.ts'
import { CuttableProxy } from '../../client/cuttable-proxy.ts'
import { startRig } from '../../support/rig.ts'

test('a typed address leads to a method, or to none', () => {
  const cases = { '': '', '#': '', '#server.info': 'server.info', '#a%20b': 'a b', '#%': '', '#%ff': '' }
  for (const [hash, name] of Object.entries(cases)) assert.equal(nameIn(hash), name, hash)
})

test('types read as in TypeScript', () => {
  const cases: readonly (readonly [Schema | undefined, string])[] = [
    [{ type: 'string' }, 'string'],
    [undefined, 'any'],
    [{ enum: ['a', 'b'] }, '"a" | "b"'],
    [{ type: ['array', 'null'], items: { type: 'string' } }, 'string[] | null'],
    [{ type: 'array', items: { anyOf: [{ type: 'number' }, { type: 'null' }] } }, '(number | null)[]'],
    [{ type: 'array', items: [{ type: 'integer' }, { type: 'string' }] }, '[integer, string]'],
    [object({ a: string(), b: string().optional() }).json, '{ a: string, b?: string }'],
    [record(record(string())).json, '{ [name]: { [name]: string } }'],
    [tuple(string()).json, '[string]'],
  ]
  for (const [schema, text] of cases) assert.equal(typeText(schema), text)
  for (const [name, { result }] of Object.entries(api)) {
    assert.doesNotMatch(typeText(result.json), /undefined|\[object/, name)
  }
})

test('the editor starts with what the schema requires', () => {
  const cases: readonly (readonly [Schema | undefined, unknown])[] = [
    [{ type: 'string' }, ''],
    [{ type: 'integer', minimum: 1 }, 1],
    [{ type: 'number' }, 0],
    [{ type: 'boolean', default: true }, true],
    [{ enum: ['x', 'y'] }, 'x'],
    [{ type: ['array', 'null'] }, []],
    [object({ a: string(), b: string().optional() }).json, { a: '' }],
    [{}, null],
  ]
  for (const [schema, value] of cases) assert.deepEqual(sample(schema), value)
})

test('the connection calls, receives notifications, and reports when it breaks', async () => {
  await using rig = await startRig()
  await using proxy = await CuttableProxy.to(rig.port)
  const [opened, closed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const received = Promise.withResolvers<Frame>()
  const link = new Link(new URL(`ws://127.0.0.1:${proxy.port}/websocket`), {
    opened: opened.resolve,
    closed: () => closed.resolve(),
    notified(frame) {
      if (frame.method === 'notify_gcode_response') received.resolve(frame)
    },
  })
  await assert.rejects(link.call('server.info'), /no connection/)
  link.open()
  await opened.promise
  const { frame, text } = await link.call('server.files.roots')
  assert.ok(Array.isArray(frame.result))
  assert.deepEqual((JSON.parse(text) as Frame).result, frame.result)
  assert.equal((await link.call('no.such.method')).frame.error?.code, -32601)
  await assert.rejects(link.resultOf('no.such.method'), /Method not found/)
  assert.equal(await link.resultOf('printer.gcode.script', { script: 'M115' }), 'ok')
  assert.ok(Array.isArray((await received.promise).params))

  const waiting = link.call('printer.gcode.script', { script: 'G4 P600000' })
  proxy.cut()
  await assert.rejects(waiting, /broke/)
  await closed.promise
  await assert.rejects(link.call('server.info'), /no connection/)
})
