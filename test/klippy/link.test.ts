import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Clock } from '../../src/core/clock.ts'
import { CoalescingClock } from '../../src/core/coalescing-clock.ts'
import { ApiError } from '../../src/core/errors.ts'
import { Warnings } from '../../src/core/warnings.ts'
import { FrameSplitter, frame } from '../../src/klippy/framing.ts'
import { KlippyLink } from '../../src/klippy/link.ts'
import { FakeKlippy, Refusal } from '../support/fake-klippy.ts'
import { HandClock } from '../support/hand-clock.ts'
import { testLog } from '../support/test-log.ts'

/** A link, and the calls of its listener, which a test can await. */
class Line implements Disposable {
  readonly clock = new HandClock()
  readonly log: string[] = []
  readonly calls: string[] = []
  readonly events = new EventTarget()
  readonly warnings = new Warnings()
  readonly link: KlippyLink

  /** `clockOf` gives the link a clock that is built on the one of the test. */
  constructor(path: string, silence = 20, clockOf: (hand: HandClock) => Clock = hand => hand) {
    const clock = clockOf(this.clock)
    const log = testLog({ clock, console: line => this.log.push(line) })
    this.link = new KlippyLink({ path, clock, log, warnings: this.warnings, silence })
  }

  start(): this {
    const record = (name: string, text = name) => {
      this.calls.push(text)
      this.events.dispatchEvent(new Event(name))
    }
    this.link.start({
      connected: () => record('connected'),
      disconnected: () => record('disconnected'),
      replied: () => {},
      repliedElsewhere: () => {},
      called: (method, params) => record('called', `${method} ${JSON.stringify(params)}`),
    })
    return this
  }

  next(name: string): Promise<unknown> {
    return once(this.events, name)
  }

  async connect(): Promise<this> {
    const connected = this.next('connected')
    this.start()
    await connected
    return this
  }

  [Symbol.dispose](): void {
    this.link.stop()
  }
}

const refusedWith = (status: number, message: string | RegExp) => (error: unknown) => {
  assert.ok(error instanceof ApiError)
  assert.equal(error.status, status)
  assert.match(error.message, message instanceof RegExp ? message : new RegExp(`^${message}$`))
  return true
}

test('without a connection every request is rejected', async () => {
  using line = new Line('/nonexistent/klippy.sock')
  await assert.rejects(line.link.request('info'), refusedWith(503, 'Klippy Host not connected'))
})

test('the link connects to a Klippy that starts later, with growing delays between attempts', async () => {
  await using klippy = await FakeKlippy.start()
  await klippy.close()
  using line = new Line(klippy.path).start()
  for (const wait of [0.25, 0.25, 0.5, 1, 2, 2, 2]) {
    await line.clock.waitFor(wait)
    assert.deepEqual(line.clock.waits(), [wait])
    line.clock.pass(wait)
  }
  await line.clock.waitFor(2)
  await klippy.listen()
  const connected = line.next('connected')
  line.clock.pass(2)
  await connected
  assert.equal(line.link.connected, true)
  assert.deepEqual(line.calls, ['connected'])
})

test('after a disconnect the delays start again', async () => {
  await using klippy = await FakeKlippy.start()
  using line = await new Line(klippy.path).connect()
  const gone = line.next('disconnected')
  klippy.drop()
  await gone
  assert.equal(line.link.connected, false)
  assert.deepEqual(line.clock.waits(), [0.25])
  const again = line.next('connected')
  line.clock.pass(0.25)
  await again
  assert.deepEqual(await line.link.request('gcode/help'), {})
})

/** Runs `action` without the rights of root, where the tests have them. */
function withoutRoot(action: () => void): void {
  const isRoot = process.geteuid?.() === 0
  if (isRoot) process.seteuid?.(65534)
  try {
    action()
  } finally {
    if (isRoot) process.seteuid?.(0)
  }
}

