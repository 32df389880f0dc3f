// The client of a fleet against a hub with its engine: printers, what a program follows, files and jobs.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import type { FleetJob } from '../../src/api/fleet.ts'
import { followJobs } from '../../src/client/fleet/follow-jobs.ts'
import { CallError, ConnectionLost, Fleet, type FleetMirror } from '../../src/client/index.ts'
import { messageOf, readCode, subjects } from '../../src/fleet/contract/index.ts'
import { skip } from '../fleet/engine.ts'
import { FleetRig, GCODE } from '../fleet/hub/fleet-rig.ts'
import { until } from '../support/until.ts'
import { CuttableProxy } from './cuttable-proxy.ts'

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

/** Resolves with the parameters of the next event. */
function next<E extends Parameters<FleetMirror['on']>[0]>(mirror: FleetMirror, event: E): Promise<unknown[]> {
  return new Promise(resolve => {
    const off = mirror.on(event, (...params: unknown[]) => {
      off()
      resolve(params)
    })
  })
}

test('printers, commands and codes', { skip }, async t => {
  await using rig = await FleetRig.start()
  const [first, second] = await rig.addPrinters(3)
  assert.ok(first && second)
  const fleet = new Fleet({ url: rig.hub.url.replace('http', 'ws'), accessToken: rig.hub.token })
  const namesOf = async (filter: Parameters<Fleet['printers']>[0]) =>
    (await all(fleet.printers(filter))).map(({ name }) => name)

  await t.test('the list goes on over all pages, and is filtered', async () => {
    await until(async () => (await fleet.summary()).printers.ready === 3)
    assert.deepEqual(await namesOf({ limit: 1, state: 'ready' }), ['printer 1', 'printer 2', 'printer 3'])
    assert.deepEqual(await namesOf({ q: 'printer 2' }), ['printer 2'])
  })

  await t.test('a command reaches the printer; a refusal is a CallError', async () => {
    assert.equal((await fleet.command(first.id, 'pause')).accepted, false)
    assert.deepEqual(first.commands, ['pause'])
    await assert.rejects(fleet.command('0'.repeat(31), 'pause'), CallError)
  })

  await t.test('a code names the hub', async () => {
    const { code } = await fleet.createCode({ site: 'hall' })
    assert.equal(readCode(code)?.hub, rig.hub.url)
  })

  await t.test('without a login every call is refused', async () => {
    const unauthenticated = new Fleet({ url: rig.hub.url })
    await assert.rejects(unauthenticated.summary(), CallError)
    await assert.rejects(unauthenticated.follow(), CallError)
    await assert.rejects(unauthenticated.upload('G28', { name: 'a.gcode' }), { name: 'CallError', code: 401 })
  })

  await t.test('a unix socket has no fleet', () => {
    assert.throws(() => new Fleet({ url: '/run/moonraker.sock' }), /is a unix socket/)
  })
})

test('a mirror has the rows and the status that it names, and has them again after it reconnects', {
  skip,
}, async t => {
  await using rig = await FleetRig.start()
  const [first, second] = await rig.addPrinters(2)
  assert.ok(first && second)
  await using proxy = await CuttableProxy.to(Number(new URL(rig.hub.url).port))
  const url = `http://127.0.0.1:${proxy.port}`
  const fleet = new Fleet({ url, accessToken: rig.hub.token, heartbeat: 3 })
  using mirror = await fleet.follow([first.id])
  const removed: string[] = []
  mirror.on('change', change => removed.push(...change.removed))

  await t.test('rows', async () => {
    await until(() => mirror.printers.get(first.id)?.state === 'ready')
    assert.equal(mirror.printers.size, 1)
    assert.equal(mirror.summary.total, 2)
    mirror.show([second.id])
    await until(() => mirror.printers.has(second.id))
    assert.deepEqual([...mirror.printers.keys()], [second.id])
    second.set({ state: { klippy: 'shutdown' } })
    await until(() => mirror.printers.get(second.id)?.state === 'error')
  })

  const publish = (homed: string) => {
    const live = { boot: 'b', seq: 1, t: 1, status: { toolhead: { homed_axes: homed } } }
    first.connection.publish(subjects.live(first.id), messageOf(live))
  }

  await t.test('the status of one printer', async () => {
    const watched = next(mirror, 'watched')
    mirror.watch(first.id)
    assert.deepEqual(await watched, [first.id, true])
    const status = next(mirror, 'status')
    publish('xy')
    assert.deepEqual(await status, [first.id, { toolhead: { homed_axes: 'xy' } }])
  })

  const isRestored = async () => {
    const [watched] = await Promise.all([next(mirror, 'watched'), next(mirror, 'connected')])
    assert.deepEqual(watched, [first.id, true])
    second.set({ state: { klippy: 'ready' } })
    await until(() => mirror.printers.get(second.id)?.state === 'ready')
  }

  await t.test('after a lost connection', async () => {
    const lost = next(mirror, 'disconnected')
    proxy.cut()
    assert.ok((await lost)[0] instanceof ConnectionLost)
    assert.equal(mirror.connected, false)
    await isRestored()
  })

  await t.test('after a connection that carries nothing', async () => {
    second.set({ state: { klippy: 'shutdown' } })
    const lost = next(mirror, 'disconnected')
    proxy.silence(true)
    assert.match(String((await lost)[0]), /no message within 3 s/)
    proxy.cut()
    proxy.silence(false)
    await isRestored()
  })

  await t.test('without reconnect it stays disconnected, and a closed one never connects', async () => {
    const single = new Fleet({ url, accessToken: rig.hub.token, reconnect: false })
    using once = await single.follow()
    const lost = next(once, 'disconnected')
    proxy.cut()
    await lost
    const opened = proxy.opened
    once.close()
    await assert.rejects(once.connect(), /the mirror was closed/)
    assert.equal(once.connected, false)
    assert.ok(proxy.opened > opened)
    await until(() => mirror.connected)
  })

  await t.test('a printer that leaves the fleet', async () => {
    await rig.hub.call(`/fleet/printers/${second.id}`, undefined, 'DELETE')
    await until(() => removed.includes(second.id))
    assert.equal(mirror.printers.size, 0)
  })
})

