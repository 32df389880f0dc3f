// [td1]: scanners that are plugged in and removed, what they scan, and what they do not reply.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { td1 } from '../../../src/components/td1/index.ts'
import { noPseudoTerminals } from '../../support/fake-serial-device.ts'
import { MachineFolder } from '../../support/machine-folder.ts'
import { quickClock } from '../../support/quick-clock.ts'
import { sendRequest } from '../../support/raw-http.ts'
import { type Rig, startRig } from '../../support/rig.ts'
import { type Frame, WebClient } from '../../support/web-client.ts'
import { FakeTd1 } from './fake-td1.ts'

const skip = await noPseudoTerminals()
const NEW = { td: null, color: null, scan_time: null, error: null }

class Scene implements AsyncDisposable {
  readonly rig: Rig
  readonly client: WebClient

  private constructor(rig: Rig, client: WebClient) {
    this.rig = rig
    this.client = client
  }

  static async start(machine: MachineFolder): Promise<Scene> {
    const components = [td1('scanners', machine.files)]
    const rig = await startRig({
      printer: 'none',
      conf: '[scanners]\nbaudrate: 9600\n',
      components,
      clock: quickClock(20),
    })
    return new Scene(rig, await WebClient.open(rig.url))
  }

  async devices(): Promise<Frame> {
    return (await this.client.call('machine.td1.data')).result.devices
  }

  /** Resolves with the scanners once `isWanted` accepts them. */
  async until(isWanted: (devices: Frame) => boolean): Promise<Frame> {
    this.client.frames.length = 0
    const now = await this.devices()
    if (isWanted(now)) return now
    const isChange = ({ method, params }: Frame) =>
      method === 'notify_td1_changed' && isWanted(params[0].devices)
    const { params } = await this.client.find(isChange)
    return params[0].devices
  }

  reboot(serial: string): Promise<Frame> {
    return this.client.call('machine.td1.reboot', { serial })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client[Symbol.dispose]()
    await this.rig[Symbol.asyncDispose]()
  }
}

test('scans of two scanners', { skip }, async () => {
  using machine = new MachineFolder()
  machine.usb('/sys/devices/usb1/1-9', { idVendor: '1d50', idProduct: '614e', serial: 'board' })
  await using first = await FakeTd1.start(machine, 'A1', 1)
  await using second = await FakeTd1.start(machine, 'B2', 2)
  await using scene = await Scene.start(machine)
  await scene.until(devices => 'A1' in devices && 'B2' in devices)
  assert.deepEqual(await scene.devices(), { A1: NEW, B2: NEW })
  assert.equal(first.device.baud, 9600)
  first.device.send('0,1,2,3,4.25, 12ABEF \r\nshort,line\n')
  const { A1, B2 } = await scene.until(({ A1: { td } }) => td !== null)
  assert.deepEqual([A1.td, A1.color, A1.error], [4.25, '12ABEF', null])
  assert.match(A1.scan_time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/)
  assert.deepEqual(B2, NEW)
  // A scan without a number, bytes that are not UTF-8, and a line without an end change nothing.
  second.device.send('a,b,c,d,none,FFFFFF\n')
  second.device.send(Buffer.from([0xff, 0xfe, 0x0a]))
  second.device.send('x'.repeat(150_000))
  second.device.send('\n0,0,0,0,1.5,000000\n')
  const changed = await scene.until(devices => devices.B2.td !== null)
  assert.deepEqual([changed.B2.td, changed.B2.color], [1.5, '000000'])
  assert.deepEqual(changed.A1, A1)
  const { json } = await sendRequest(scene.rig.port, '/machine/td1/data')
  assert.equal(json.result.status, 'ok')
})

test('a scanner is found when it is plugged in, and forgotten when it is removed', { skip }, async () => {
  using machine = new MachineFolder()
  await using scanner = await FakeTd1.start(machine, 'A1')
  scanner.unplug()
  await using scene = await Scene.start(machine)
  assert.deepEqual(await scene.devices(), {})
  for (let times = 0; times < 3; times += 1) {
    scanner.plugIn()
    await scene.until(devices => 'A1' in devices)
    scanner.unplug()
    await scene.until(devices => !('A1' in devices))
  }
})