test('a socket without permission is one warning, which ends with the connection', async () => {
  await using klippy = await FakeKlippy.start()
  chmodSync(klippy.path, 0)
  using line = new Line(klippy.path)
  withoutRoot(() => line.start())
  for (const wait of [0.25, 0.25]) {
    await line.clock.waitFor(wait)
    const [warning = '', ...others] = line.warnings.list()
    assert.match(
      warning,
      /^The server may not use Klippy's socket .*klippy\.sock \(permission denied\): run Klipper/,
    )
    assert.deepEqual(others, [])
    withoutRoot(() => line.clock.pass(wait))
  }
  await line.clock.waitFor(0.5)
  chmodSync(klippy.path, 0o600)
  const connected = line.next('connected')
  line.clock.pass(0.5)
  await connected
  assert.deepEqual(line.warnings.list(), [])
})

test('requests in flight end with 503 when the connection breaks', async () => {
  await using klippy = await FakeKlippy.start()
  klippy.silent = true
  using line = await new Line(klippy.path).connect()
  const requests = [line.link.request('a'), line.link.request('b', {}, { timeout: 60 })]
  await klippy.waitFor('b')
  klippy.drop()
  for (const request of requests) await assert.rejects(request, refusedWith(503, 'Klippy Disconnected'))
  assert.deepEqual(
    line.clock.waits().filter(wait => wait > 20),
    [],
    'no timer is left',
  )
})

test('stopping rejects waiting requests, without a call of the listener', async () => {
  await using klippy = await FakeKlippy.start()
  klippy.silent = true
  using line = await new Line(klippy.path).connect()
  const request = line.link.request('a')
  await klippy.waitFor('a')
  line.link.stop()
  await assert.rejects(request, refusedWith(503, 'Klippy Disconnected'))
  assert.deepEqual(line.calls, ['connected'])
  assert.deepEqual(line.clock.waits(), [])
})

test('a request that takes too long ends with 503, and its late reply is ignored', async () => {
  await using klippy = await FakeKlippy.start()
  const held = Promise.withResolvers<string>()
  klippy.answer('slow', () => held.promise)
  using line = await new Line(klippy.path).connect()
  const request = line.link.request('slow', {}, { timeout: 5 })
  await klippy.waitFor('slow')
  line.clock.pass(5)
  await assert.rejects(request, refusedWith(503, /did not answer slow within 5 s/))
  held.resolve('late')
  assert.deepEqual(await line.link.request('gcode/help'), {})
})

test("Klippy's errors have its own text", async () => {
  await using klippy = await FakeKlippy.start()
  klippy.answer('gcode/script', () => {
    throw new Refusal('Must home axis first: 10.000 0.000 0.000 [0.000]')
  })
  using line = await new Line(klippy.path).connect()
  await assert.rejects(
    line.link.request('gcode/script', { script: 'G1 X10' }),
    refusedWith(400, /^Must home axis first: 10\.000 0\.000 0\.000 \[0\.000\]$/),
  )
})

test('an error without a text is still an error', async () => {
  await using klippy = await FakeKlippy.start()
  klippy.silent = true
  using line = await new Line(klippy.path).connect()
  const requests = [line.link.request('a'), line.link.request('b'), line.link.request('c')]
  await klippy.waitFor('c')
  klippy.send('{"id":1,"error":"plain words"}\x03{"id":2,"error":{}}\x03{"id":3,"error":null}\x03')
  await assert.rejects(requests[0] as Promise<unknown>, refusedWith(400, 'plain words'))
  for (const request of requests.slice(1)) {
    await assert.rejects(request, refusedWith(400, 'Klippy Request Error'))
  }
})

test('invalid messages are ignored, and the connection lives', async () => {
  await using klippy = await FakeKlippy.start()
  using line = await new Line(klippy.path).connect()
  const invalid = ['{', '', 'null', '[]', '5', '{"id":999,"result":1}', '{"method":5}', '{}', '\xff\xfe']
  klippy.send(invalid.map(text => `${text}\x03`).join(''))
  klippy.call('hello', { a: 1 })
  await line.next('called')
  assert.deepEqual(line.calls, ['connected', 'hello {"a":1}'])
  assert.match(line.log.join('\n'), /not JSON/)
})

