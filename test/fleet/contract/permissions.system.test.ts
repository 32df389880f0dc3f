// What a credential by the template may do in a real engine, and what the engine refuses.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jetstreamManager } from '@nats-io/jetstream'
import { headers, type NatsConnection } from '@nats-io/transport-node'
import {
  EVENTS_STREAM,
  firstSlot,
  HEADERS,
  messageOf,
  nextSlot,
  readMessage,
  type Slot,
  type Stored,
  slotSchema,
  subjects,
  WRONG_REVISION,
  type Write,
} from '../../../src/fleet/contract/index.ts'
import { ensureLayout } from '../../../src/fleet/hub/store/layout.ts'
import { Engine, skip } from '../engine.ts'

const OWN = 'a'.repeat(32)
const OTHER = 'b'.repeat(32)
const READY = { plate: 'clear', epoch: 'e1', blocked: null } as const

/** Makes attempts on `connection`: returns the error of the engine for each, or "accepted". */
function attempts(connection: NatsConnection): (attempt: () => void) => Promise<string> {
  const errors: string[] = []
  const watch = async () => {
    for await (const status of connection.status()) {
      if (status.type === 'error') errors.push(status.error.message)
    }
  }
  void watch()
  return async attempt => {
    attempt()
    // The engine handles what it receives in order: its error comes before the reply to the ping. The library passes
    // it on a little later, but not later than a second reply.
    await connection.flush()
    await connection.flush()
    return errors.splice(0).join() || 'accepted'
  }
}

async function write(connection: NatsConnection, id: string, { value, expected }: Write<Slot>) {
  const head = headers()
  head.set(HEADERS.expectedRevision, String(expected))
  const reply = await connection.request(subjects.key('fleet_slots', id), messageOf(value), {
    headers: head,
    timeout: 5000,
  })
  return reply.json<{ seq?: number; error?: { err_code: number } }>()
}

async function readSlot(connection: NatsConnection, id: string): Promise<Stored<Slot>> {
  const reply = await connection.request(subjects.directGet('fleet_slots', id))
  const reading = readMessage(slotSchema, reply.data)
  assert.equal(reading.kind, 'message', JSON.stringify(reading))
  return { value: reading.value, revision: Number(reply.headers?.get(HEADERS.revision)) }
}

test('nine attempts with the credential of a printer on the subjects of another are refused', {
  skip,
}, async () => {
  await using engine = await Engine.start()
  await using printer = await engine.printer(OWN)
  const { connection } = printer
  const resultOf = attempts(connection)
  const foreign: Record<string, () => void> = {
    'publish an event': () => connection.publish(subjects.events(OTHER), '{}'),
    'publish live status': () => connection.publish(subjects.live(OTHER), '{}'),
    'write a state': () => connection.publish(subjects.key('fleet_state', OTHER), '{}'),
    'write a slot': () => connection.publish(subjects.key('fleet_slots', OTHER), '{}'),
    'read a slot': () => connection.publish(subjects.directGet('fleet_slots', OTHER), ''),
    'send a command': () => connection.publish(subjects.commands(OTHER), '{}'),
    'receive commands': () => void connection.subscribe(subjects.commands(OTHER)),
    'follow all slots': () => void connection.subscribe(subjects.key('fleet_slots', '*')),
    'read replies': () => void connection.subscribe(`${subjects.inbox(OTHER)}.>`),
  }
  for (const [what, attempt] of Object.entries(foreign)) {
    assert.match(await resultOf(attempt), /permissions violation/i, what)
  }
  const further: Record<string, () => void> = {
    'send to all': () => connection.publish(subjects.all, '{}'),
    'read the keys of the hubs': () =>
      connection.publish(subjects.directGet('fleet_meta', 'printer_signer'), ''),
    'read users': () => connection.publish('$JS.API.STREAM.MSG.GET.KV_fleet_users', '{}'),
    'delete a stream': () => connection.publish('$JS.API.STREAM.DELETE.FLEET_EVENTS', ''),
    'create a consumer': () => connection.publish('$JS.API.CONSUMER.CREATE.KV_fleet_slots', '{}'),
    'write a job': () => connection.publish(subjects.key('fleet_jobs', 'x'), '{}'),
  }
  for (const [what, attempt] of Object.entries(further)) {
    assert.match(await resultOf(attempt), /permissions violation/i, what)
  }
})

