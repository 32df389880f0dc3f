import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeKlippy, Refusal } from '../support/fake-klippy.ts'
import { postJson, sendRequest } from '../support/raw-http.ts'
import { type Rig, startRig } from '../support/rig.ts'
import { type Frame, WebClient } from '../support/web-client.ts'

type Objects = Record<string, string[] | null>
interface Scene extends AsyncDisposable {
  readonly klippy: FakeKlippy
  readonly rig: Rig
  readonly open: () => Promise<WebClient>
}

/** A server that is ready and has its own subscriptions. */
async function scene(): Promise<Scene> {
  const klippy = await FakeKlippy.start()
  const rig = await startRig({ klippySocket: klippy.path, ready: true })
  // The store of temperatures subscribes last: it first queries which sensors there are.
  for (let times = 1; lastSubscription(klippy)?.extruder === undefined; times += 1)
    await klippy.waitFor('objects/subscribe', times)
  const clients: WebClient[] = []
  return {
    klippy,
    rig,
    open: async () => {
      const client = await WebClient.open(rig.url)
      clients.push(client)
      return client
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.ws.terminate()
      await rig[Symbol.asyncDispose]()
      await klippy[Symbol.asyncDispose]()
    },
  }
}

const subscribe = (client: WebClient, objects: unknown) =>
  client.call('printer.objects.subscribe', { objects })
const lastSubscription = (klippy: FakeKlippy) =>
  klippy.requests.findLast(({ method }) => method === 'objects/subscribe')?.params.objects as Objects
const statusOf = async (client: WebClient, times = 1): Promise<Frame> =>
  (await client.notified('notify_status_update', times)).params[0]

test('a subscription answers with a full snapshot and then with changes', async () => {
  await using at = await scene()
  const client = await at.open()
  const { result } = await subscribe(client, { toolhead: null, print_stats: ['state'] })
  assert.deepEqual(result.status, {
    toolhead: { position: [0, 0, 0, 0], homed_axes: '' },
    print_stats: { state: 'standby' },
  })
  assert.ok(result.eventtime >= at.klippy.eventtime)
  at.klippy.push('toolhead', { homed_axes: 'xyz' })
  const update = await client.notified('notify_status_update')
  assert.deepEqual(update, {
    jsonrpc: '2.0',
    method: 'notify_status_update',
    params: [{ toolhead: { homed_axes: 'xyz' } }, at.klippy.eventtime],
  })
})

test('each client gets its own objects and fields only', async () => {
  await using at = await scene()
  const [one, other, third] = await Promise.all([at.open(), at.open(), at.open()])
  await subscribe(one, { toolhead: ['homed_axes'] })
  await subscribe(other, { extruder: ['temperature'], toolhead: null })
  await subscribe(third, { extruder: ['target'] })
  at.klippy.push('toolhead', { position: [1, 2, 3, 4] })
  at.klippy.push('extruder', { temperature: 30 })
  at.klippy.push('toolhead', { homed_axes: 'x', position: [0, 0, 0, 0] })
  at.klippy.push('extruder', { target: 200 })
  assert.deepEqual(await statusOf(third), { extruder: { target: 200 } })
  const updates = (client: WebClient) =>
    client.frames.filter(({ method }) => method === 'notify_status_update').map(({ params }) => params[0])
  assert.deepEqual(updates(one), [{ toolhead: { homed_axes: 'x' } }])
  assert.deepEqual(updates(other), [
    { toolhead: { position: [1, 2, 3, 4] } },
    { extruder: { temperature: 30 } },
    { toolhead: { homed_axes: 'x', position: [0, 0, 0, 0] } },
  ])
})

test('Klippy gets one subscription for the union, and none where the union holds it already', async () => {
  await using at = await scene()
  const [one, other] = await Promise.all([at.open(), at.open()])
  await subscribe(one, { toolhead: ['homed_axes', 'position'], print_stats: null })
  const before = at.klippy.count('objects/subscribe')
  const union = lastSubscription(at.klippy)
  assert.deepEqual(union.toolhead?.toSorted(), ['homed_axes', 'position'])
  assert.equal(union.print_stats, null)
  assert.equal(union.webhooks, null)
  const { result } = await subscribe(other, { toolhead: ['position'], print_stats: ['state'] })
  assert.deepEqual(result.status, { toolhead: { position: [0, 0, 0, 0] }, print_stats: { state: 'standby' } })
  assert.equal(at.klippy.count('objects/subscribe'), before)
})

test('clients that subscribe at the same time share one request', async () => {
  await using at = await scene()
  const clients = await Promise.all(Array.from({ length: 10 }, () => at.open()))
  const before = at.klippy.count('objects/subscribe')
  const names = Object.keys(at.klippy.status)
  await Promise.all(clients.map((client, index) => subscribe(client, { [names[index % 4] as string]: null })))
  assert.ok(at.klippy.count('objects/subscribe') - before <= 4)
})

