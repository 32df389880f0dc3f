// Actions on a machine where nothing can be done: the errors contain the reason.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { FakeKlippy } from '../../support/fake-klippy.ts'
import { postJson, sendRequest } from '../../support/raw-http.ts'
import { startRig } from '../../support/rig.ts'
import { WebClient } from '../../support/web-client.ts'

const NONE = 'the configuration has [machine] provider: none'

test('without a service manager every error names the reason', async () => {
  await using rig = await startRig({ printer: 'none', conf: '[machine]\nprovider: none' })
  for (const action of ['start', 'stop', 'restart']) {
    const { status, json } = await postJson(rig.port, `/machine/services/${action}`, { service: 'klipper' })
    assert.equal(status, 503)
    assert.equal(json.error.message, `Services and power of this machine cannot be managed: ${NONE}`)
  }
  for (const action of ['shutdown', 'reboot']) {
    const { status, json } = await postJson(rig.port, `/machine/${action}`, {})
    // Tests may run in a container.
    const inContainer = new RegExp(`^Cannot ${action} from within a \\S+ container$`)
    if (status === 400) assert.match(json.error.message, inContainer)
    else assert.deepEqual([status, json.error.message.endsWith(NONE)], [503, true])
  }
  const { system_info } = (await sendRequest(rig.port, '/machine/system_info')).json.result
  assert.equal(system_info.provider, 'none')
  assert.deepEqual([system_info.available_services, system_info.service_state], [[], {}])
  assert.deepEqual(system_info.instance_ids, { moonraker: 'moonraker', klipper: 'klipper' })
  assert.doesNotMatch(rig.log.join('\n'), /manages services/)
})

test('a server that is no service restarts itself, after its reply', async () => {
  await using rig = await startRig({ printer: 'none' })
  const { json } = await postJson(rig.port, '/machine/services/restart', { service: 'moonraker' })
  assert.deepEqual(json, { result: 'ok' })
  await rig.restartRequested
})

test('who may change the machine: admins only', async () => {
  await using rig = await startRig({
    printer: 'none',
    authorization: 'trusted_clients:\n  127.0.0.1\ntrusted_role: operator',
  })
  for (const path of ['services/restart', 'services/stop', 'shutdown', 'reboot', 'sudo/password']) {
    const { status } = await postJson(rig.port, `/machine/${path}`, { service: 'klipper', password: 'x' })
    assert.equal(status, 403, path)
  }
  assert.equal((await sendRequest(rig.port, '/machine/sudo/info')).status, 200)
})

test('sudo: who we are, and whether it works', async () => {
  await using rig = await startRig({ printer: 'none' })
  const info = async (query: string) =>
    (await sendRequest(rig.port, `/machine/sudo/info${query}`)).json.result
  const { linux_user, ...rest } = await info('')
  assert.deepEqual(rest, { sudo_access: null, sudo_requested: false, request_messages: [] })
  assert.ok(linux_user.length > 0)
  assert.equal(typeof (await info('?check_access=true')).sudo_access, 'boolean')
  assert.equal((await sendRequest(rig.port, '/machine/sudo/info?check_access=maybe')).status, 400)
})

test('sudo: odd passwords are refused, and no password is ever repeated', async () => {
  await using rig = await startRig({ printer: 'none' })
  for (const password of [['secret'], { secret: 1 }, null, 'secret\n', 'secret\0', 's'.repeat(5000)]) {
    const { status, body } = await postJson(rig.port, '/machine/sudo/password', { password })
    assert.equal(status, 400)
    assert.ok(!body.includes('secret'), body)
  }
  const missing = await postJson(rig.port, '/machine/sudo/password', {})
  assert.equal(missing.json.error.message, 'No data for argument: password')
  assert.ok(!rig.log.some(line => line.includes('secret')))
})