test('the error file of a scanner', { skip }, async () => {
  using machine = new MachineFolder()
  const file = 'noise\nready\n16\n2\n9\nno\nlight\n7\nsensor\n0,0,0,0,2,112233\n'
  await using scanner = await FakeTd1.start(machine, 'A1', 1, file)
  await using scene = await Scene.start(machine)
  const { A1 } = await scene.until(({ A1: scan }) => scan?.td === 2)
  assert.equal(A1.error, 'no\nlight\nsensor')
  assert.equal(await scanner.device.line(), 'retrieve file')
  assert.equal(await scanner.device.line(), 'errors.txt')
  assert.deepEqual([await scanner.device.line(), await scanner.device.line()], ['ready', 'ready'])
})

for (const answer of [
  'ready\n-1\n',
  'ready\n9999999\n',
  'ready\n4\n1\n5\n',
  'ready\nx\n',
  'ready\n4\n1\n4\nab',
]) {
  test(`an error file that makes no sense: ${JSON.stringify(answer)}`, { skip }, async () => {
    using machine = new MachineFolder()
    await using scanner = await FakeTd1.start(machine, 'A1', 1, answer)
    await using scene = await Scene.start(machine)
    const { A1 } = await scene.until(devices => 'A1' in devices)
    assert.match(A1.error, /cannot be read|does not reply/)
    scanner.device.send('\n0,0,0,0,3,445566\n')
    await scene.until(devices => devices.A1.td === 3)
  })
}

test('a scanner that does not reply at first is in no list until it does', { skip }, async () => {
  using machine = new MachineFolder()
  await using scanner = await FakeTd1.start(machine, 'A1', 1, '')
  await using scene = await Scene.start(machine)
  const request = 'retrieve file\nerrors.txt\n'
  assert.equal(String(await scanner.device.bytes(2 * request.length)), request + request)
  assert.deepEqual(await scene.devices(), {})
  assert.deepEqual((await scene.reboot('A1')).result, { status: 'serial_error' })
  scanner.device.send('No file named errors.txt\n')
  assert.deepEqual(await scene.until(devices => 'A1' in devices), { A1: NEW })
})

test('restarts a scanner, which is found again', { skip }, async () => {
  using machine = new MachineFolder()
  await using scanner = await FakeTd1.start(machine, 'A1')
  await using scene = await Scene.start(machine)
  await scene.until(devices => 'A1' in devices)
  assert.equal(String(await scanner.device.bytes(25)), 'retrieve file\nerrors.txt\n')
  scanner.device.onData(bytes => {
    const text = bytes.toString()
    if (text.includes('change settings')) scanner.device.send('0,0,0,0,1,AABBCC\nready\n')
    if (text.includes('done')) scanner.device.send('restarting\n')
    if (text.includes('errors.txt')) scanner.device.send('No file named errors.txt\n')
  })
  assert.deepEqual((await scene.reboot('A1')).result, { status: 'ok' })
  const sent = 'change settings\nRGB_Enabled = True\ndone\n'
  assert.equal(String(await scanner.device.bytes(sent.length)), sent)
  assert.deepEqual(await scene.until(devices => 'A1' in devices), { A1: NEW })
  assert.deepEqual((await scene.reboot('none')).result, { status: 'serial_error' })
  const { error } = await scene.client.call('machine.td1.reboot')
  assert.deepEqual(error, { code: 400, message: 'No data for argument: serial' })
})

test('a scanner that does not reply to a restart is an error', { skip }, async () => {
  using machine = new MachineFolder()
  await using scanner = await FakeTd1.start(machine, 'A1')
  await using scene = await Scene.start(machine)
  await scene.until(devices => 'A1' in devices)
  const { error } = await scene.reboot('A1')
  assert.deepEqual(error, { code: 504, message: 'Scanner A1 does not reply' })
  scanner.device.send('0,0,0,0,1,AABBCC\n')
  await scene.until(devices => devices.A1.td === 1)
})
