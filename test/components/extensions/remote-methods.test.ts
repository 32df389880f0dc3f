// What agents serve to Klipper's macros: it is registered again when Klipper comes back, and gone with the agent.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeKlippy } from '../../support/fake-klippy.ts'
import { startRig } from '../../support/rig.ts'
import { type Frame, WebClient } from '../../support/web-client.ts'
import { connectAgent } from './agent-client.ts'

const register = (agent: WebClient, method_name: string): Promise<Frame> =>
  agent.call('connection.register_remote_method', { method_name })

/** Resolves when `name` is registered with Klippy for the `times`-th time; the server has methods of its own. */
async function registered(klippy: FakeKlippy, name: string, times = 1): Promise<void> {
  for (let at = 1, seen = 0; seen < times; at += 1) {
    if ((await klippy.waitFor('register_remote_method', at)).remote_method === name) seen += 1
  }
}

/** How often `name` was registered. */
const registrations = ({ requests }: FakeKlippy, name: string) =>
  requests.filter(({ params }) => params.remote_method === name).length

/** A server with a Klippy that is ready. */
async function start() {
  const klippy = await FakeKlippy.start()
  const rig = await startRig({ klippySocket: klippy.path, ready: true })
  const stop = async () => {
    await rig[Symbol.asyncDispose]()
    await klippy[Symbol.asyncDispose]()
  }
  return { klippy, rig, [Symbol.asyncDispose]: stop }
}

test("a macro's call reaches the agent, which need not answer", async () => {
  await using scene = await start()
  const { klippy, rig } = scene
  using agent = await connectAgent(rig.url, 'a')
  assert.equal((await register(agent, 'alert')).result, 'ok')
  await registered(klippy, 'alert')
  klippy.call('alert', { heater: 'extruder', temp: 200 })
  klippy.call('alert', {})
  await agent.find(({ method, params }) => method === 'alert' && params === undefined)
  const calls = agent.frames.filter(({ method }) => method === 'alert')
  assert.deepEqual(calls, [
    { jsonrpc: '2.0', method: 'alert', params: { heater: 'extruder', temp: 200 } },
    { jsonrpc: '2.0', method: 'alert' },
  ])
})

test('methods are registered again after a restart of Klippy, but not those of disconnected agents', async () => {
  await using scene = await start()
  const { klippy, rig } = scene
  using watcher = await WebClient.open(rig.url)
  using agent = await connectAgent(rig.url, 'stays')
  const leaves = await connectAgent(rig.url, 'leaves')
  await register(agent, 'kept')
  await register(leaves, 'gone')
  await registered(klippy, 'gone')
  leaves.ws.terminate()
  await watcher.notified('notify_agent_event', 3)
  klippy.call('gone', {})
  klippy.drop()
  await watcher.notified('notify_klippy_ready')
  await registered(klippy, 'kept', 2)
  assert.equal(registrations(klippy, 'gone'), 1)
  assert.equal((await register(agent, 'gone')).result, 'ok', 'the name is free')
  await registered(klippy, 'gone', 2)
  klippy.call('kept', { x: 1 })
  assert.deepEqual((await agent.find(({ method }) => method === 'kept')).params, { x: 1 })
  assert.match(rig.log.join('\n'), /remote method gone: Klippy calls it, but no component has registered it/)
})

test('an agent may register before Klippy is there', async () => {
  await using klippy = await FakeKlippy.start('startup')
  await using rig = await startRig({ klippySocket: klippy.path, ready: false })
  using agent = await connectAgent(rig.url, 'a')
  assert.equal((await register(agent, 'early')).result, 'ok')
  klippy.change('webhooks', { state: 'ready' })
  await registered(klippy, 'early')
  assert.equal(registrations(klippy, 'early'), 1)
})

test('names that are taken are refused, by whomever, and so are too many', async () => {
  await using scene = await start()
  const { rig } = scene
  using one = await connectAgent(rig.url, 'one')
  using two = await connectAgent(rig.url, 'two')
  assert.equal((await register(one, 'alert')).result, 'ok')
  for (const agent of [one, two]) {
    const { error } = await register(agent, 'alert')
    assert.deepEqual(error, { code: 400, message: 'Remote method (alert) already registered' })
  }
  for (const name of ['process_status_update', 'process_gcode_response', '', ' ', 'x'.repeat(201)]) {
    assert.equal((await register(two, name)).error.code, 400, name)
  }
  const more = Array.from({ length: 101 }, (_, at) => register(two, `m${at}`))
  const refused = (await Promise.all(more)).filter(({ error }) => error !== undefined)
  assert.deepEqual(
    refused.map(({ error }) => error.message),
    ['An agent may register 100 remote methods, and these are registered'],
  )
})