test('files and jobs', { skip }, async t => {
  await using rig = await FleetRig.start()
  const fleet = new Fleet({ url: rig.hub.url, accessToken: rig.hub.token })
  const text = GCODE.repeat(100_000)
  const sha256 = createHash('sha256').update(text).digest('hex')

  await t.test('an upload reports its progress, and is not sent again', async () => {
    const sent: (number | undefined)[][] = []
    const options = { name: 'part.gcode', sha256 }
    const file = await fleet.upload(text, { ...options, onProgress: (...progress) => sent.push(progress) })
    assert.deepEqual([file.sha256, file.size, file.name], [sha256, text.length, 'part.gcode'])
    assert.ok(sent.length > 1)
    assert.deepEqual(sent.at(-1), [text.length, text.length])
    sent.length = 0
    const again = await fleet.upload(text, { ...options, onProgress: (...progress) => sent.push(progress) })
    assert.deepEqual([again.sha256, again.size, again.metadata, sent], [sha256, text.length, null, []])
  })

  await t.test('a file with another SHA-256 than the given one is an error', async () => {
    await assert.rejects(
      fleet.upload(GCODE, { name: 'a.gcode', sha256: '0'.repeat(64) }),
      /the file's SHA-256 is [0-9a-f]{64}, not the given 0000/,
    )
    await assert.rejects(fleet.upload(GCODE), /pass the option 'name'/)
  })

  await t.test('a batch is followed until its jobs have ended', async () => {
    const [printer] = await rig.addPrinters(1)
    const { batch, jobs } = await fleet.order({ file: sha256, name: 'part.gcode', copies: 3 })
    assert.equal(jobs.length, 3)
    const states: string[] = []
    for await (const seen of fleet.followBatch(batch, { interval: 0.02 })) {
      assert.equal(seen.length, 3)
      states.push(seen.map(({ state }) => state).join(' '))
    }
    assert.equal(states.at(-1), 'done done done')
    assert.equal(printer?.starts.length, 3)
    assert.equal((await all(fleet.jobs({ batch, limit: 2 }))).length, 3)
  })

  await t.test('a held job waits; it is released, cancelled, or taken from its printer', async () => {
    const [printer] = await rig.addPrinters(1, { printTime: 60_000, state: { labels: { material: 'PETG' } } })
    const order = async (need: object, more = {}) => {
      const whole = { labels: {}, nozzle: null, min: null, printer: null, ...need }
      const { jobs } = await fleet.order({ file: sha256, name: 'part.gcode', need: whole, ...more })
      return jobs[0] ?? ''
    }
    const later = await order({}, { not_before: Date.now() + 60_000 })
    assert.equal((await fleet.hold(later)).state, 'held')
    assert.equal((await fleet.release(later)).state, 'queued')
    assert.equal((await fleet.cancel(later)).state, 'cancelled')
    await assert.rejects(fleet.hold(later), { name: 'CallError', code: 409 })
    const printing = await order({ labels: { material: 'PETG' } })
    await until(() => printer?.starts.length === 1)
    assert.equal((await fleet.abandon(printing)).state, 'held')
  })

  await t.test('a signal ends the following', async () => {
    const { batch } = await fleet.order({ file: sha256, name: 'a.gcode', not_before: Date.now() + 60_000 })
    const stop = new AbortController()
    const seen = fleet.followBatch(batch, { signal: stop.signal })
    assert.equal((await seen.next()).value?.length, 1)
    const after = seen.next()
    stop.abort(new Error('enough'))
    await assert.rejects(after, /enough/)
  })
})

test('following jobs continues after an outage of the hub, and not after a refusal', async () => {
  const job = { id: 'one', state: 'done' } as unknown as FleetJob
  const outcomes: (FleetJob[] | Error)[] = [
    new ConnectionLost('no reply'),
    new CallError('fleet.jobs.list', 503, 'no engine'),
    [job],
  ]
  async function* list(): AsyncGenerator<FleetJob> {
    const outcome = outcomes.shift()
    if (outcome instanceof Error) throw outcome
    yield* outcome ?? []
  }
  assert.deepEqual(await all(followJobs(list, { interval: 0 })), [[job]])
  outcomes.push(new CallError('fleet.jobs.list', 403, 'Not allowed'))
  await assert.rejects(all(followJobs(list, {})), /Not allowed/)
})
