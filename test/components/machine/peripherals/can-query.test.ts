// Queries of a CAN bus: the interfaces that may be queried, and the nodes that the answers contain.
import assert from 'node:assert/strict'
import { closeSync, readSync, writeSync } from 'node:fs'
import { test } from 'node:test'
import { findCanInterface, queryCanBus } from '../../../../src/components/machine/peripherals/can-query.ts'
import { loadSystemCalls, type SystemCalls } from '../../../../src/components/machine/system-calls.ts'
import type { ApiError } from '../../../../src/core/errors.ts'
import { HandClock } from '../../../support/hand-clock.ts'
import { MachineFolder } from '../../../support/machine-folder.ts'
import bytes from './struct-bytes.json' with { type: 'json' }

const fails = (status: number, text: RegExp) => (error: ApiError) =>
  error.status === status && text.test(error.message)

test('names that no network interface has', async () => {
  using machine = new MachineFolder()
  machine.device('/sys/class/net', { ifindex: '1', type: '280' })
  const names = [
    '',
    '.',
    '..',
    'can0/../can0',
    '/',
    'can 0',
    'can0\n',
    'can0\0',
    'sixteen-letters-',
    'cän',
    '*',
    '-;$()',
  ]
  for (const name of names) {
    await assert.rejects(findCanInterface(machine.files, name), fails(400, /argument \[interface\]/), name)
  }
})

test('interfaces that are not there, no CAN, or down', async () => {
  using machine = new MachineFolder()
  machine.device('/sys/class/net/eth0', { ifindex: '2', type: '1', flags: '0x1003' })
  machine.device('/sys/class/net/can0', { ifindex: '3', type: '280', flags: '0x40080' })
  machine.device('/sys/class/net/can.1_a-b', { ifindex: '17', type: '280', flags: '0x40081' })
  await assert.rejects(findCanInterface(machine.files, 'can7'), fails(400, /no network interface 'can7'/))
  await assert.rejects(findCanInterface(machine.files, 'eth0'), fails(400, /'eth0' is no CAN bus/))
  await assert.rejects(findCanInterface(machine.files, 'can0'), fails(503, /'can0' is down/))
  assert.equal(await findCanInterface(machine.files, 'can.1_a-b'), 17)
})

/** Calls whose sockets are one end of a pair, which keeps frames apart as CAN does; the test holds the other. */
class Bus implements Disposable {
  readonly calls: SystemCalls
  readonly #pair: number[]

  constructor(koffi: typeof import('koffi')['default'], calls: SystemCalls) {
    const socketpair = koffi.load(null).func('socketpair', 'int', ['int', 'int', 'int', '_Out_ int *'])
    const pair = [0, 0]
    // AF_UNIX, SOCK_SEQPACKET and SOCK_NONBLOCK.
    assert.equal(socketpair(1, 5 | 0x800, 0, pair), 0)
    this.#pair = pair
    this.calls = {
      ...calls,
      socket: () => pair[0] as number,
      setSocketOption: () => undefined,
      bind: () => undefined,
    }
  }

  answer(...frames: readonly string[]): void {
    for (const frame of frames) writeSync(this.#pair[1] as number, Buffer.from(frame, 'hex'))
  }

  /** The bytes of the query. */
  query(): string {
    const frame = Buffer.alloc(100)
    return frame.toString('hex', 0, readSync(this.#pair[1] as number, frame))
  }

  [Symbol.dispose](): void {
    closeSync(this.#pair[1] as number)
  }
}

const koffi = await import('koffi').then(
  loaded => loaded.default,
  () => null,
)
const calls = await loadSystemCalls()
const skip = koffi === null || 'missing' in calls ? 'koffi is not installed' : false
const newBus = () => new Bus(koffi!, calls as SystemCalls)
const { signal } = new AbortController()

test('nodes that answer within two seconds, each once', { skip }, async () => {
  using bus = newBus()
  const clock = new HandClock()
  const seen = Promise.withResolvers<void>()
  // Time passes when the last answer was read.
  const watched: SystemCalls = {
    ...bus.calls,
    onReadable: (socket, listener) =>
      bus.calls.onReadable(socket, () => {
        listener()
        seen.resolve()
      }),
  }
  const nodes = queryCanBus(3, watched, clock, signal)
  assert.equal(bus.query(), bytes.query)
  bus.answer(bytes.klipper, bytes.otherId, bytes.klipper, '00', bytes.katapult)
  await seen.promise
  assert.deepEqual(clock.waits(), [2])
  clock.pass(2)
  assert.deepEqual(await nodes, [
    { uuid: '11aabbccdd0e', application: 'Klipper' },
    { uuid: '000102030405', application: 'Katapult' },
  ])
})

test('a bus on which no node answers', { skip }, async () => {
  using bus = newBus()
  const clock = new HandClock()
  const nodes = queryCanBus(3, bus.calls, clock, signal)
  clock.pass(2)
  assert.deepEqual(await nodes, [])
})

test('a server that stops meanwhile', { skip }, async () => {
  using bus = newBus()
  const clock = new HandClock()
  const stopping = new AbortController()
  const nodes = queryCanBus(3, bus.calls, clock, stopping.signal)
  stopping.abort(new Error('the server stops'))
  await assert.rejects(nodes, fails(503, /the server stops/))
  assert.deepEqual(clock.waits(), [])
})

test('an interface that disappears meanwhile', { skip }, async () => {
  const clock = new HandClock()
  const nodes = (() => {
    using bus = newBus()
    const nodes = queryCanBus(3, bus.calls, clock, signal)
    assert.equal(bus.query(), bytes.query)
    return nodes
  })()
  await assert.rejects(nodes, fails(503, /the interface is gone/))
  assert.deepEqual(clock.waits(), [])
})

test('a bus that is flooded with answers', { skip }, async () => {
  using bus = newBus()
  const nodes = queryCanBus(3, bus.calls, new HandClock(), signal)
  const refused = assert.rejects(nodes, fails(503, /flooded with answers/))
  for (let round = 0; round <= 100; round += 1) {
    bus.answer(...Array.from({ length: 100 }, () => bytes.klipper))
    await new Promise(setImmediate)
  }
  await refused
})

test('a machine whose kernel refuses', { skip }, async () => {
  const real = calls as SystemCalls
  // Sockets of a family that does not exist.
  const none = { ...real, socket: () => real.socket(12345, 3, 1) }
  await assert.rejects(
    queryCanBus(3, none, new HandClock(), signal),
    fails(503, /kernel of this machine has no support/),
  )
  // An address of CAN on a socket of another family.
  const wrong = { ...real, socket: () => real.socket(1, 2, 0), setSocketOption: () => undefined }
  await assert.rejects(queryCanBus(3, wrong, new HandClock(), signal), fails(503, /bind: EINVAL/))
  const badOption = { ...real, socket: () => real.socket(1, 2, 0) }
  await assert.rejects(queryCanBus(3, badOption, new HandClock(), signal), fails(503, /setsockopt: E/))
})