test('the password of the configuration may be among the secrets', async () => {
  await using rig = await startRig({
    printer: 'none',
    conf: '[machine]\nprovider: none\nsudo_password: {secrets.machine.sudo}',
    prepare: ({ secrets }) => writeFileSync(secrets, '[machine]\nsudo: hush-hush\n'),
  })
  const { failed_components, warnings } = (await sendRequest(rig.port, '/server/info')).json.result
  assert.deepEqual([failed_components, warnings], [[], []])
  assert.ok(!rig.log.join().includes('hush-hush'))
})

test('a password that cannot be used is a warning without the password, and the rest works', async () => {
  for (const [password, problem] of [
    [
      '{secrets.hush.hush}',
      /the template "sudo_password" of section \[machine\] failed at line 1, column \d+: .* has no attribute/,
    ],
    ['hush\n  hush', /sudo_password: A password is one line/],
    ['hush'.repeat(100), /sudo_password: A password is one line of at most 255 bytes/],
  ] as const) {
    await using rig = await startRig({
      printer: 'none',
      conf: `[machine]\nprovider: none\nsudo_password: ${password}`,
    })
    const { failed_components, warnings } = (await sendRequest(rig.port, '/server/info')).json.result
    assert.deepEqual([failed_components, warnings.length], [[], 1])
    assert.match(warnings[0], problem)
    assert.ok(password.includes('secrets') || !warnings[0].includes('hush'))
  }
})

test('a password that is not a template may contain braces, and is never shown', async () => {
  for (const password of ['hush{hush', 'hush {{ hush }}', '{% hush %}', '{hush}', 'hush#hush']) {
    await using rig = await startRig({
      printer: 'none',
      conf: `[machine]\nprovider: none\nsudo_password: ${password}`,
    })
    assert.deepEqual((await sendRequest(rig.port, '/server/info')).json.result.warnings, [])
    assert.ok(!(await sendRequest(rig.port, '/server/config')).body.includes('hush'), password)
    assert.ok(!rig.log.join().includes('hush'))
  }
})

test('options: words in any case, and a warning for invalid ones', async () => {
  await using odd = await startRig({
    printer: 'none',
    conf: '[machine]\nprovider: None\nshutdown_action: HALT\nvalidate_config: False\nforce_validation: True',
  })
  assert.deepEqual((await sendRequest(odd.port, '/server/info')).json.result.warnings, [])
  const invalid = ['shutdown_action: explode', 'validate_service: perhaps', 'supervisord_config_path: {here}']
  await using rig = await startRig({
    printer: 'none',
    conf: ['[machine]', 'provider: none', ...invalid].join('\n'),
  })
  const { components, failed_components, warnings } = (await sendRequest(rig.port, '/server/info')).json
    .result
  assert.deepEqual([components.includes('machine'), failed_components], [true, []])
  assert.equal((await sendRequest(rig.port, '/machine/system_info')).status, 200)
  for (const line of invalid) {
    const found = warnings.filter((text: string) =>
      text.includes(`the option "${line}" of section [machine]`),
    )
    assert.equal(found.length, 1, line)
    assert.match(found[0], /^moonraker\.conf, line \d+: .*; the default is used instead$/)
  }
})

test('the list of allowed services is created if it is missing', async () => {
  await using rig = await startRig({ printer: 'none' })
  await sendRequest(rig.port, '/machine/system_info')
  assert.match(readFileSync(rig.paths.allowedServices, 'utf8'), /^klipper_mcu\nwebcamd\n/)
})

test("Klipper's macros may request a shutdown; the log contains the reason of a failure", async () => {
  await using klippy = await FakeKlippy.start()
  await using rig = await startRig({ klippySocket: klippy.path, ready: true })
  const methods = klippy.requests.filter(({ method }) => method === 'register_remote_method')
  const names = methods.map(({ params }) => params.remote_method)
  for (const name of ['shutdown_machine', 'reboot_machine']) assert.ok(names.includes(name), name)
  await sendRequest(rig.port, '/machine/system_info')
  klippy.call('shutdown_machine', {})
  using client = await WebClient.open(rig.url)
  await client.call('printer.info')
  assert.match(rig.log.join('\n'), /remote method shutdown_machine: (Cannot shutdown|Services and power)/)
})
