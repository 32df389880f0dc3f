// What waits for clients that do not read: its order, its size, and what the server stops reading meanwhile.
import assert from 'node:assert/strict'
import { Duplex } from 'node:stream'
import { test } from 'node:test'
import { Message } from '../../src/rpc/message.ts'
import { Backlog } from '../../src/transports/backlog.ts'
import { FramedChannel } from '../../src/transports/framed-channel.ts'
import { RequestScheduler } from '../../src/transports/request-scheduler.ts'

/** The socket of a client that reads when the test wants it. */
class SlowSocket extends Duplex {
  readonly received: string[] = []
  #read: (() => void) | null = null
  #reading = false

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.received.push(chunk.toString())
    if (this.#reading) done()
    else this.#read = done
  }

  /** Reads one write, or all from now on. */
  takeWrite(all = false): void {
    this.#reading = all
    const done = this.#read
    this.#read = null
    done?.()
  }
}

function open(backlog = new Backlog(), handle: (message: Buffer) => unknown = () => {}) {
  const socket = new SlowSocket({ writableHighWaterMark: 1000 })
  const events: string[] = []
  const note = (event: string) => () => void events.push(event)
  const wire = {
    encode: (text: string) => Buffer.from(text),
    handle: (message: Buffer) => handle(message),
    isOpen: () => !socket.destroyed,
    pause: note('pause'),
    resume: note('resume'),
    close: (code: number) =>
      void events.push(`close ${code} after ${socket.writableLength > 0 ? 'frames' : 'nothing'}`),
    terminate: note('terminate'),
  }
  const channel = new FramedChannel(socket, wire, { backlog, scheduler: new RequestScheduler() })
  return { socket, events, channel }
}

const settle = () => new Promise(resolve => setImmediate(resolve))
const MIB = 1024 * 1024

test('frames arrive in the order in which they were sent, waiting or not', async () => {
  const { socket, channel } = open()
  const sent: string[] = []
  for (let count = 0; count < 500; count += 1) {
    const text = `${count} ${'x'.repeat(count)}`
    sent.push(text)
    if (count % 3 === 0) channel.sendShared(new Message(text))
    else channel.send(text)
    if (count % 50 === 0) await settle()
    if (count % 70 === 0) socket.takeWrite()
  }
  let drained = 0
  channel.onDrain(() => {
    drained += 1
  })
  socket.takeWrite(true)
  while (socket.received.length < sent.length) await settle()
  assert.deepEqual(socket.received, sent)
  assert.equal(channel.buffered, 0)
  assert.equal(drained, 1)
})

test('a frame that waits counts with what it costs in memory', async () => {
  const { channel } = open()
  channel.send('x'.repeat(2000))
  await settle()
  for (let count = 0; count < 1000; count += 1) channel.send('x')
  assert.equal(channel.buffered, 2000 + 1000 * 257)
})

test('a client that reads no replies is not read from, until it has read half of them', async () => {
  const handled: number[] = []
  const { socket, events, channel } = open(new Backlog(), message => {
    handled.push(Number(message))
    channel.send(message.toString().padEnd(MIB / 2))
  })
  for (let id = 0; id < 10; id += 1) channel.receive(Buffer.from(`${id}`))
  while (handled.length < 4) await settle()
  await settle()
  assert.deepEqual(handled, [0, 1, 2, 3], 'what the last one costs exceeds 2 MiB')
  assert.deepEqual(events, ['pause'])
  socket.takeWrite()
  await settle()
  assert.equal(handled.length, 4, 'it has read too little')
  socket.takeWrite(true)
  while (!events.includes('resume')) await settle()
  assert.deepEqual(handled, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  assert.deepEqual(
    socket.received.map(text => text.trim()),
    ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
  )
})

test('a connection is closed after the frames that wait', () => {
  const { events, channel } = open()
  channel.send('x'.repeat(2000))
  channel.send('last')
  channel.close(1001, 'bye')
  assert.deepEqual(events, ['close 1001 after frames'])
  assert.equal(channel.buffered, 2004)
})

test('what all clients leave unread is limited; the one that leaves the most is disconnected', async () => {
  const counts = { slowClosed: 0 }
  const backlog = new Backlog(counts)
  const clients = Array.from({ length: 9 }, () => open(backlog))
  const ended = () => clients.map(({ events }) => events.includes('terminate'))
  for (const [index, { channel }] of clients.entries()) channel.send('x'.repeat((index === 3 ? 8 : 7) * MIB))
  assert.deepEqual(
    ended(),
    clients.map(() => false),
  )
  clients[0]?.channel.send('x'.repeat(MIB / 2))
  assert.deepEqual(
    ended(),
    clients.map((_, index) => index === 3),
  )
  clients[1]?.socket.takeWrite(true)
  clients[1]?.socket.takeWrite(true)
  await settle()
  clients[2]?.channel.send('x'.repeat(9 * MIB))
  assert.equal(ended().filter(Boolean).length, 1, 'what was read counts no more')
  assert.equal(counts.slowClosed, 1)
})

test('one client alone may get a reply of any length', () => {
  const { events, channel } = open()
  channel.send('x'.repeat(100 * MIB))
  assert.deepEqual(events, ['pause'])
})