test('a Klippy that sends nothing but invalid messages is disconnected, and logged once', async () => {
  await using klippy = await FakeKlippy.start()
  using line = await new Line(klippy.path).connect()
  const disconnected = line.next('disconnected')
  klippy.send('\x03'.repeat(100_000))
  await disconnected
  assert.equal(line.log.filter(text => text.includes('(0 characters)')).length, 1)
  assert.match(line.log.join('\n'), /more than 100 messages that are not JSON; disconnecting/)
})

test('a call without an object of parameters has empty parameters', async () => {
  await using klippy = await FakeKlippy.start()
  using line = await new Line(klippy.path).connect()
  klippy.send('{"method":"a"}\x03{"method":"b","params":[1]}\x03{"method":"c","params":{}}\x03')
  while (line.calls.length < 4) await line.next('called')
  assert.deepEqual(line.calls.slice(1), ['a {}', 'b {}', 'c {}'])
})

test('a message may arrive in parts, and several in one chunk', async () => {
  await using klippy = await FakeKlippy.start()
  using line = await new Line(klippy.path).connect()
  klippy.send('{"method":"whole"}\x03{"method":"ha')
  await line.next('called')
  klippy.send('lf"}\x03{"method":"last"}\x03')
  while (line.calls.length < 4) await line.next('called')
  assert.deepEqual(line.calls.slice(1), ['whole {}', 'half {}', 'last {}'])
})

test('a message of 10 MB arrives', async () => {
  await using klippy = await FakeKlippy.start()
  const huge = 'x'.repeat(10 * 1024 * 1024)
  klippy.answer('bed_mesh/dump_mesh', () => ({ huge }))
  using line = await new Line(klippy.path).connect()
  const result = (await line.link.request('bed_mesh/dump_mesh')) as { huge: string }
  assert.equal(result.huge.length, huge.length)
})

test('a message without an end disconnects; the link reconnects', async () => {
  await using klippy = await FakeKlippy.start()
  using line = await new Line(klippy.path).connect()
  const gone = line.next('disconnected')
  const piece = Buffer.alloc(8 * 1024 * 1024, 'x')
  for (let sent = 0; sent < 9; sent += 1) klippy.send(piece)
  await gone
  const again = line.next('connected')
  line.clock.pass(0.25)
  await again
  assert.deepEqual(await line.link.request('gcode/help'), {})
})

test('after silence the link sends a heartbeat, and stays connected when Klippy replies', async () => {
  await using klippy = await FakeKlippy.start()
  using line = await new Line(klippy.path, 3).connect()
  line.clock.pass(3)
  await klippy.waitFor('info')
  await line.link.request('gcode/help')
  line.clock.pass(2)
  assert.equal(line.link.connected, true)
  assert.equal(klippy.count('info'), 1)
})

test('the link disconnects from a Klippy that hangs, and reconnects when it responds again', async () => {
  await using klippy = await FakeKlippy.start()
  using line = await new Line(klippy.path, 3).connect()
  klippy.silent = true
  const stuck = line.link.request('gcode/script')
  line.clock.pass(3)
  await klippy.waitFor('info')
  const gone = line.next('disconnected')
  line.clock.pass(3)
  await assert.rejects(stuck, refusedWith(503, 'Klippy Disconnected'))
  await gone
  klippy.silent = false
  const again = line.next('connected')
  line.clock.pass(0.25)
  await again
  assert.deepEqual(await line.link.request('gcode/help'), {})
})

