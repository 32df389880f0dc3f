// A minimal client of multicast DNS: sends a query and reads the answers (RFC 1035, section 4; RFC 6762).
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { SocketAddress } from 'node:net'

const GROUP = '224.0.0.251'
const GROUP_IPV6 = 'ff02::fb'
const PORT = 5353
/** Bits of a header: an answer, with authority. */
const ANSWER = Buffer.from([0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0])
/** Milliseconds until a missing answer fails the test. */
const TIMEOUT_MS = 10_000
const TYPES = { A: 1, PTR: 12, TXT: 16, AAAA: 28, SRV: 33 } as const

/** A record of an answer; `data` is a name, an address, texts or the content of an SRV record. */
export interface DnsRecord {
  readonly name: string
  readonly type: keyof typeof TYPES | number
  readonly ttl: number
  readonly data: unknown
}

function nameBytes(name: string): Buffer {
  const labels = name
    .split('.')
    .map(label => Buffer.concat([Buffer.of(Buffer.byteLength(label)), Buffer.from(label)]))
  return Buffer.concat([...labels, Buffer.of(0)])
}

/** The name at `at`, whose end may be elsewhere, and the offset of the bytes after it. */
function readName(message: Buffer, at: number): [string, number] {
  const labels: string[] = []
  let position = at
  let after = -1
  for (;;) {
    const length = message.readUInt8(position)
    if (length >= 0xc0) {
      if (after === -1) after = position + 2
      position = message.readUInt16BE(position) & 0x3fff
    } else if (length === 0) return [labels.join('.'), after === -1 ? position + 1 : after]
    else {
      labels.push(message.toString('utf8', position + 1, position + 1 + length))
      position += 1 + length
    }
  }
}

function ipv6Text(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16))
  // As networkInterfaces() writes it.
  return new SocketAddress({ address: groups.join(':'), family: 'ipv6' }).address
}

function readData(message: Buffer, type: number, at: number, length: number): unknown {
  if (type === TYPES.A) return [...message.subarray(at, at + 4)].join('.')
  if (type === TYPES.AAAA) return ipv6Text(message.subarray(at, at + 16))
  if (type === TYPES.PTR) return readName(message, at)[0]
  if (type === TYPES.SRV) return { port: message.readUInt16BE(at + 4), target: readName(message, at + 6)[0] }
  if (type !== TYPES.TXT) return message.subarray(at, at + length)
  const texts: string[] = []
  for (let from = at; from < at + length; from += 1 + message.readUInt8(from)) {
    texts.push(message.toString('utf8', from + 1, from + 1 + message.readUInt8(from)))
  }
  return texts
}

/** All records of an answer; a question has none, whatever it proposes. */
function readRecords(message: Buffer): DnsRecord[] {
  if ((message.readUInt16BE(2) & 0x8000) === 0) return []
  let at = 12
  for (let question = message.readUInt16BE(4); question > 0; question -= 1) at = readName(message, at)[1] + 4
  const records: DnsRecord[] = []
  const count = message.readUInt16BE(6) + message.readUInt16BE(8) + message.readUInt16BE(10)
  for (let record = 0; record < count; record += 1) {
    const [name, from] = readName(message, at)
    const code = message.readUInt16BE(from)
    const type = (Object.keys(TYPES) as (keyof typeof TYPES)[]).find(key => TYPES[key] === code) ?? code
    const length = message.readUInt16BE(from + 8)
    records.push({
      name,
      type,
      ttl: message.readUInt32BE(from + 4),
      data: readData(message, code, from + 10, length),
    })
    at = from + 10 + length
  }
  return records
}

/** A program that looks for services, on the loopback interface alone. */
export class DnsClient implements AsyncDisposable {
  readonly #socket: Socket
  readonly #group: string
  /** Messages that came. */
  receivedCount = 0

  private constructor(socket: Socket, group: string) {
    this.#socket = socket
    this.#group = group
    socket.on('message', () => {
      this.receivedCount += 1
    })
  }

  /**
   * `listening` receives all multicast messages, as a program that always watches does; otherwise the client receives
   * only answers to itself, at `address`. With a `networkInterface` the client uses IPv6 there.
   */
  static async open({
    listening = false,
    address = '127.0.0.1',
    networkInterface = '',
  } = {}): Promise<DnsClient> {
    const isIPv6 = networkInterface !== ''
    const socket = createSocket({ type: isIPv6 ? 'udp6' : 'udp4', reuseAddr: listening })
    socket.bind(listening ? { port: PORT, address: GROUP } : { port: 0, address })
    await once(socket, 'listening')
    if (listening) socket.addMembership(GROUP, '127.0.0.1')
    socket.setMulticastInterface(isIPv6 ? `::%${networkInterface}` : '127.0.0.1')
    return new DnsClient(socket, isIPv6 ? GROUP_IPV6 : GROUP)
  }

  /** Sends one query. */
  send(name: string, type: keyof typeof TYPES): void {
    const header = Buffer.from([0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0])
    const question = Buffer.concat([header, nameBytes(name), Buffer.of(0, TYPES[type], 0, 1)])
    this.#socket.send(question, PORT, this.#group)
  }

  /** Repeats a query, since the service may still be looking for its name, until an answer `fits`. */
  async query(
    name: string,
    type: keyof typeof TYPES,
    fits: (records: readonly DnsRecord[]) => boolean,
  ): Promise<DnsRecord[]> {
    const again = setInterval(() => this.send(name, type), 100)
    this.send(name, type)
    try {
      return await this.received(fits)
    } finally {
      clearInterval(again)
    }
  }

  /** Resolves with the records of the next message that `fits`. */
  async received(fits: (records: readonly DnsRecord[]) => boolean): Promise<DnsRecord[]> {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    for (;;) {
      const [message] = (await once(this.#socket, 'message', { signal })) as [Buffer]
      const records = readRecords(message)
      if (fits(records)) return records
    }
  }

  /** Resolves with the next question that names `label`. */
  async queried(label: string): Promise<void> {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    for (;;) {
      const [message] = (await once(this.#socket, 'message', { signal })) as [Buffer]
      if ((message.readUInt16BE(2) & 0x8000) === 0 && message.includes(label)) return
    }
  }

  /** Answers every query for `name` that the name is in use, until the test ends; for a listening client. */
  claim(name: string): void {
    const named = nameBytes(name)
    // The rest of a name may be elsewhere in a message.
    const label = named.subarray(0, 1 + (named[0] ?? 0))
    const service = Buffer.concat([Buffer.from([0, 0, 0, 0, 0, 1]), nameBytes('other.local')])
    const fixed = Buffer.from([0, TYPES.SRV, 0x80, 1, 0, 0, 0, 120, 0, service.length])
    const answer = Buffer.concat([ANSWER, named, fixed, service])
    this.#socket.on('message', (message: Buffer) => {
      const isQuestion = (message.readUInt16BE(2) & 0x8000) === 0
      if (isQuestion && message.includes(label)) this.#socket.send(answer, PORT, GROUP)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close()
    await once(this.#socket, 'close')
  }
}
