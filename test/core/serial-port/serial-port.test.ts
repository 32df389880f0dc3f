// Serial ports over pseudo terminals: settings, order, limits, and devices that come and go.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { loadDeviceCalls } from '../../../src/core/device-calls.ts'
import { ByteLines } from '../../../src/core/serial-port/byte-lines.ts'
import { openPort } from '../../../src/core/serial-port/open-port.ts'
import { SerialPort } from '../../../src/core/serial-port/serial-port.ts'
import { FakeSerialDevice, noPseudoTerminals } from '../../support/fake-serial-device.ts'
import { HandClock } from '../../support/hand-clock.ts'
import { testLog } from '../../support/test-log.ts'

const skip = await noPseudoTerminals()

/** A port and what it reports. */
class Scene implements Disposable {
  readonly clock = new HandClock()
  readonly log: string[] = []
  readonly port: SerialPort
  readonly #events: string[] = []
  readonly #waiters = new Set<() => void>()

  constructor(path: string, baud = 115200) {
    const log = testLog({ console: line => this.log.push(line), level: 'info' })
    const lines = new ByteLines(1000, line => this.#add(`line ${line.toString()}`))
    this.port = new SerialPort({
      path,
      baud,
      clock: this.clock,
      log,
      onData: bytes => lines.push(bytes),
      onOpen: () => this.#add('open'),
      onLost: () => this.#add('lost'),
    })
  }

  #add(event: string): void {
    this.#events.push(event)
    for (const waiter of this.#waiters) waiter()
  }

  /** Resolves with the next event. */
  async event(): Promise<string> {
    for (;;) {
      const event = this.#events.shift()
      if (event !== undefined) return event
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiters.add(resolve)
      await promise
      this.#waiters.delete(resolve)
    }
  }

  [Symbol.dispose](): void {
    this.port.stop()
  }
}

test('bytes arrive unchanged in both directions, in their order', { skip }, async () => {
  await using device = await FakeSerialDevice.start('new')
  using scene = new Scene(device.path)
  await scene.port.start()
  assert.equal(await scene.event(), 'open')
  const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
  scene.port.write(every)
  scene.port.write('first')
  scene.port.write('second')
  assert.deepEqual(await device.bytes(256), every)
  assert.equal(String(await device.bytes(11)), 'firstsecond')
  device.send('one\r\n\x03\x11\x13\x7ftwo\n')
  assert.equal(await scene.event(), 'line one')
  assert.equal(await scene.event(), 'line \x03\x11\x13\x7ftwo')
  assert.equal(device.received, '', 'the port echoes nothing')
})

for (const baud of [57600, 250000, 1234567]) {
  test(`a port runs at ${baud} baud`, { skip }, async () => {
    await using device = await FakeSerialDevice.start()
    using scene = new Scene(device.path, baud)
    await scene.port.start()
    assert.equal(device.baud, baud)
  })
}

test('a port has one owner', { skip }, async () => {
  await using device = await FakeSerialDevice.start()
  using scene = new Scene(device.path)
  await scene.port.start()
  const calls = await loadDeviceCalls('serial ports')
  assert.throws(() => openPort(calls, device.path, 9600), /is used by another program/)
  using second = new Scene(device.path)
  await second.port.start()
  assert.equal(second.port.isOpen, false)
  scene.port.stop()
  await new Promise(setImmediate)
  while (!second.port.isOpen) {
    second.clock.pass(2)
    await new Promise(setImmediate)
  }
  assert.equal(second.log.length, 1, 'the same problem is logged once')
})

test('opens the port again after the device was unplugged', { skip }, async () => {
  await using device = await FakeSerialDevice.start()
  using scene = new Scene(device.path)
  await scene.port.start()
  for (let times = 0; times < 5; times += 1) {
    assert.equal(await scene.event(), 'open')
    device.send('half a li')
    device.unplug()
    assert.equal(await scene.event(), 'lost')
    assert.throws(() => scene.port.write('x'), /was closed/)
    scene.clock.pass(2)
    assert.throws(() => scene.port.write('x'), /does not exist: is the device plugged in/)
    scene.clock.pass(2)
    device.plugIn()
    scene.clock.pass(2)
  }
  assert.equal(await scene.event(), 'open')
  scene.port.write('hello\n')
  assert.equal(await device.line(), 'hello')
  assert.deepEqual(scene.clock.waits(), [])
})

test('what waits for a device that does not read has a limit', { skip }, async () => {
  await using device = await FakeSerialDevice.start()
  using scene = new Scene(device.path)
  await scene.port.start()
  device.stopReading()
  const block = 'x'.repeat(10_000)
  let sent = 0
  assert.throws(() => {
    for (; sent < 100; sent += 1) scene.port.write(block)
  }, /does not read/)
  assert.ok(sent > 20, 'the limit is not reached at once')
  device.unplug()
  assert.equal(await scene.event(), 'open')
  assert.equal(await scene.event(), 'lost')
})

test('output that had to wait is complete', { skip }, async () => {
  await using device = await FakeSerialDevice.start()
  using scene = new Scene(device.path)
  await scene.port.start()
  const text = Array.from({ length: 30_000 }, (_, index) => index % 10).join('')
  scene.port.write(text)
  scene.port.write('end\n')
  assert.equal(String(await device.bytes(text.length)), text)
  assert.equal(await device.line(), 'end')
})

test('names what cannot be opened', { skip }, async () => {
  await using device = await FakeSerialDevice.start()
  const file = `${device.path}.txt`
  writeFileSync(file, '')
  const calls = await loadDeviceCalls('serial ports')
  assert.throws(() => openPort(calls, file, 9600), { message: `${file} is not a serial port` })
})

test('lines that are too long are dropped', () => {
  const lines: string[] = []
  const splitter = new ByteLines(5, line => lines.push(String(line)))
  for (const part of ['12345\n1234', '5', '6', '\n\n\r\nab\rc\r\n', '123456\n', 'x', 'y\nz'])
    splitter.push(Buffer.from(part))
  splitter.clear()
  splitter.push(Buffer.from('end\n'))
  assert.deepEqual(lines, ['12345', 'ab\rc', 'xy', 'end'])
})
