// Services of a container that supervisord runs, with a real one.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { runCommand } from '../../../../src/core/run-command.ts'
import { FrameSplitter, frame } from '../../../../src/klippy/framing.ts'
import { postJson, sendRequest } from '../../../support/raw-http.ts'
import { type Rig, startRig } from '../../../support/rig.ts'
import { serverBundle } from '../../../support/server-bundle.ts'
import { WebClient } from '../../../support/web-client.ts'
import { absent, startSupervisor } from './supervisor.ts'

const SLEEPER = ['command=sleep 1000', 'startsecs=0']

const PROGRAMS = {
  klipper: SLEEPER,
  klipper_mcu: [...SLEEPER, 'autostart=false'],
  sshd: SLEEPER,
  crowsnest: ['command=/nonexistent', 'startretries=0', 'autostart=false'],
}

function startOn(config: string): Promise<Rig> {
  const conf = `[machine]\nprovider: supervisord_cli\nsupervisord_config_path: ${config}`
  return startRig({ printer: 'none', conf })
}

async function systemInfo({ port }: Rig) {
  return (await sendRequest(port, '/machine/system_info')).json.result.system_info
}

const act = ({ port }: Rig, action: string, service: string) =>
  postJson(port, `/machine/services/${action}`, { service })

suite('supervisord', { skip: absent ?? false }, () => {
  test('allowed programs are listed, started, stopped and restarted, until supervisord ends', async () => {
    await using supervisor = await startSupervisor(PROGRAMS)
    await using rig = await startOn(supervisor.config)
    using client = await WebClient.open(rig.url)
    const { provider, service_state } = await systemInfo(rig)
    assert.equal(provider, 'supervisord_cli')
    assert.deepEqual(service_state, {
      crowsnest: { active_state: 'inactive', sub_state: 'stopped' },
      klipper: { active_state: 'active', sub_state: 'running' },
      klipper_mcu: { active_state: 'inactive', sub_state: 'stopped' },
    })
    for (const [action, service] of [
      ['stop', 'klipper'],
      ['stop', 'klipper'],
      ['start', 'klipper_mcu'],
      ['restart', 'klipper'],
    ] as const) {
      assert.deepEqual((await act(rig, action, service)).json, { result: 'ok' }, `${action} ${service}`)
    }
    await client.notified('notify_service_state_changed', 3)
    const changes = client.frames.filter(({ method }) => method === 'notify_service_state_changed')
    assert.deepEqual(
      changes.map(({ params }) => params[0]),
      [
        { klipper: { active_state: 'inactive', sub_state: 'stopped' } },
        { klipper_mcu: { active_state: 'active', sub_state: 'running' } },
        { klipper: { active_state: 'active', sub_state: 'running' } },
      ],
    )
    const refused = await act(rig, 'restart', 'sshd')
    assert.deepEqual([refused.status, refused.json.error.message], [400, "Service 'sshd' not allowed"])
    const failed = await act(rig, 'start', 'crowsnest')
    assert.deepEqual(
      [failed.status, failed.json.error.message],
      [500, "Service 'crowsnest' could not be started: no such file"],
    )
    await supervisor.stop()
    const gone = await act(rig, 'stop', 'klipper')
    assert.equal(gone.status, 500)
    assert.match(gone.json.error.message, /^Service 'klipper' could not be stopped: .*(no such file|refused)/)
  })

  test('a supervisord that does not run is a warning at the start', async () => {
    await using rig = await startOn('/nonexistent.conf')
    assert.equal((await systemInfo(rig)).provider, 'none')
    const { warnings } = (await sendRequest(rig.port, '/server/info')).json.result
    assert.match(warnings.join(), /provider supervisord_cli does not work \(.*could not find config file/)
    const { status, json } = await act(rig, 'stop', 'klipper')
    assert.equal(status, 503)
    assert.match(json.error.message, /cannot be managed: provider supervisord_cli does not work/)
  })

  test('our own program answers, is stopped, and starts again', async () => {
    const data = mkdtempSync(join(tmpdir(), 'own-'))
    const config = join(data, 'config')
    mkdirSync(config)
    const socketPath = join(data, 'comms', 'moonraker.sock')
    const main = join(await serverBundle(), 'moonraker.cjs')
    await using supervisor = await startSupervisor({
      moonraker_3: [`command=${process.execPath} ${main} -d ${data}`, 'startsecs=0', 'autostart=false'],
    })
    writeFileSync(
      join(config, 'moonraker.conf'),
      '[server]\nhost: 127.0.0.1\nport: 0\n[authorization]\n[machine]\nprovider: supervisord_cli\n' +
        `supervisord_config_path: ${supervisor.config}\n`,
    )
    await runCommand('supervisorctl', ['-c', supervisor.config, 'start', 'moonraker_3'], {
      timeoutSeconds: 10,
    })
    using first = await connected(socketPath)
    const { system_info } = (await first.call('machine.system_info')).result as {
      system_info: { instance_ids: unknown }
    }
    assert.deepEqual(system_info.instance_ids, { moonraker: 'moonraker_3', klipper: 'klipper' })
    const { result } = await first.call('machine.services.restart', { service: 'moonraker_3' })
    assert.equal(result, 'ok')
    await first.closed
    using second = await connected(socketPath)
    assert.ok((await second.call('server.info')).result)
    await supervisor.stop()
    rmSync(data, { recursive: true })
  })
})

interface UnixClient extends Disposable {
  readonly closed: Promise<unknown>
  call(method: string, params?: object): Promise<Record<string, unknown>>
}

/** Connects to a server's unix socket, as soon as it listens. */
async function connected(path: string): Promise<UnixClient> {
  for (let tries = 0; tries < 500; tries += 1) {
    const socket = connect(path)
    try {
      await once(socket, 'connect')
      return unixClient(socket)
    } catch {
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }
  throw new Error(`no server listens at ${path}`)
}

/** One call at a time. */
function unixClient(socket: Socket): UnixClient {
  const splitter = new FrameSplitter(1024 * 1024)
  return {
    closed: once(socket, 'close'),
    async call(method, params = {}) {
      socket.write(frame({ jsonrpc: '2.0', method, params, id: 1 }))
      for (;;) {
        const [chunk] = await once(socket, 'data')
        for (const text of splitter.push(chunk)) {
          const message = JSON.parse(text.toString())
          if (message.id === 1) return message
        }
      }
    },
    [Symbol.dispose]: () => socket.destroy(),
  }
}
