// Who may look at the machine and who may change it, by every way in.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ROLES } from '../../../src/api/endpoint.ts'
import { machine } from '../../../src/api/machine.ts'
import { peripherals } from '../../../src/api/peripherals.ts'
import { services } from '../../../src/api/services.ts'
import { systemInfo } from '../../../src/api/system-info.ts'
import { methodsOf } from '../../support/chapter.ts'
import { sendRequest } from '../../support/raw-http.ts'
import { startRig } from '../../support/rig.ts'
import { bearer, createUser, openSocket, send, startAccess } from '../access/access-rig.ts'
import { fakePrograms } from './fake-programs.ts'

const NEEDED = {
  'machine.proc_stats': 'viewer',
  'machine.system_info': 'viewer',
  'machine.peripherals.usb': 'viewer',
  'machine.peripherals.serial': 'viewer',
  'machine.peripherals.video': 'viewer',
  'machine.peripherals.canbus': 'operator',
  'machine.sudo.info': 'viewer',
  'machine.sudo.password': 'admin',
  'machine.services.restart': 'admin',
  'machine.services.stop': 'admin',
  'machine.services.start': 'admin',
  'machine.shutdown': 'admin',
  'machine.reboot': 'admin',
} as const

const CALLS = methodsOf([machine, systemInfo, peripherals, services]).flatMap(
  ({ name: method, endpoint: { routes } }) => routes.map(({ verb, path }) => ({ method, verb, path })),
)
const PARAMS = { service: 'klipper', password: 'x', interface: 'nowhere' }
const CONF = { conf: '[machine]\nprovider: none' }

test('each method requires its role, over every transport', async () => {
  assert.deepEqual(CALLS.map(({ method }) => method).sort(), Object.keys(NEEDED).sort())
  await using rig = await startAccess('', CONF)
  for (const role of ROLES) {
    const { token } = await createUser(rig, role, { role })
    using socket = await openSocket(rig, token)
    for (const { method, verb, path } of CALLS) {
      const needed = NEEDED[method as keyof typeof NEEDED]
      const isRefused = ROLES.indexOf(role) < ROLES.indexOf(needed)
      const body = verb === 'POST' ? PARAMS : undefined
      const query = verb === 'POST' ? '' : '?interface=nowhere'
      const byHttp = await send(rig, verb, path + query, body, bearer(token))
      const rpc = { jsonrpc: '2.0', method, params: PARAMS, id: 1 }
      const byRpc = await send(rig, 'POST', '/server/jsonrpc', rpc, bearer(token))
      const bySocket = await socket.call(method, PARAMS)
      for (const [way, code] of [
        ['HTTP', byHttp.status],
        ['JSON-RPC over HTTP', byRpc.json.error?.code],
        ['WebSocket', bySocket.error?.code],
      ])
        assert.equal(code === 403, isRefused, `${role} calls ${method}: ${way} returns ${code}`)
    }
  }
})

test('unauthenticated clients get nothing, nor does the local network where logins are forced', async () => {
  await using rig = await startAccess('force_logins: True', CONF)
  await createUser(rig, 'other')
  for (const headers of [undefined, {}]) {
    for (const { method, verb, path } of CALLS) {
      const { status } = await send(rig, verb, path, verb === 'POST' ? PARAMS : undefined, headers)
      assert.equal(status, 401, method)
    }
  }
})

test("another site's page changes nothing of the machine", async () => {
  await using rig = await startAccess('', CONF)
  const changing = CALLS.filter(({ method }) => NEEDED[method as keyof typeof NEEDED] !== 'viewer')
  for (const headers of [{ Origin: 'http://evil.test' }, { 'Sec-Fetch-Site': 'cross-site' }]) {
    for (const { verb, path, method } of changing) {
      const { status } = await sendRequest(rig.port, `${path}?service=klipper&password=x`, { verb, headers })
      assert.equal(status, 403, method)
    }
  }
})

const ODD_NAMES = [
  '-x',
  '--root=/',
  '--help',
  '../klipper',
  'klipper/../ssh',
  '/etc/klipper',
  'klip*',
  'klipper?',
  'klipper[1]',
  'klipper ssh',
  'klipper\nssh',
  'klipper\0',
  'klipper;reboot',
  '$(reboot)',
  'klippér',
  'klipper\u202e',
  '\ufeff\ufeff',
  '__proto__',
  'constructor',
  '.service',
  '',
  'k'.repeat(5000),
  `klipper${'r'.repeat(5000)}`,
]

test('odd names reach no service manager', async () => {
  const listed = 'klipper.service loaded active running\n__proto__.service loaded active running'
  using programs = fakePrograms({
    systemctl: `[ "$1" = list-units ] && echo '${listed}' && exit\necho "$*" >> $HERE/calls`,
    supervisorctl: `[ "$1" = status ] && echo 'klipper RUNNING' && exit\necho "$*" >> $HERE/calls`,
    sudo: '[ "$1" = -n ] && shift; shift; exec "$@"',
  })
  for (const provider of ['systemd_cli', 'supervisord_cli']) {
    await using rig = await startRig({ printer: 'none', conf: `[machine]\nprovider: ${provider}` })
    const act = async (service: unknown) => send(rig, 'POST', '/machine/services/restart', { service }, {})
    for (const name of ODD_NAMES) {
      const { status, body } = await act(name)
      assert.equal(status, 400, name)
      assert.ok(body.length < 300)
    }
    for (const value of [null, 7, ['klipper'], { klipper: 1 }]) assert.equal((await act(value)).status, 400)
    // Loaded units have escapes in their names; this one is not loaded.
    const escaped = await act('klipper\\x2dleft')
    assert.equal(escaped.json.error.message, "Service 'klipper\\x2dleft' not installed")
    assert.equal((await act('klipper')).status, 200)
  }
  assert.deepEqual(programs.calls(), ['--no-ask-password restart -- klipper.service', 'restart klipper'])
})