test('a new subscription replaces the old one, and an empty one ends it', async () => {
  await using at = await scene()
  const client = await at.open()
  await subscribe(client, { toolhead: null })
  await subscribe(client, { print_stats: null })
  at.klippy.push('toolhead', { homed_axes: 'y' })
  at.klippy.push('print_stats', { state: 'printing' })
  assert.deepEqual(await statusOf(client), { print_stats: { state: 'printing' } })
  const { result } = await subscribe(client, {})
  assert.deepEqual(result.status, {})
  at.klippy.push('print_stats', { state: 'paused' })
  at.klippy.print('after')
  await client.notified('notify_gcode_response')
  assert.equal(client.frames.filter(({ method }) => method === 'notify_status_update').length, 1)
})

test('subscriptions that a client sends one after the other are all answered, and the last one counts', async () => {
  await using at = await scene()
  const client = await at.open()
  const replies = await Promise.all([
    subscribe(client, { toolhead: ['homed_axes'] }),
    subscribe(client, { extruder: ['target'] }),
    subscribe(client, { print_stats: ['state'] }),
  ])
  assert.deepEqual(
    replies.map(({ result }) => result?.status),
    [{ toolhead: { homed_axes: '' } }, { extruder: { target: 0 } }, { print_stats: { state: 'standby' } }],
  )
  at.klippy.push('toolhead', { homed_axes: 'y' })
  at.klippy.push('print_stats', { state: 'printing' })
  assert.deepEqual(await statusOf(client), { print_stats: { state: 'printing' } })
  const [wanted, ended] = await Promise.all([subscribe(client, { fan: null }), subscribe(client, {})])
  assert.deepEqual([Object.keys(wanted.result.status), ended.result.status], [['fan'], {}])
})

test('the union shrinks when a client disconnects', async () => {
  await using at = await scene()
  const [one, other] = await Promise.all([at.open(), at.open()])
  await subscribe(one, { toolhead: null })
  await subscribe(other, { print_stats: null })
  const before = at.klippy.count('objects/subscribe')
  one.ws.close()
  await at.klippy.waitFor('objects/subscribe', before + 1)
  assert.ok(!('toolhead' in lastSubscription(at.klippy)))
  assert.ok('print_stats' in lastSubscription(at.klippy))
})

test('a client that subscribes while another subscription ends gets the updates', async () => {
  await using at = await scene()
  const [left, reloaded] = await Promise.all([at.open(), at.open()])
  await subscribe(left, { toolhead: null })
  const before = at.klippy.count('objects/subscribe')
  const tick = Promise.withResolvers<void>()
  at.klippy.tick = tick.promise
  left.ws.close()
  await at.klippy.waitFor('objects/subscribe', before + 1)
  const reply = subscribe(reloaded, { toolhead: null })
  // Replies come in the order of the requests: the server has the subscription when it replies to this.
  await reloaded.call('server.info')
  tick.resolve()
  assert.deepEqual(Object.keys((await reply).result.status), ['toolhead'])
  at.klippy.push('toolhead', { homed_axes: 'xyz' })
  assert.deepEqual(await statusOf(reloaded), { toolhead: { homed_axes: 'xyz' } })
})

test('changes that the reply to a new subscription contains reach the clients that subscribed before', async () => {
  await using at = await scene()
  const [one, other] = await Promise.all([at.open(), at.open()])
  await subscribe(one, { print_stats: ['state', 'filename'] })
  // Klippy compares each push with its last look at the object, and that look is the reply to the new subscription.
  at.klippy.change('print_stats', { state: 'complete' })
  await subscribe(other, { toolhead: null })
  assert.deepEqual(await statusOf(one), { print_stats: { state: 'complete' } })
})

test('a change that a query sees first reaches the clients that subscribed, whatever subscribes before its push', async () => {
  await using at = await scene()
  const [first, second] = [await at.open(), await at.open()]
  await subscribe(first, { print_stats: ['state'] })
  at.klippy.change('print_stats', { state: 'complete' })
  const { result } = await second.call('printer.objects.query', { objects: { print_stats: null, fan: null } })
  assert.equal(result.status.print_stats.state, 'complete')
  await subscribe(second, { toolhead: ['homed_axes'] })
  assert.deepEqual(await statusOf(first), { print_stats: { state: 'complete' } })
})

