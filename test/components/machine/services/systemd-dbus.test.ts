// A system's D-Bus that is broken, slow or hostile. That services work is shown on a real one: systemd.system.test.ts.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { ServerHost } from '../../../../src/app/host.ts'
import type { Clock } from '../../../../src/core/clock.ts'
import { HandClock } from '../../../support/hand-clock.ts'
import { postJson, sendRequest } from '../../../support/raw-http.ts'
import { type Rig, startRig } from '../../../support/rig.ts'
import { testLog } from '../../../support/test-log.ts'
import { WebClient } from '../../../support/web-client.ts'
import { fakePrograms } from '../fake-programs.ts'
import { type Answer, InProcessBus, LISTED, listed, newState } from './in-process-bus.ts'

function startOn(clock?: Clock, host?: ServerHost): Promise<Rig> {
  return startRig({
    printer: 'none',
    conf: '[machine]\nprovider: systemd_dbus\nvalidate_service: False',
    ...(clock !== undefined && { clock }),
    ...(host !== undefined && { host }),
  })
}

async function systemInfo({ port }: Rig) {
  return (await sendRequest(port, '/machine/system_info')).json.result.system_info
}

const stop = ({ port }: Rig, service = 'klipper') => postJson(port, '/machine/services/stop', { service })

const never = () => new Promise(() => {})

test('lists that are not understood are no lists', async () => {
  using _programs = fakePrograms({ systemctl: 'exit 1' })
  const answers: readonly Answer[] = [
    [() => 7, 'u'],
    [() => null, ''],
    [() => 'klipper.service', 's'],
    [() => [['klipper.service', 'active']], 'a(ss)'],
    [() => [listed('klipper.service').toSpliced(3, 1, 5)], 'a(sssussouso)'],
  ]
  await using bus = await InProcessBus.start()
  await using rig = await startOn()
  assert.deepEqual(Object.keys((await systemInfo(rig)).service_state), ['klipper'])
  for (const answer of answers) {
    bus.answers({ ListUnitsByPatterns: answer })
    const { status, json } = await stop(rig, 'klipper_mcu')
    assert.deepEqual(
      [status, json.error.message],
      [503, 'The service manager does not answer: systemd answers what is not understood'],
    )
  }
  await using later = await startOn()
  assert.equal((await systemInfo(later)).provider, 'none')
})

/** Resolves when the server has logged such a line that many times. */
async function logged({ log }: Rig, text: string, times = 1): Promise<void> {
  while (log.filter(line => line.includes(text)).length < times) await setImmediate()
}

test('an invalid signal ends the connection, and a new one is opened', async () => {
  await using bus = await InProcessBus.start()
  const clock = new HandClock()
  await using rig = await startOn(clock)
  using client = await WebClient.open(rig.url)
  await systemInfo(rig)
  const signals: readonly (readonly [signature: string, body: unknown[]])[] = [
    ['sa{sv}as', newState(5, 'u')],
    ['sa{sv}as', newState(['active'], 'as')],
    ['s', ['org.freedesktop.systemd1.Unit']],
  ]
  for (const [index, [signature, body]] of signals.entries()) {
    bus.changed('klipper.service', signature, body)
    await logged(rig, "The system's D-Bus is gone", index + 1)
    assert.match((await stop(rig)).json.error.message, /D-Bus is not connected/)
    clock.pass(1)
    await logged(rig, "reconnected to the system's D-Bus", index + 1)
  }
  assert.deepEqual((await sendRequest(rig.port, '/server/info')).json.result.warnings, [])
  bus.changed('klipper.service', 'sa{sv}as', newState('failed'))
  const { params } = await client.notified('notify_service_state_changed')
  assert.deepEqual(params, [{ klipper: { active_state: 'failed', sub_state: 'running' } }])
})

test('two printers share one connection of their host, which ends with the last of them', async () => {
  let subscribers = 0
  await using bus = await InProcessBus.start({
    Subscribe: [
      () => {
        subscribers += 1
        if (subscribers === 1) return null
        const dbusName = 'org.freedesktop.systemd1.AlreadySubscribed'
        throw Object.assign(new Error('subscribed'), { dbusName })
      },
      '',
    ],
  })
  const log = testLog()
  const clock = new HandClock()
  const host = new ServerHost({ log, clock })
  const alone = bus.connections
  await using left = await startOn(undefined, host)
  await using right = await startOn(undefined, host)
  const clients = [await WebClient.open(left.url), await WebClient.open(right.url)] as const
  for (const rig of [left, right]) assert.equal((await systemInfo(rig)).provider, 'systemd_dbus')
  assert.deepEqual([bus.connections - alone, subscribers], [1, 2])
  bus.changed('klipper.service', 'sa{sv}as', newState('failed'))
  for (const client of clients) await client.notified('notify_service_state_changed')

  // A signal that cannot be read ends the connection for both.
  bus.changed('klipper.service', 'sa{sv}as', newState(5, 'u'))
  for (const rig of [left, right]) await logged(rig, "The system's D-Bus is gone")
  clock.pass(1)
  for (const rig of [left, right]) await logged(rig, "reconnected to the system's D-Bus")
  assert.equal(bus.connections - alone, 1)

  await left.server.stop()
  bus.changed('klipper.service', 'sa{sv}as', newState('inactive'))
  await clients[1].notified('notify_service_state_changed', 3)
  assert.equal(bus.connections - alone, 1)
  await right.server.stop()
  while (bus.connections > alone) await setImmediate()
  await host.stop()
  for (const client of clients) client[Symbol.dispose]()
})

