// Services and power over a real D-Bus daemon, with a simulated systemd, logind and polkit.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { absent, Host, type HostOrder } from '../../../support/dbus-host/host.ts'
import { FakeKlippy } from '../../../support/fake-klippy.ts'
import { HandClock } from '../../../support/hand-clock.ts'
import { postJson, sendRequest } from '../../../support/raw-http.ts'
import { type Rig, type RigOptions, startRig } from '../../../support/rig.ts'
import { WebClient } from '../../../support/web-client.ts'

const MANAGE_UNITS = 'org.freedesktop.systemd1.manage-units'

const unit = (name: string, active = 'active', sub = 'running'): HostOrder => ({
  unit: `${name}.service`,
  active,
  sub,
})

const PRINTER_HOST = [
  unit('klipper'),
  unit('klipper-2', 'inactive', 'dead'),
  unit('moonraker_2'),
  unit('crowsnest'),
  unit('ssh'),
  { unit: 'klipper.timer', active: 'active', sub: 'waiting' },
]

const OWN = [unit('moonraker'), { pid: process.pid, belongs: 'moonraker.service' }]

function startOn(options: RigOptions = {}): Promise<Rig> {
  return startRig({ printer: 'none', conf: '[machine]\nprovider: systemd_dbus', ...options })
}

async function systemInfo({ port }: Rig) {
  return (await sendRequest(port, '/machine/system_info')).json.result.system_info
}

async function warnings({ port }: Rig): Promise<string> {
  return (await sendRequest(port, '/server/info')).json.result.warnings.join('\n')
}

const act = ({ port }: Rig, action: string, service: unknown) =>
  postJson(port, `/machine/services/${action}`, { service })

const rollOver = ({ port }: Rig) => postJson(port, '/server/logs/rollover', { application: 'klipper' })

/** A Klippy whose process is 4242. */
async function startKlippy(facts: object = {}): Promise<FakeKlippy> {
  const klippy = await FakeKlippy.start()
  klippy.answer('info', () => ({ state: 'ready', state_message: '', process_id: 4242, ...facts }))
  return klippy
}

const stateOf = (service: string, active_state: string) => (frame: { method?: string; params?: object[] }) =>
  frame.method === 'notify_service_state_changed' &&
  (frame.params?.[0] as Record<string, { active_state: string }> | undefined)?.[service]?.active_state ===
    active_state