test('no header of a printer deletes the values of others', { skip }, async () => {
  await using engine = await Engine.start()
  await using own = await engine.printer(OWN)
  await using other = await engine.printer(OTHER)
  await using hub = await engine.hub()
  await write(other.connection, OTHER, firstSlot(READY))
  await other.connection.request(subjects.key('fleet_state', OTHER), '{}', { timeout: 5000 })
  const { streams } = await jetstreamManager(hub.connection)
  for (const bucket of ['fleet_slots', 'fleet_state'] as const) {
    // As an earlier version has created it.
    const { config } = await streams.info(`KV_${bucket}`)
    await streams.update(`KV_${bucket}`, { ...config, allow_rollup_hdrs: true })
    await ensureLayout(hub.connection)
    for (const rollup of ['all', 'sub']) {
      const head = headers()
      head.set('Nats-Rollup', rollup)
      const options = { headers: head, timeout: 5000 }
      const reply = await own.connection.request(subjects.key(bucket, OWN), '{}', options)
      assert.match(reply.string(), /rollup not permitted/)
    }
    assert.equal((await streams.info(`KV_${bucket}`)).state.messages, 1)
  }
})

test('the events of one printer push out its own only', { skip }, async () => {
  await using engine = await Engine.start()
  await using own = await engine.printer(OWN)
  await using other = await engine.printer(OTHER)
  await using hub = await engine.hub()
  const { streams } = await jetstreamManager(hub.connection)
  // As an earlier version has created it.
  const { config } = await streams.info(EVENTS_STREAM.name)
  await streams.update(EVENTS_STREAM.name, { ...config, max_msgs_per_subject: -1 })
  await ensureLayout(hub.connection)
  await other.connection.request(subjects.events(OTHER), '{}', { timeout: 5000 })
  for (let count = 0; count < EVENTS_STREAM.maxPerPrinter + 9; count += 1) {
    own.connection.publish(subjects.events(OWN), '{}')
    if (count % 1000 === 0) await own.connection.flush()
  }
  await own.connection.request(subjects.events(OWN), '{}', { timeout: 5000 })
  const { state } = await streams.info(EVENTS_STREAM.name, { subjects_filter: '>' })
  assert.deepEqual(state.subjects, {
    [subjects.events(OWN)]: EVENTS_STREAM.maxPerPrinter,
    [subjects.events(OTHER)]: 1,
  })
})

test('the credential serves for all that a printer does', { skip }, async () => {
  await using engine = await Engine.start()
  await using printer = await engine.printer(OWN)
  await using hub = await engine.hub()
  const { connection } = printer
  connection.subscribe(subjects.commands(OWN), {
    callback: (_error, message) => void message.respond('done'),
  })
  connection.subscribe(subjects.all, { callback: () => {} })
  connection.subscribe(subjects.key('fleet_slots', OWN), { callback: () => {} })
  const resultOf = attempts(connection)
  const own = {
    event: () => connection.publish(subjects.events(OWN), '{}'),
    live: () => connection.publish(subjects.live(OWN), '{}'),
    state: () => connection.publish(subjects.key('fleet_state', OWN), '{}'),
  }
  for (const [what, attempt] of Object.entries(own)) {
    assert.equal(await resultOf(attempt), 'accepted', what)
  }
  assert.equal((await hub.connection.request(subjects.commands(OWN), '{}')).string(), 'done')
  assert.equal((await write(connection, OWN, firstSlot(READY))).seq, 1)
  assert.deepEqual((await readSlot(connection, OWN)).value.state, 'free')
})

test('of an accepted and a withdrawn offer exactly one wins', { skip }, async () => {
  await using engine = await Engine.start()
  await using printer = await engine.printer(OWN)
  await using hub = await engine.hub()
  await write(printer.connection, OWN, firstSlot(READY))
  const rounds = Number(process.env.FLEET_ROUNDS ?? 20)
  const winners = new Set<string>()
  for (let round = 1; round <= rounds; round += 1) {
    const offer = {
      job: '01ARZ3NDEKTSV4RRFFQ69G5FAV',
      attempt: round,
      file: { sha256: '0'.repeat(64), size: 1, name: 'part.gcode' },
      url: 'http://127.0.0.1/',
      until: 0,
      epoch: 'e1',
    }
    const free = await readSlot(hub.connection, OWN)
    await write(hub.connection, OWN, nextSlot(free, { do: 'offer', offer })!)
    const offered = await readSlot(printer.connection, OWN)
    const accept = write(printer.connection, OWN, nextSlot(offered, { do: 'accept' })!)
    const withdraw = write(hub.connection, OWN, nextSlot(offered, { do: 'withdraw' })!)
    const [accepted, withdrawn] = await Promise.all([accept, withdraw])
    assert.deepEqual(
      [accepted.error?.err_code, withdrawn.error?.err_code].filter(code => code !== undefined),
      [WRONG_REVISION],
    )
    const slot = await readSlot(hub.connection, OWN)
    assert.equal(slot.value.state, accepted.error === undefined ? 'accepted' : 'free')
    winners.add(slot.value.state)
    if (slot.value.state === 'free') {
      assert.deepEqual(slot.value.last?.outcome, 'withdrawn')
      continue
    }
    assert.equal(slot.value.fence, offered.revision)
    const release = { do: 'release', outcome: 'not_started', why: null, ready: READY } as const
    await write(printer.connection, OWN, nextSlot(slot, release)!)
  }
  assert.ok(winners.size > 0)
})