test('queries of mirrored status are answered without Klippy, and are up to date', async () => {
  await using at = await scene()
  const client = await at.open()
  await subscribe(client, { toolhead: null, extruder: ['temperature'] })
  at.klippy.push('extruder', { temperature: 99.5 })
  await client.notified('notify_status_update')
  const before = at.klippy.requests.length
  const { result } = await client.call('printer.objects.query', {
    objects: { extruder: ['temperature'], toolhead: ['homed_axes'] },
  })
  assert.deepEqual(result.status, { extruder: { temperature: 99.5 }, toolhead: { homed_axes: '' } })
  const reply = await sendRequest(
    at.rig.port,
    '/printer/objects/query?toolhead=position&extruder=temperature',
  )
  assert.deepEqual(reply.json.result.status, {
    toolhead: { position: [0, 0, 0, 0] },
    extruder: { temperature: 99.5 },
  })
  assert.equal(at.klippy.requests.length, before)
})

test('queries of other status share a request to Klippy, and each gets its part', async () => {
  await using at = await scene()
  const client = await at.open()
  const query = (objects: unknown) => ({
    jsonrpc: '2.0',
    method: 'printer.objects.query',
    params: { objects },
    id: JSON.stringify(objects),
  })
  const requests = [
    { toolhead: ['homed_axes'] },
    { toolhead: ['position'] },
    { toolhead: ['estimated_print_time'] },
    { print_stats: null },
  ]
  const replies = await client.exchange(JSON.stringify(requests.map(query)))
  // The server sends queries of its own, for other objects.
  const sent = at.klippy.requests.filter(
    ({ method, params }) => method === 'objects/query' && 'toolhead' in (params.objects as object),
  )
  assert.ok(sent.length <= 2, JSON.stringify(sent))
  assert.deepEqual(
    replies.map(({ result }: Frame) => result.status),
    [
      { toolhead: { homed_axes: '' } },
      { toolhead: { position: [0, 0, 0, 0] } },
      { toolhead: { estimated_print_time: null } },
      { print_stats: { state: 'standby', filename: '' } },
    ],
  )
})

test('an unknown object is empty, an unknown field null, from Klippy and from the mirror', async () => {
  await using at = await scene()
  const client = await at.open()
  const objects = { mmu: null, toolhead: ['nothing'], 'gcode_macro NO': ['x'] }
  const queried = (await client.call('printer.objects.query', { objects })).result.status
  const subscribed = (await subscribe(client, objects)).result.status
  const mirrored = (await client.call('printer.objects.query', { objects })).result.status
  for (const status of [queried, subscribed, mirrored]) {
    assert.deepEqual(status.mmu, {})
    assert.deepEqual(status.toolhead, { nothing: null })
  }
})

test('names of JavaScript properties are names of missing objects', async () => {
  await using at = await scene()
  const client = await at.open()
  for (const name of ['constructor', 'toString', 'hasOwnProperty']) {
    const objects = { [name]: null }
    const { result } = await client.call('printer.objects.query', { objects })
    assert.equal(JSON.stringify(result.status), `{"${name}":{}}`)
    assert.equal(JSON.stringify((await subscribe(client, objects)).result.status), `{"${name}":{}}`)
  }
  const objects = JSON.parse('{"__proto__": ["polluted"], "toolhead": ["homed_axes"]}')
  for (const method of ['printer.objects.query', 'printer.objects.subscribe']) {
    assert.deepEqual((await client.call(method, { objects })).result.status.toolhead, { homed_axes: '' })
  }
  assert.ok(!('polluted' in {}))
})

test("malformed requests are rejected with Klippy's texts, without a request to it", async () => {
  await using at = await scene()
  const client = await at.open()
  const before = at.klippy.requests.length
  const { error: missing } = await client.call('printer.objects.query', {})
  assert.deepEqual(missing, { code: 400, message: 'Missing Argument [objects]' })
  for (const method of ['printer.objects.query', 'printer.objects.subscribe']) {
    for (const objects of [5, 'toolhead', ['toolhead'], null]) {
      const { error } = await client.call(method, { objects })
      assert.deepEqual(error, { code: 400, message: 'Invalid Argument Type [objects]' })
    }
    const fieldNames = method.endsWith('query') ? ['position'] : []
    for (const fields of [5, [1], {}, true, ...fieldNames]) {
      const { error } = await client.call(method, { objects: { toolhead: fields } })
      assert.deepEqual(error, { code: 400, message: 'Invalid argument' }, JSON.stringify(fields))
    }
  }
  assert.equal(at.klippy.requests.length, before)
})

test('fields of a subscription may be one text, with commas between them', async () => {
  await using at = await scene()
  const client = await at.open()
  const expected = { toolhead: { position: [0, 0, 0, 0], homed_axes: '' }, print_stats: { state: 'standby' } }
  const objects = { toolhead: 'position, homed_axes', print_stats: 'state' }
  assert.deepEqual((await subscribe(client, objects)).result.status, expected)
  at.klippy.push('toolhead', { homed_axes: 'x' })
  assert.deepEqual(await statusOf(client), { toolhead: { homed_axes: 'x' } })
})