suite('systemd over D-Bus', { skip: absent ?? false }, () => {
  test('allowed services are listed with their states, others are not', async () => {
    await using _host = await Host.start(...PRINTER_HOST)
    await using rig = await startOn()
    const { provider, available_services, service_state, instance_ids } = await systemInfo(rig)
    assert.equal(provider, 'systemd_dbus')
    assert.deepEqual(available_services.sort(), ['crowsnest', 'klipper', 'klipper-2', 'moonraker_2'])
    assert.deepEqual(service_state['klipper-2'], { active_state: 'inactive', sub_state: 'dead' })
    assert.deepEqual(instance_ids, { moonraker: 'moonraker', klipper: 'klipper' })
    assert.equal(await warnings(rig), '')
  })

  test('services are started, stopped and restarted, and clients are notified', async () => {
    await using host = await Host.start(...PRINTER_HOST)
    await using rig = await startOn()
    using client = await WebClient.open(rig.url)
    for (const [action, state] of [
      ['stop', 'inactive'],
      ['start', 'active'],
    ] as const) {
      const { result } = await client.call(`machine.services.${action}`, { service: 'klipper' })
      assert.equal(result, 'ok')
      await client.find(stateOf('klipper', state))
      assert.equal((await systemInfo(rig)).service_state.klipper.active_state, state)
    }
    assert.deepEqual((await act(rig, 'restart', 'klipper-2.service')).json, { result: 'ok' })
    const calls = host.calls.filter(({ call }) => call !== 'check')
    assert.deepEqual(calls, [
      { call: 'stop', unit: 'klipper.service', mode: 'replace' },
      { call: 'start', unit: 'klipper.service', mode: 'replace' },
      { call: 'restart', unit: 'klipper-2.service', mode: 'replace' },
    ])
    await host.order(unit('crowsnest', 'failed', 'failed'))
    const { params } = await client.find(stateOf('crowsnest', 'failed'))
    assert.deepEqual(params, [{ crowsnest: { active_state: 'failed', sub_state: 'failed' } }])
  })

  test('the reply contains the result of the job', async () => {
    await using host = await Host.start(...PRINTER_HOST)
    await using rig = await startOn()
    await systemInfo(rig)
    await host.order({ result: 'early' })
    assert.equal((await act(rig, 'start', 'klipper')).status, 200, 'done before systemd names the job')
    await host.order({ result: 'failed' })
    const { status, json } = await act(rig, 'start', 'klipper')
    assert.equal(status, 500)
    assert.match(json.error.message, /^Service 'klipper' could not be started: failed/)
  })

  test('services that are not allowed or not installed are refused before systemd is called', async () => {
    await using host = await Host.start(...PRINTER_HOST)
    await using rig = await startOn()
    for (const name of [
      'ssh',
      'KLIPPER',
      '-h',
      '../klipper',
      'klip*',
      '',
      'klipper;reboot',
      'a b',
      'ü',
      '\0',
    ]) {
      const { status, json } = await act(rig, 'restart', name)
      assert.deepEqual([status, json.error.message], [400, `Service '${name}' not allowed`])
    }
    for (const name of ['klipper\nreboot', 'klipper.service.d', 'klipper$(id)', 'klipper ']) {
      assert.equal((await act(rig, 'restart', name)).status, name === 'klipper ' ? 200 : 400, name)
    }
    assert.equal(
      (await act(rig, 'stop', 'klipper_mcu')).json.error.message,
      "Service 'klipper_mcu' not installed",
    )
    const long = await act(rig, 'stop', 'x'.repeat(100_000))
    assert.ok(long.body.length < 300)
    for (const service of [undefined, null, ['klipper'], { klipper: 1 }]) {
      assert.equal((await act(rig, 'stop', service)).status, 400)
    }
    assert.deepEqual(
      host.calls.filter(({ call }) => call !== 'check'),
      [{ call: 'restart', unit: 'klipper.service', mode: 'replace' }],
    )
  })

  test('a service that was installed meanwhile is found', async () => {
    await using host = await Host.start(...PRINTER_HOST)
    await using rig = await startOn()
    using client = await WebClient.open(rig.url)
    await systemInfo(rig)
    await host.order(unit('sonar', 'inactive', 'dead'))
    assert.equal((await act(rig, 'start', 'sonar')).status, 200)
    await client.find(stateOf('sonar', 'active'))
    assert.ok((await systemInfo(rig)).available_services.includes('sonar'))
  })

  test('our own service answers before it restarts, and cannot be stopped', async () => {
    await using host = await Host.start(...PRINTER_HOST, ...OWN)
    await using rig = await startOn()
    assert.deepEqual((await systemInfo(rig)).instance_ids.moonraker, 'moonraker')
    for (const action of ['stop', 'start']) {
      const { status, json } = await act(rig, action, 'moonraker')
      assert.equal(status, 400)
      assert.equal(json.error.message, `Service action '${action}' not available for moonraker`)
    }
    await host.order({ result: 'never' })
    assert.deepEqual((await act(rig, 'restart', 'moonraker')).json, { result: 'ok' })
    assert.equal((await host.called('restart')).unit, 'moonraker.service')
  })

  test('a server under another name knows its own service and that of its Klipper', async () => {
    await using host = await Host.start(
      ...PRINTER_HOST,
      { pid: process.pid, belongs: 'moonraker_2.service' },
      { pid: 4242, belongs: 'klipper-2.service' },
    )
    await using klippy = await startKlippy()
    await using rig = await startOn({ klippySocket: klippy.path, ready: true })
    const { instance_ids } = await systemInfo(rig)
    assert.deepEqual(instance_ids, { moonraker: 'moonraker_2', klipper: 'klipper-2' })
    assert.equal((await act(rig, 'restart', 'moonraker_2')).status, 200)
    assert.equal((await host.called('restart')).unit, 'moonraker_2.service')
  })

  test('power: logind is called, as configured', async () => {
    await using host = await Host.start(...PRINTER_HOST)
    await using rig = await startOn()
    assert.deepEqual((await postJson(rig.port, '/machine/shutdown', {})).json, { result: 'ok' })
    assert.deepEqual((await postJson(rig.port, '/machine/reboot', {})).json, { result: 'ok' })
    assert.equal((await host.called('PowerOff')).interactive, false)
    await host.called('Reboot')
    await using halting = await startOn({ conf: '[machine]\nshutdown_action: HALT' })
    assert.equal((await postJson(halting.port, '/machine/shutdown', {})).status, 200)
    await host.called('Halt')
  })

  test('missing rights are a warning at the start, and in the error of each action that needs them', async () => {
    const deny = ['org.freedesktop.login1.reboot', MANAGE_UNITS]
    await using host = await Host.start(...PRINTER_HOST, { deny })
    await using rig = await startOn()
    while ((await warnings(rig)) === '') await setImmediate()
    assert.match(
      await warnings(rig),
      /polkit does not grant .* org\.freedesktop\.systemd1\.manage-units, .*reboot:/,
    )
    for (const [path, right] of [
      ['services/restart', MANAGE_UNITS],
      ['reboot', 'org.freedesktop.login1.reboot'],
    ] as const) {
      const { status, json } = await postJson(rig.port, `/machine/${path}`, { service: 'klipper' })
      assert.equal(status, 503)
      assert.match(json.error.message, new RegExp(`lacks the right ${right} `))
    }
    assert.equal((await postJson(rig.port, '/machine/shutdown', {})).status, 200)
    const checks = host.calls.length
    await using quiet = await startOn({ conf: '[machine]\nvalidate_service: False' })
    await systemInfo(quiet)
    assert.equal(await warnings(quiet), '')
    assert.equal(host.calls.length, checks)
  })

  test('a restart that is refused after the reply is a warning', async () => {
    await using host = await Host.start(...PRINTER_HOST, ...OWN)
    await using rig = await startOn()
    await systemInfo(rig)
    await host.order({ deny: [MANAGE_UNITS] })
    assert.equal((await act(rig, 'restart', 'moonraker')).status, 200)
    await host.called('restart')
    // A second request is refused the same way.
    assert.equal((await act(rig, 'restart', 'klipper')).status, 503)
    assert.match(await warnings(rig), /cannot restart its service: .* lacks the right/)
  })

  test('a D-Bus daemon that ends: calls fail with the reason until it runs again', async () => {
    await using host = await Host.start(...PRINTER_HOST)
    const clock = new HandClock()
    await using rig = await startOn({ clock })
    using client = await WebClient.open(rig.url)
    await systemInfo(rig)
    await host.order({ result: 'never' })
    const waiting = act(rig, 'stop', 'klipper')
    await host.called('stop')
    await host.fall()
    assert.deepEqual([(await waiting).status], [503])
    const { status, json } = await act(rig, 'stop', 'klipper')
    assert.equal(status, 503)
    assert.match(json.error.message, /D-Bus is not connected/)
    assert.equal((await postJson(rig.port, '/machine/reboot', {})).status, 503)
    assert.match(await warnings(rig), /D-Bus is gone/)
    assert.equal((await systemInfo(rig)).service_state.klipper.active_state, 'active')
    await host.rise(
      ...PRINTER_HOST.filter(({ unit: name }) => name !== 'klipper.service'),
      unit('klipper', 'failed'),
    )
    clock.pass(1)
    await client.find(stateOf('klipper', 'failed'))
    assert.equal(await warnings(rig), '')
    assert.equal((await act(rig, 'start', 'klipper')).status, 200)
    await client.find(stateOf('klipper', 'active'))
  })

  test('a systemd that restarts is followed', async () => {
    await using host = await Host.start(...PRINTER_HOST)
    const clock = new HandClock()
    await using rig = await startOn({ clock })
    using client = await WebClient.open(rig.url)
    await systemInfo(rig)
    await host.stopSystemd()
    while (!(await warnings(rig)).includes('systemd restarted')) await setImmediate()
    await host.startSystemd(...PRINTER_HOST, unit('klipper', 'reloading', 'reload'))
    clock.pass(1)
    await client.find(stateOf('klipper', 'reloading'))
    await host.order(unit('klipper', 'active', 'running'))
    await client.find(stateOf('klipper', 'active'))
  })

  test('signals of other programs than systemd are ignored', async () => {
    await using host = await Host.start(...PRINTER_HOST)
    await using rig = await startOn()
    using client = await WebClient.open(rig.url)
    await systemInfo(rig)
    await host.order({ forge: 'klipper.service' })
    await host.order(unit('crowsnest', 'inactive', 'dead'))
    await client.find(stateOf('crowsnest', 'inactive'))
    assert.equal((await systemInfo(rig)).service_state.klipper.active_state, 'active')
  })

  test('the start does not wait for a bus that does not answer', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mute-'))
    const path = join(folder, 'bus')
    const mute = createServer().listen(path)
    await once(mute, 'listening')
    process.env.DBUS_SYSTEM_BUS_ADDRESS = `unix:path=${path}`
    const connected = once(mute, 'connection')
    {
      await using rig = await startOn()
      const [socket] = await connected
      assert.equal((await sendRequest(rig.port, '/server/info')).status, 200)
      socket.destroy()
      assert.equal((await systemInfo(rig)).provider, 'none')
    }
    const again = once(mute, 'connection')
    const stopping = await startOn()
    const [socket] = await again
    const hungUp = once(socket.resume(), 'end')
    await stopping[Symbol.asyncDispose]()
    await hungUp
    mute.close()
    delete process.env.DBUS_SYSTEM_BUS_ADDRESS
    rmSync(folder, { recursive: true })
  })

  test("a service that only has the number of Klipper's process is not Klipper's", async () => {
    for (const belongs of ['ssh.service', 'moonraker.service']) {
      await using host = await Host.start(...PRINTER_HOST, ...OWN, { pid: 4242, belongs })
      await using klippy = await startKlippy({ log_file: import.meta.filename })
      await using rig = await startOn({ klippySocket: klippy.path, ready: true })
      assert.equal((await systemInfo(rig)).instance_ids.klipper, 'klipper')
      const { failed } = (await rollOver(rig)).json.result
      assert.deepEqual(failed, { klipper: "Klipper's service is not known to this server" })
      assert.deepEqual(
        host.calls.filter(({ call }) => call !== 'check'),
        [],
      )
    }
  })

  test("Klipper is started again after its log's rollover, also where it could not be stopped", async () => {
    await using host = await Host.start(...PRINTER_HOST, { pid: 4242, belongs: 'klipper.service' })
    const logs = mkdtempSync(join(tmpdir(), 'logs-'))
    const log_file = join(logs, 'klippy.log')
    writeFileSync(log_file, '')
    await using klippy = await startKlippy({ log_file })
    await using rig = await startOn({ klippySocket: klippy.path, ready: true })
    await systemInfo(rig)
    await host.order({ result: 'timeout' })
    const { failed } = (await rollOver(rig)).json.result
    assert.match(failed.klipper, /^Service 'klipper' could not be started: timeout/)
    const verbs = host.calls.map(({ call }) => call).filter(call => call !== 'check')
    assert.deepEqual([verbs, readdirSync(logs)], [['stop', 'start'], ['klippy.log']])
    rmSync(logs, { recursive: true })
  })

  test("Klipper's log is rolled over by stopping and starting its service", async () => {
    await using host = await Host.start(...PRINTER_HOST, { pid: 4242, belongs: 'klipper.service' })
    const logs = mkdtempSync(join(tmpdir(), 'logs-'))
    const log_file = join(logs, 'klippy.log')
    writeFileSync(log_file, 'old lines\n')
    await using klippy = await startKlippy({ log_file })
    await using rig = await startOn({ klippySocket: klippy.path, ready: true })
    assert.equal((await systemInfo(rig)).instance_ids.klipper, 'klipper')
    using client = await WebClient.open(rig.url)
    await client.call('printer.objects.subscribe', { objects: { print_stats: ['state'] } })
    const printIs = async (state: string) => {
      klippy.push('print_stats', { state })
      await client.find(
        ({ method, params }) => method === 'notify_status_update' && params[0].print_stats?.state === state,
      )
    }
    for (const state of ['printing', 'paused']) {
      await printIs(state)
      const { failed } = (await rollOver(rig)).json.result
      assert.deepEqual(failed, { klipper: 'Cannot rollover log while printing' })
    }
    await printIs('standby')
    const both = await Promise.all([rollOver(rig), rollOver(rig)])
    for (const { json } of both) assert.deepEqual(json.result, { rolled_over: ['klipper'], failed: {} })
    const verbs = host.calls.map(({ call }) => call).filter(call => call !== 'check')
    assert.deepEqual(verbs, ['stop', 'start'])
    const kept = readdirSync(logs).join()
    assert.match(kept, /^klippy\.log\.\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d$/)
    assert.equal(readFileSync(join(logs, kept), 'utf8'), 'old lines\n')
    const { failed } = (await rollOver(rig)).json.result
    assert.deepEqual(failed, { klipper: "Klipper's log file does not exist" })
    rmSync(logs, { recursive: true })
  })
})