test('a flood of signals ends with the last state, and only changes are notified', async () => {
  await using bus = await InProcessBus.start()
  await using rig = await startOn()
  using client = await WebClient.open(rig.url)
  await systemInfo(rig)
  for (let count = 0; count < 2000; count += 1) {
    bus.changed('klipper.service', 'sa{sv}as', newState('active'))
    bus.changed('sshd.service', 'sa{sv}as', newState('failed'))
  }
  bus.changed('klipper.service', 'sa{sv}as', newState('failed'))
  const { params } = await client.notified('notify_service_state_changed')
  assert.deepEqual(params, [{ klipper: { active_state: 'failed', sub_state: 'running' } }])
})

test('of a hundred calls at once systemd receives ten, and the others are rejected', async () => {
  let calls = 0
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
  const held = async (result: unknown) => {
    calls += 1
    await answered
    return result
  }
  await using bus = await InProcessBus.start()
  await using rig = await startOn()
  await systemInfo(rig)
  bus.answers({
    StopUnit: [() => held('/job').then(() => Promise.reject(new Error('busy'))), 'o'],
    ListUnitsByPatterns: [() => held([listed('klipper.service')]), LISTED],
  })
  const names = ['klipper', 'klipper_mcu']
  const replies = Array.from({ length: 100 }, (_, index) => stop(rig, names[index % 2]))
  const refused = replies.map(async reply => ((await reply).status === 503 ? 1 : 0))
  let rejected = 0
  for (const each of replies)
    void each.then(({ body }) => (rejected += body.includes('try again later') ? 1 : 0))
  while (rejected < 90) await setImmediate()
  assert.equal(calls, 10)
  answer()
  await Promise.all(refused)
  assert.equal(rejected, 90)
  assert.equal((await stop(rig, 'klipper_mcu')).json.error.message, "Service 'klipper_mcu' not installed")
})

test('a server that stops waits for no systemd, and logs nothing afterwards', async () => {
  await using bus = await InProcessBus.start()
  const stopping = await startOn()
  using client = await WebClient.open(stopping.url)
  await systemInfo(stopping)
  const { promise: reached, resolve: reach } = Promise.withResolvers<void>()
  bus.answers({
    StopUnit: [() => '/job', 'o'],
    RestartUnit: [
      () => {
        reach()
        return never()
      },
      'o',
    ],
  })
  void client.call('machine.services.stop', { service: 'klipper' })
  void client.call('machine.services.restart', { service: 'klipper' })
  await reached
  await stopping[Symbol.asyncDispose]()
  const lines = stopping.log.length
  for (let turn = 0; turn < 50; turn += 1) await setImmediate()
  // The end of the client's own line may come late.
  const late = stopping.log.slice(lines).filter(line => !/WebSocket|log file/.test(line))
  assert.deepEqual(late, [])
})

/** Answers on each connection, as this process's system bus. */
async function peer(answer: (socket: Socket, received: string) => void): Promise<AsyncDisposable> {
  const folder = mkdtempSync(join(tmpdir(), 'bus-'))
  const path = join(folder, 'bus')
  const server = createServer(socket => {
    socket.on('error', () => undefined).on('data', data => answer(socket, data.toString('latin1')))
  }).listen(path)
  await once(server, 'listening')
  process.env.DBUS_SYSTEM_BUS_ADDRESS = `unix:path=${path}`
  return {
    async [Symbol.asyncDispose]() {
      delete process.env.DBUS_SYSTEM_BUS_ADDRESS
      server.close()
      await once(server, 'close')
      rmSync(folder, { recursive: true })
    },
  }
}

const OK = 'OK 0123456789abcdef0123456789abcdef\r\n'

const PEERS: Readonly<Record<string, (socket: Socket, received: string) => void>> = {
  'refuses the login': socket => void socket.write('REJECTED EXTERNAL\r\n'),
  'hangs up': socket => void socket.end(OK),
  'uses another protocol': (socket, received) =>
    void socket.write(received.includes('BEGIN') ? 'HTTP/1.1 400 Bad Request\r\n\r\n'.repeat(10) : OK),
  'announces more than it may send': (socket, received) =>
    void socket.write(
      received.includes('BEGIN') ? Buffer.from('6c01000100000040010000000000007f', 'hex') : OK,
    ),
}

for (const [what, answer] of Object.entries(PEERS)) {
  test(`after a bus that ${what} the next provider is used at once`, async () => {
    using programs = fakePrograms({ systemctl: 'echo klipper.service loaded active running' })
    await using _peer = await peer(answer)
    await using rig = await startOn()
    const { provider, available_services } = await systemInfo(rig)
    assert.deepEqual([provider, available_services], ['systemd_cli', ['klipper']])
    assert.deepEqual(programs.calls(), [])
  })
}

test('a D-Bus that starts after the server is found', async () => {
  using _programs = fakePrograms({ systemctl: 'exit 1' })
  process.env.DBUS_SYSTEM_BUS_ADDRESS = 'unix:path=/nowhere/bus'
  const clock = new HandClock()
  await using rig = await startOn(clock)
  using client = await WebClient.open(rig.url)
  assert.equal((await systemInfo(rig)).provider, 'none')
  await clock.waitFor(5)
  clock.pass(5)
  await clock.waitFor(10)
  await using _bus = await InProcessBus.start()
  clock.pass(10)
  const { params } = await client.notified('notify_service_state_changed')
  assert.deepEqual(params, [{ klipper: { active_state: 'active', sub_state: 'running' } }])
  while ((await systemInfo(rig)).provider !== 'systemd_dbus') await setImmediate()
  assert.doesNotMatch((await sendRequest(rig.port, '/server/info')).body, /cannot be managed/)
})