test('a message of Klippy runs the tasks that are due soon', async () => {
  await using klippy = await FakeKlippy.start()
  const coalescing: CoalescingClock[] = []
  using line = await new Line(klippy.path, 20, hand => {
    coalescing.push(new CoalescingClock(hand))
    return coalescing[0] as Clock
  }).connect()
  let runs = 0
  coalescing[0]?.every(1, () => {
    runs += 1
  })
  line.clock.pass(0.8)
  await line.link.request('gcode/help')
  assert.equal(runs, 1)
})

test('too many requests for a slow Klippy are rejected', async () => {
  await using klippy = await FakeKlippy.start()
  klippy.silent = true
  using line = await new Line(klippy.path).connect()
  const waiting = Array.from({ length: 10_000 }, () => line.link.request('a'))
  await assert.rejects(line.link.request('a'), refusedWith(503, /Klippy is too slow/))
  line.link.stop()
  const ends = await Promise.allSettled(waiting)
  assert.ok(ends.every(({ status }) => status === 'rejected'))
})

test('while Klippy does not read, requests are rejected before they fill the memory', async () => {
  await using klippy = await FakeKlippy.start()
  using line = await new Line(klippy.path).connect()
  const script = 'x'.repeat(2 ** 20)
  const requests = Array.from({ length: 40 }, () => line.link.request('gcode/script', { script }))
  await assert.rejects(requests.at(-1) as Promise<unknown>, refusedWith(503, /does not read/))
  const ends = await Promise.allSettled(requests)
  assert.equal(ends.filter(({ status }) => status === 'fulfilled').length, klippy.count('gcode/script'))
  assert.equal(await line.link.request('gcode/help').then(() => 'read again'), 'read again')
})

test('parameters that cannot be encoded are rejected, and no request is left waiting', async () => {
  await using klippy = await FakeKlippy.start()
  using line = await new Line(klippy.path).connect()
  for (const levels of [1000, 100_000]) {
    let deep: unknown = []
    for (let depth = 0; depth < levels; depth += 1) deep = [deep]
    await assert.rejects(
      line.link.request('gcode/script', { deep }, { timeout: 60 }),
      refusedWith(400, /nested too deeply/),
    )
  }
  assert.deepEqual(line.clock.waits(), [20])
})

test('a requester processes a reply before the call that follows it, also when both arrive in one chunk', async () => {
  await using klippy = await FakeKlippy.start()
  using line = await new Line(klippy.path).connect()
  const gate = Promise.withResolvers<unknown>()
  klippy.answer('gcode/script', () => gate.promise)
  const requested = line.link.request('gcode/script').then(async result => {
    await Promise.resolve()
    line.calls.push(`replied ${JSON.stringify(result)}`)
  })
  await klippy.waitFor('gcode/script')
  klippy.inOneChunk()
  klippy.call('before', {})
  gate.resolve({ done: true })
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve()
  klippy.call('after', {})
  klippy.call('at_last', {})
  await requested
  while (line.calls.length < 5) await line.next('called')
  assert.deepEqual(line.calls, ['connected', 'before {}', 'replied {"done":true}', 'after {}', 'at_last {}'])
})

test('calls that Klippy sends before it disconnects are processed, also after a reply', async () => {
  const methods = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
  const folder = mkdtempSync(join(tmpdir(), 'link-'))
  const path = join(folder, 'klippy.sock')
  const server = createServer(socket => {
    const splitter = new FrameSplitter(1000)
    const answers: string[] = []
    socket.on('data', bytes => {
      for (const message of splitter.push(bytes)) {
        const { id, method } = JSON.parse(String(message))
        answers.push(frame({ id, result: {} }) + frame({ method, params: {} }))
      }
      if (answers.length === methods.length) socket.end(answers.join(''))
    })
  })
  await once(server.listen(path), 'listening')
  try {
    using line = await new Line(path).connect()
    const gone = line.next('disconnected')
    await Promise.all(methods.map(method => line.link.request(method)))
    await gone
    assert.deepEqual(line.calls, ['connected', ...methods.map(method => `${method} {}`), 'disconnected'])
  } finally {
    server.close()
    rmSync(folder, { recursive: true })
  }
})
