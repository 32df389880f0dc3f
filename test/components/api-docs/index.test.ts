// The published documents as a running server gives them.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openUnixSocket, openWebSocket } from '../../recordings/lasting.ts'
import { startRig } from '../../support/rig.ts'

interface OpenRpc {
  readonly openrpc: string
  readonly info: { readonly version: string }
  readonly methods: readonly { readonly name: string }[]
}

interface OpenApi {
  readonly openapi: string
  readonly servers?: readonly { readonly url: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

const DISCOVER = '{"jsonrpc":"2.0","method":"rpc.discover","id":1}'

const nameOf = ({ name }: { readonly name: string }) => name

test('all transports give the same OpenRPC document', async () => {
  await using rig = await startRig()
  const fetched = (await (await fetch(`${rig.url}/openrpc.json`)).json()) as OpenRpc
  assert.equal(fetched.openrpc, '1.3.2')
  await using websocket = await openWebSocket(`${rig.url}/websocket`)
  websocket.send(DISCOVER)
  assert.deepEqual(await websocket.next(), { jsonrpc: '2.0', result: fetched, id: 1 })
  await using unix = await openUnixSocket(rig.socketPath)
  unix.send(`${DISCOVER}\u0003`)
  assert.deepEqual(await unix.next(), { jsonrpc: '2.0', result: fetched, id: 1 })
  const headers = { 'Content-Type': 'application/json' }
  const http = await fetch(`${rig.url}/server/jsonrpc`, { method: 'POST', headers, body: DISCOVER })
  assert.deepEqual(await http.json(), { jsonrpc: '2.0', result: fetched, id: 1 })
})

test('it names what Klippy offers, and only while Klippy is there', async () => {
  await using rig = await startRig()
  const read = async () =>
    ((await (await fetch(`${rig.url}/openrpc.json`)).json()) as OpenRpc).methods.map(nameOf)
  assert.ok((await read()).includes('printer.pause_resume.pause'))
  await using alone = await startRig({ printer: 'none' })
  const reply = await fetch(`${alone.url}/openrpc.json`)
  const names = ((await reply.json()) as OpenRpc).methods.map(nameOf)
  assert.ok(names.includes('printer.info'))
  assert.ok(!names.includes('printer.pause_resume.pause'))
})

test('the OpenAPI document names what is served, the raw routes too', async () => {
  // Some GETs of Klippy's own endpoints would restart a printer.
  await using rig = await startRig({
    printer: 'none',
    prepare: ({ logs }) => writeFileSync(join(logs, 'klippy.log'), ''),
  })
  const reply = await fetch(`${rig.url}/openapi.json`)
  assert.equal(reply.headers.get('content-type'), 'application/json; charset=UTF-8')
  const { openapi, paths, servers } = (await reply.json()) as OpenApi
  assert.equal(openapi, '3.1.0')
  assert.equal(servers, undefined)
  for (const path of Object.keys(paths)) {
    if (path.includes('{') || paths[path]?.get === undefined) continue
    const { status } = await fetch(rig.url + path)
    assert.notEqual(status, 404, path)
    assert.notEqual(status, 405, path)
  }
  assert.ok(paths['/server/jsonrpc']?.post)
  assert.ok(paths['/openapi.json']?.get)
})

test('below a route prefix the document contains the prefix', async () => {
  await using rig = await startRig({ printer: 'none', server: 'route_prefix: printer1' })
  for (const path of ['openapi.json?x=/y', '%6fpenapi.json']) {
    const { servers } = (await (await fetch(`${rig.url}/printer1/${path}`)).json()) as OpenApi
    assert.deepEqual(servers, [{ url: '/printer1' }], path)
  }
})

test('an unauthenticated client gets no document', async () => {
  await using rig = await startRig({ printer: 'none', authorization: 'trusted_clients:' })
  for (const path of ['/openapi.json', '/openrpc.json']) {
    assert.equal((await fetch(rig.url + path)).status, 401, path)
  }
})
