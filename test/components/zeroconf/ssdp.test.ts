// Discovery by SSDP, as another program does it, on the loopback interface alone.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { SaxesParser } from 'saxes'
import { Ssdp } from '../../../src/components/zeroconf/ssdp.ts'
import { moonrakerVersion } from '../../../src/core/version.ts'
import { HandClock } from '../../support/hand-clock.ts'
import { sendRequest } from '../../support/raw-http.ts'
import { type Rig, startRig } from '../../support/rig.ts'
import { testLog } from '../../support/test-log.ts'

const GROUP = '239.255.255.250'
const PORT = 1900
const DEVICE = 'urn:arksine.github.io:device:Moonraker:1'

/** A program on this machine that searches, or that receives all announcements. */
class Program implements AsyncDisposable {
  readonly received: string[] = []
  readonly socket: Socket

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('message', data => this.received.push(String(data)))
  }

  static async open(listening = false): Promise<Program> {
    const socket = createSocket({ type: 'udp4', reuseAddr: listening })
    socket.bind(listening ? { port: PORT, address: GROUP } : { port: 0, address: '127.0.0.1' })
    await once(socket, 'listening')
    if (listening) socket.addMembership(GROUP, '127.0.0.1')
    socket.setMulticastInterface('127.0.0.1')
    return new Program(socket)
  }

  search(target: string, more = 'MAN: "ssdp:discover"\r\n'): void {
    this.socket.send(
      `M-SEARCH * HTTP/1.1\r\nHOST: ${GROUP}:${PORT}\r\n${more}ST: ${target}\r\n\r\n`,
      PORT,
      GROUP,
    )
  }

  /** Resolves when so many texts that contain `part`, and `more`, have come. */
  async until(part: string, count: number, more = ''): Promise<string[]> {
    const signal = AbortSignal.timeout(10_000)
    for (;;) {
      const found = this.received.filter(text => text.includes(part) && text.includes(more))
      if (found.length >= count) return found
      await once(this.socket, 'message', { signal })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.close()
    await once(this.socket, 'close')
  }
}

const uuidOf = ({ dataPath }: Rig) =>
  readFileSync(`${dataPath}/.moonraker.uuid`, 'utf8').replace(
    /^(.{8})(.{4})(.{4})(.{4})(.{12})$/,
    '$1-$2-$3-$4-$5',
  )

const startFound = (more: object = {}) =>
  startRig({
    printer: 'none',
    conf: '[zeroconf]\nmdns_hostname: ssdp\nenable_ssdp: True',
    ...more,
  })

const headersOf = (text: string) =>
  Object.fromEntries(
    text
      .split('\r\n')
      .slice(1, -2)
      .map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
  )

test('the server announces its start, answers searches, and announces its end', async () => {
  await using watcher = await Program.open(true)
  await using rig = await startFound()
  const uuid = uuidOf(rig)
  const alive = (await watcher.until(uuid, 3)).slice(0, 3).map(headersOf)
  const location = `http://127.0.0.1:${rig.port}/server/zeroconf/ssdp`
  const faces = ['upnp:rootdevice', `uuid:${uuid}`, DEVICE]
  assert.deepEqual(
    alive.map(({ NTS, NT, USN, LOCATION, HOST }) => [NTS, NT, USN, LOCATION, HOST]),
    faces.map(face => [
      'ssdp:alive',
      face,
      face.startsWith('uuid:') ? face : `uuid:${uuid}::${face}`,
      location,
      `${GROUP}:${PORT}`,
    ]),
  )
  await using program = await Program.open()
  for (const [target, count] of [['ssdp:all', 3], ...faces.map(face => [face, 1] as const)] as const) {
    program.received.length = 0
    program.search(target)
    const answers = (await program.until(uuid, count)).map(headersOf)
    assert.deepEqual(
      answers.map(({ ST }) => ST),
      target === 'ssdp:all' ? faces : [target],
    )
    assert.equal(answers[0]?.LOCATION, location)
    assert.equal(answers[0]?.['CACHE-CONTROL'], 'max-age=1800')
    assert.equal(answers[0]?.['BOOTID.UPNP.ORG'], alive[0]?.['BOOTID.UPNP.ORG'])
  }
  await rig.server.stop()
  const ends = await watcher.until('ssdp:byebye', 3, uuid)
  assert.deepEqual(
    ends.map(text => headersOf(text).NT),
    faces,
  )
})

