// Hubs and engines that are killed: no job prints twice, none is lost, and an engine without its data starts nothing.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../../../src/core/clock.ts'
import { killProcess } from '../../support/kill-process.ts'
import { serverBundle } from '../../support/server-bundle.ts'
import { until } from '../../support/until.ts'
import { skip } from '../engine.ts'
import { FleetRig } from './fleet-rig.ts'

const ROUNDS = Number(process.env.KILL_ROUNDS ?? 1)
const ALWAYS = { held: true, start() {}, async stop() {} }
const MAIN = join(await serverBundle(), 'moonraker.cjs')

/** A hub in a process of its own, on the engine of the rig; resolves when its output contains `text`. */
async function spawnHub(rig: FleetRig, name: string, text = 'The hub is up'): Promise<ChildProcess> {
  const options = ['--host', '127.0.0.1', '--port', '0', '--tls-port', '0', '-d', join(rig.folder, name)]
  const engine = ['--engine', rig.engine.address, '--creds', rig.engine.credentials]
  const child = spawn(process.execPath, [MAIN, 'fleet', '-v', ...options, ...engine], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const started = Promise.withResolvers<void>()
  let output = ''
  child.stdout.on('data', part => {
    output += String(part)
    if (output.includes(text)) started.resolve()
  })
  child.once('exit', () => started.reject(new Error(output)))
  await started.promise
  return child
}

/** Orders copies, and resolves with their ids. */
async function order(rig: FleetRig, copies: number): Promise<string[]> {
  const file = await rig.upload()
  return (await rig.hub.call('/fleet/jobs', { file, name: 'part.gcode', copies })).result.jobs
}

async function assertPrintedOnce(rig: FleetRig, jobs: readonly string[]): Promise<void> {
  const open = () => jobs.filter(id => rig.hub.store.board.get(id)?.value.state !== 'done')
  await until(() => open().length === 0, 90).catch(error => {
    throw new Error(JSON.stringify(open().map(id => rig.hub.store.board.get(id))), { cause: error })
  })
  const starts = rig.printers.flatMap(printer => printer.starts)
  assert.equal(starts.length, new Set(starts).size)
  const printed = starts.map(start => start.split(' ')[0] as string)
  assert.deepEqual(printed.toSorted(), jobs.toSorted())
}

test('a hub waits for its engine, and a signal ends it meanwhile', { skip, timeout: 300_000 }, async () => {
  await using rig = await FleetRig.start()
  await rig.engine.stop()
  const waiting = await spawnHub(rig, 'waiting', 'does not answer')
  const signalled = await spawnHub(rig, 'signalled', 'does not answer')
  const ended = once(signalled, 'exit')
  signalled.kill('SIGTERM')
  assert.deepEqual(await ended, [0, null])
  const isUp = Promise.withResolvers<void>()
  waiting.stdout?.on('data', part => {
    if (String(part).includes('The hub is up')) isUp.resolve()
  })
  waiting.once('exit', code => isUp.reject(new Error(`it ended with code ${code}`)))
  await rig.startEngine()
  await isUp.promise
  await killProcess(waiting)
})

test('a hub whose engine does not answer for a while starts nevertheless', { skip }, async () => {
  await using rig = await FleetRig.start()
  const pid = rig.engine.pid ?? 0
  // The connection stays open: only what the hub requests gets no reply.
  const isLogged = (text: string) => rig.log.some(line => line.includes(text))
  const added = rig.addHub({}, () => process.kill(pid, 'SIGSTOP'))
  try {
    await until(() => isLogged('the engine has no storage for the fleet: timeout'))
  } finally {
    process.kill(pid, 'SIGCONT')
  }
  const { store } = await added
  assert.ok(store.ready)
})

test('the states that are there when a hub starts are not late', { skip }, async () => {
  await using rig = await FleetRig.start()
  await rig.addPrinters(3)
  await until(() => rig.hub.store.directory.members().every(({ state }) => state !== null))
  // A new hub requests the states of all printers: these do not reply.
  await Promise.all(rig.printers.map(({ connection }) => connection.close()))
  // To this hub each value that it reads seems to be 10 s older than the one before.
  let calls = 0
  const now = () => {
    calls += 1
    return systemClock.now() + calls * 10
  }
  const { store } = await rig.addHub({ clock: { ...systemClock, now } })
  assert.deepEqual([store.lag, store.ready], [0, true])
  // A state that is written now is late by the same clock.
  await rig.addPrinters(2)
  await until(() => store.lag > 0)
})

test('a hub is killed while it dispatches, and another goes on', { skip, timeout: 300_000 }, async () => {
  await using rig = await FleetRig.start(1, { lease: ALWAYS })
  await rig.addPrinters(10, { printTime: 10 })
  const jobs: string[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    const killed = await spawnHub(rig, `hub${round}`)
    jobs.push(...(await order(rig, 60)))
    await new Promise(resolve => setTimeout(resolve, Math.random() * 600))
    await killProcess(killed)
  }
  await assertPrintedOnce(rig, jobs)
})

test('the engine is killed while jobs print, and starts again', { skip, timeout: 300_000 }, async () => {
  await using rig = await FleetRig.start()
  await rig.addPrinters(5, { printTime: 300 })
  const jobs = await order(rig, 20)
  await until(() => rig.printers.some(({ starts }) => starts.length > 0))
  process.kill(rig.engine.pid ?? 0, 'SIGKILL')
  await assertPrintedOnce(rig, jobs)
  // What the engine keeps in memory is there again.
  await until(async () => (await rig.hub.call('/fleet/summary')).result.printers.ready === 5)
})

test('an engine that lost its data starts nothing', { skip, timeout: 300_000 }, async () => {
  await using rig = await FleetRig.start()
  const [printer] = await rig.addPrinters(1)
  assert.ok(printer)
  const { store } = rig.hub
  const { epoch } = store
  const [id = ''] = await order(rig, 1)
  await until(() => store.board.get(id)?.value.state === 'done')
  const job = store.board.get(id)
  const record = store.directory.get(printer.id)?.record.value
  await rig.engine.stop()
  rmSync(join(rig.folder, 'engine', 'jetstream'), { recursive: true })
  await rig.startEngine()
  await until(() => store.ready && store.epoch !== epoch)
  assert.equal(store.board.get(id), undefined)
  // An admin lets the printer join again and orders the job again; the printer still knows the earlier engine only.
  assert.ok(record && job)
  await store.records.put(printer.id, record)
  await until(async () => store.directory.get(printer.id)?.slot?.value.state === 'free')
  await store.board.add(id, { ...job.value, state: 'queued', attempt: 0, printer: null })
  await new Promise(resolve => setTimeout(resolve, 2500))
  assert.equal(store.board.get(id)?.value.state, 'queued')
  assert.equal(printer.starts.length, 1)
})