test('without objects a subscription ends', async () => {
  await using at = await scene()
  const client = await at.open()
  const { websocket_id: id } = (await client.call('server.websocket.id')).result
  const endings = [
    () => client.call('printer.objects.subscribe').then(({ result }) => result),
    () => client.call('printer.objects.subscribe', {}).then(({ result }) => result),
    () => subscribe(client, []).then(({ result }) => result),
    () =>
      sendRequest(at.rig.port, `/printer/objects/subscribe?connection_id=${id}`).then(
        ({ json }) => json.result,
      ),
  ]
  for (const end of endings) {
    await subscribe(client, { toolhead: null })
    assert.deepEqual((await end()).status, {})
    at.klippy.push('toolhead', { homed_axes: 'y' })
    at.klippy.print('after')
    await client.notified('notify_gcode_response')
    assert.ok(!client.frames.some(({ method }) => method === 'notify_status_update'))
  }
})

test('the caller gets the error when Klippy refuses the union', async () => {
  await using at = await scene()
  const client = await at.open()
  at.klippy.answer('objects/subscribe', () => {
    throw new Refusal('not today')
  })
  assert.deepEqual((await subscribe(client, { toolhead: null })).error, { code: 400, message: 'not today' })
})

test('a restart of Klippy clears all subscriptions; clients subscribe again', async () => {
  await using at = await scene()
  const client = await at.open()
  await subscribe(client, { toolhead: null })
  at.klippy.drop()
  await client.notified('notify_klippy_ready')
  assert.ok(!('toolhead' in lastSubscription(at.klippy)))
  at.klippy.push('toolhead', { homed_axes: 'z' })
  const { result } = await subscribe(client, { toolhead: ['homed_axes'] })
  assert.deepEqual(result.status, { toolhead: { homed_axes: 'z' } })
  at.klippy.push('toolhead', { homed_axes: '' })
  assert.deepEqual(await statusOf(client), { toolhead: { homed_axes: '' } })
})

test('a subscription that waits when Klippy disconnects ends with 503', async () => {
  await using at = await scene()
  const client = await at.open()
  at.klippy.silent = true
  const before = at.klippy.count('objects/subscribe')
  const reply = subscribe(client, { toolhead: null })
  await at.klippy.waitFor('objects/subscribe', before + 1)
  at.klippy.drop()
  assert.deepEqual((await reply).error, { code: 503, message: 'Klippy Disconnected' })
})

test('over HTTP the updates go to the connection of the given id', async () => {
  await using at = await scene()
  const client = await at.open()
  const { websocket_id: id } = (await client.call('server.websocket.id')).result
  const objects = { toolhead: ['homed_axes'] }
  const posted = await postJson(at.rig.port, '/printer/objects/subscribe', { objects, connection_id: id })
  assert.deepEqual(posted.json.result.status, { toolhead: { homed_axes: '' } })
  at.klippy.push('toolhead', { homed_axes: 'x' })
  assert.deepEqual(await statusOf(client), { toolhead: { homed_axes: 'x' } })
  const path = `/printer/objects/subscribe?connection_id=${id}&print_stats`
  assert.equal((await sendRequest(at.rig.port, path, { verb: 'POST' })).status, 200)
  at.klippy.push('print_stats', { state: 'printing' })
  assert.deepEqual(await statusOf(client, 2), { print_stats: { state: 'printing' } })
})

test('JSON-RPC over HTTP has no subscriptions', async () => {
  await using at = await scene()
  const client = await at.open()
  const { websocket_id: connection_id } = (await client.call('server.websocket.id')).result
  for (const params of [{ objects: { toolhead: null } }, { objects: { toolhead: null }, connection_id }]) {
    const call = { jsonrpc: '2.0', method: 'printer.objects.subscribe', params, id: 1 }
    const { json } = await postJson(at.rig.port, '/server/jsonrpc', call)
    assert.deepEqual(json.error, { code: -32601, message: 'Subscriptions not available for HTTP transport' })
  }
})

test('over HTTP a subscription without an open connection is rejected', async () => {
  await using at = await scene()
  for (const query of ['?toolhead', '?toolhead&connection_id=12345', '?toolhead&connection_id=x']) {
    const { status, json } = await sendRequest(at.rig.port, `/printer/objects/subscribe${query}`, {
      verb: 'POST',
    })
    assert.equal(status, 400)
    assert.equal(json.error.message, 'No connection associated with subscription request')
  }
})