test('every client can read the description', async () => {
  await using rig = await startFound({ server: 'route_prefix: one' })
  const path = '/one/server/zeroconf/ssdp'
  const headers = { 'X-Forwarded-For': '203.0.113.5' }
  let reply = await sendRequest(rig.port, path, { headers })
  assert.equal(reply.status, 200)
  assert.match(reply.headers['content-type'] ?? '', /^application\/xml/)
  const fields = new Map<string, string>()
  const parser = new SaxesParser()
  let text = ''
  parser.on('text', part => {
    text += part
  })
  parser.on('opentag', () => {
    text = ''
  })
  parser.on('closetag', ({ name }) => fields.set(name, text))
  parser.write(reply.body).close()
  assert.equal(fields.get('deviceType'), DEVICE)
  assert.equal(fields.get('UDN'), `uuid:${uuidOf(rig)}`)
  assert.match(fields.get('friendlyName') ?? '', / \(ssdp\)$/)
  assert.equal(fields.get('modelNumber'), moonrakerVersion())
  assert.equal(fields.get('presentationURL'), `http://127.0.0.1:${rig.port}/one`)
  reply = await sendRequest(rig.port, path, { verb: 'HEAD' })
  assert.deepEqual([reply.status, reply.body], [200, ''])
  assert.equal((await sendRequest(rig.port, path, { verb: 'POST' })).status, 405)
})

test('SSDP works only if it is enabled', async () => {
  await using rig = await startRig({ printer: 'none', conf: '[zeroconf]\nmdns_hostname: quiet' })
  assert.equal((await sendRequest(rig.port, '/server/zeroconf/ssdp')).status, 404)
})

/** Of its own for each run of this file: another run on this machine is in the same multicast group. */
const UUID = randomUUID()

/** SSDP alone, with a clock that the test moves, in the network `cidr`. */
async function startAlone({ cidr = '127.0.0.1/8', uuid = UUID } = {}) {
  const clock = new HandClock()
  const log = testLog({ clock })
  const ssdp = new Ssdp({
    device: { uuid, bootId: 1 },
    networks: [{ name: 'lo', address: '127.0.0.1', family: 'IPv4', cidr }],
    location: address => `http://${address}/`,
    clock,
    log,
  })
  await ssdp.start()
  return { clock, [Symbol.asyncDispose]: () => ssdp.stop() }
}

/** Searches for something else than before, and resolves when the answer has come: earlier answers came before. */
async function searchLast(program: Program): Promise<string[]> {
  const last = `uuid:${UUID}::${DEVICE}`
  program.search(DEVICE)
  await program.until(last, 1)
  return program.received.filter(text => text.includes(UUID) && !text.includes(last))
}

test('answers are spread over as much time as the search allows, and over 5 s at most', async () => {
  await using alone = await startAlone()
  await using program = await Program.open()
  program.search(`uuid:${UUID}`, 'MAN: "ssdp:discover"\r\nMX: 1000\r\n')
  assert.deepEqual(await searchLast(program), [], 'the second is answered at once, the first is not')
  alone.clock.pass(5)
  await program.until(`ST: uuid:${UUID}`, 1)
})

test('a flood of searches gets a bounded number of answers', async () => {
  await using alone = await startAlone()
  await using program = await Program.open()
  for (let sent = 0; sent < 100; sent += 1) program.search(`uuid:${UUID}`)
  await program.until(UUID, 10)
  // Some messages are taken in each iteration of the event loop.
  for (let turn = 0; turn < 50; turn += 1) await setImmediate()
  const waits = alone.clock.waits().length
  alone.clock.pass(1)
  assert.equal((await searchLast(program)).length, 10)
  assert.ok(alone.clock.waits().length <= waits)
})

test('invalid searches, and searches for other devices, get no answer', async () => {
  await using _alone = await startAlone()
  await using program = await Program.open()
  const search = `M-SEARCH * HTTP/1.1\r\nMAN: "ssdp:discover"\r\nST: uuid:${UUID}\r\n`
  const nonsense = [
    '',
    '\0',
    'M-SEARCH * HTTP/1.1',
    search.replace('M-SEARCH', 'NOTIFY'),
    search.replace('"ssdp:discover"', 'ssdp:discover'),
    search.replace(UUID, 'other'),
    search.replace(`uuid:${UUID}`, 'urn:schemas-upnp-org:device:MediaServer:1'),
    search.replaceAll('\r\n', '\n'),
    `${search}X: ${'x'.repeat(2000)}\r\n`,
    `HTTP/1.1 200 OK\r\nST: uuid:${UUID}\r\n\r\n`,
  ]
  for (const text of nonsense) program.socket.send(text, PORT, GROUP)
  assert.deepEqual(await searchLast(program), [])
  program.search(`uuid:${UUID}`, 'man:"ssdp:discover"\r\nMX: soon\r\n')
  await program.until(`ST: uuid:${UUID}`, 1)
})

test('a search from another network gets no answer', async () => {
  const far = randomUUID()
  await using _far = await startAlone({ cidr: '192.168.7.1/24', uuid: far })
  await using _near = await startAlone()
  await using program = await Program.open()
  for (let times = 1; times <= 2; times += 1) {
    program.search('ssdp:all')
    await program.until(UUID, 3 * times)
  }
  assert.deepEqual(
    program.received.filter(text => text.includes(far)),
    [],
  )
})

test('the announcement is repeated before it expires', async () => {
  await using watcher = await Program.open(true)
  await using alone = await startAlone()
  await watcher.until(UUID, 3)
  alone.clock.pass(1)
  await watcher.until(UUID, 6)
  alone.clock.pass(600)
  await watcher.until(UUID, 9)
})
