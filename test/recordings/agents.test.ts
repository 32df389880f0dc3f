// Recorded requests to an agent and from it, replayed with an agent that replies as the recorded one.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultPrinterCfg } from '../../src/virtual-printer/default-printer-cfg.ts'
import { type Rig, startRig } from '../support/rig.ts'
import { type Frame, WebClient } from '../support/web-client.ts'
import { type Exchange, type HttpExchange, loadRecording } from './fixture.ts'
import { compare, send } from './http-exchange.ts'
import { improvementOf } from './improvements.ts'
import { compareReplies } from './lasting.ts'

const MACRO =
  '\n[gcode_macro TEST_REMOTE]\ngcode:\n  {action_call_remote_method("notify_agent_event_test", value="hello")}\n'
const PRINTER_CFG = defaultPrinterCfg({ strict: true }) + MACRO
const NAME = 'gagent'

/** Echoes a request with its parameters; in mode `error` it refuses, in mode `silent` it disconnects. */
function behave(agent: WebClient): void {
  agent.ws.on('message', data => {
    const { id, method, params = null }: Frame = JSON.parse((data as Buffer).toString())
    if (method !== 'do.it') return
    if (params?.mode === 'silent') {
      agent.ws.close()
      return
    }
    const reply =
      params?.mode === 'error' ? { error: { code: -1, message: 'no' } } : { result: { echo: params, method } }
    agent.send(JSON.stringify({ jsonrpc: '2.0', ...reply, id }))
  })
}

async function connect(rig: Rig): Promise<WebClient> {
  const agent = await WebClient.open(rig.url)
  behave(agent)
  return agent
}

test('HTTP: http_agents', async t => {
  await using rig = await startRig({ printer: 'none' })
  using agent = await connect(rig)
  const identity = { client_name: NAME, version: '1.0', type: 'agent', url: 'http://x' }
  await agent.call('server.connection.identify', identity)
  for (const exchange of loadRecording<HttpExchange>('http_agents')) {
    await t.test(exchange.name, async () => {
      assert.deepEqual(compare(exchange, await send(rig.url, exchange)), [])
    })
  }
})

/** Requests of the agent itself; all others are of another client. */
const OF_THE_AGENT = /^(agent_identify_nokey|send_event|register_remote)/

test('WebSocket: ws_agents', async t => {
  await using rig = await startRig({ printerCfg: PRINTER_CFG })
  using agent = await connect(rig)
  using client = await WebClient.open(rig.url)
  for (const exchange of loadRecording<Exchange>('ws_agents')) {
    const { name } = exchange
    await t.test(name, async () => {
      const requester = OF_THE_AGENT.test(name) ? agent : client
      const reply = await requester.exchange(exchange.send as string)
      const better = improvementOf('ws_agents', exchange)?.replies
      assert.deepEqual(compareReplies(better ?? exchange.replies, [reply]), [])
      if (name === 'call_remote') {
        const called = await agent.find(({ method }) => method === 'notify_agent_event_test')
        assert.deepEqual(called.params, { value: 'hello' })
      }
    })
  }
  await client.notified('notify_agent_event', 2)
  const events = client.frames.filter(({ method }) => method === 'notify_agent_event')
  assert.deepEqual(
    events.map(({ params }) => params[0].event),
    ['connected', 'disconnected'],
  )
})
