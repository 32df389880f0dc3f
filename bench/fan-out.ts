// Status updates from Klippy to many WebSocket clients: the fastest pace that reaches every one of them in time.
import type { FakeKlippy } from '../test/support/fake-klippy.ts'
import { sleep } from './load.ts'
import { FOLLOWED, pushUpdates, stamp } from './printing-klippy.ts'
import type { Address, RawConnection } from './raw-connection.ts'
import { clientFrame, openWebSocket } from './web-socket.ts'

const CLIENTS = 50
/** Seconds for which a pace has to hold. */
const STEP = 1
/** The pace is held where of all updates 99 % arrive within so many seconds, and no client misses one. */
const LATENCY_LIMIT = 0.25
const FIRST_PACE = 125
const HIGHEST_PACE = 64_000
/** How often the gap between a pace that held and one that did not is halved. */
const HALVINGS = 4

const SUBSCRIBE = clientFrame(
  JSON.stringify({
    jsonrpc: '2.0',
    method: 'printer.objects.subscribe',
    params: { objects: FOLLOWED },
    id: 1,
  }),
)
/** `,1234.567890]}` with or without spaces: the time stamp is the last parameter. */
const STAMP_BYTES = 32

/** A pace that held: updates a second, and how late they came, s. */
export interface FanOut {
  readonly pace: number
  readonly p50: number
  readonly p99: number
  /** Bytes of one update as the clients get it. */
  readonly bytes: number
}

/** One client: counts its updates and their latencies. */
class Follower {
  readonly latencies: number[]
  received = 0
  bytes = 0
  #subscribed: () => void = () => {}
  #connection: RawConnection | null = null

  constructor(latencies: number[]) {
    this.latencies = latencies
  }

  async open(address: Address): Promise<void> {
    this.#connection = await openWebSocket(address, (bytes, start, end) => this.#message(bytes, start, end))
    await new Promise<void>((resolve, reject) => {
      this.#subscribed = resolve
      this.#connection?.onFailure(reject)
      this.#connection?.write(SUBSCRIBE)
    })
  }

  #message(bytes: Buffer, start: number, end: number): void {
    const head = bytes.toString('latin1', start, start + 70)
    if (head.includes('"result"')) this.#subscribed()
    if (head.includes('"error"')) throw new Error(bytes.toString('utf8', start, end))
    if (!head.includes('notify_status_update')) return
    this.received += 1
    this.bytes = end - start
    const tail = bytes.toString('latin1', end - STAMP_BYTES, end)
    this.latencies.push(stamp() - Number.parseFloat(tail.slice(tail.lastIndexOf(',') + 1)))
  }

  get broken(): boolean {
    return this.#connection?.failure !== null
  }

  close(): void {
    this.#connection?.close()
  }
}

/** Finds the fastest pace that the server holds. */
export async function fanOut(address: Address, klippy: FakeKlippy): Promise<FanOut> {
  let best: FanOut | null = null
  let held = 0
  let failed = HIGHEST_PACE
  for (let pace = FIRST_PACE; pace < failed; pace *= 2) {
    const result = await tryPace(address, klippy, pace)
    if (result === null) failed = pace
    else [best, held] = [result, pace]
  }
  for (let n = 0; n < HALVINGS && best !== null; n += 1) {
    const pace = Math.round((held + failed) / 2)
    const result = await tryPace(address, klippy, pace)
    if (result === null) failed = pace
    else [best, held] = [result, pace]
  }
  if (best === null)
    throw new Error(`not even ${FIRST_PACE} updates a second reach ${CLIENTS} clients in time`)
  return best
}

/** Pushes at `pace` for a while. Null where it is too fast. */
async function tryPace(address: Address, klippy: FakeKlippy, pace: number): Promise<FanOut | null> {
  const latencies: number[] = []
  const followers = Array.from({ length: CLIENTS }, () => new Follower(latencies))
  try {
    await Promise.all(followers.map(follower => follower.open(address)))
    const start = performance.now()
    const pushed = await pushFor(klippy, pace)
    const seconds = (performance.now() - start) / 1000
    await sleep(LATENCY_LIMIT)
    const complete = followers.every(({ received, broken }) => received === pushed && !broken)
    latencies.sort((a, b) => a - b)
    const at = (part: number) => latencies[Math.floor(latencies.length * part)] ?? Number.POSITIVE_INFINITY
    if (!complete || at(0.99) > LATENCY_LIMIT) return null
    return { pace: pushed / seconds, p50: at(0.5), p99: at(0.99), bytes: followers[0]?.bytes ?? 0 }
  } finally {
    for (const follower of followers) follower.close()
  }
}

/** Pushes at an even pace, as far as timers allow: what is due since the last push goes out together. */
async function pushFor(klippy: FakeKlippy, pace: number): Promise<number> {
  const start = performance.now()
  let pushed = 0
  for (let elapsed = 0; elapsed < STEP; elapsed = (performance.now() - start) / 1000) {
    const due = Math.floor(elapsed * pace) - pushed
    if (due > 0) pushUpdates(klippy, due)
    pushed += Math.max(0, due)
    await sleep(0.001)
  }
  return pushed
}
