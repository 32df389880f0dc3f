// SSDP: answers searches from the own networks, and announces the server there when it starts and stops.
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { Clock, Timer } from '../../core/clock.ts'
import { messageOf } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { type Network, neighbourhood } from './networks.ts'
import {
  aliveTexts,
  answersTo,
  byebyeTexts,
  type Device,
  GROUP,
  MAX_AGE,
  PORT,
  readSearch,
} from './ssdp-message.ts'

/** Searches that are answered in a second, so that a flood of them causes no flood of replies. */
const SEARCHES_A_SECOND = 10
/** The most answers that wait for their time. */
const MAX_WAITING = 50
/** Datagrams may travel through so many routers (UPnP Device Architecture, section 1.1.2). */
const HOPS = 2
/** Seconds until the first announcement is repeated: datagrams get lost. */
const REPEAT = 1

/** What SSDP needs. */
export interface SsdpParts {
  readonly device: Device
  /** The IPv4 networks. */
  readonly networks: readonly Network[]
  /** The address of the description, for programs that reach this machine at `address`. */
  readonly location: (address: string) => string
  readonly clock: Clock
  readonly log: Log
}

export class Ssdp {
  readonly #parts: SsdpParts
  readonly #networkOf: (address: string) => Network | undefined
  readonly #listener: Socket
  readonly #senders = new Map<Network, Socket>()
  readonly #timers = new Set<Timer>()
  #answered = { second: 0, count: 0 }

  constructor(parts: SsdpParts) {
    this.#parts = parts
    this.#networkOf = neighbourhood(parts.networks)
    this.#listener = this.#open()
    this.#listener.on('message', (datagram, from) => this.#received(datagram, from))
  }

  #open(): Socket {
    const socket = createSocket({ type: 'udp4', reuseAddr: true })
    socket.on('error', error => this.#parts.log.debug(error.message))
    return socket
  }

  /** Listens, and announces the server. Rejects if the port cannot be used. */
  async start(): Promise<void> {
    // Bound to the multicast group itself: datagrams to a single address, perhaps from far away, never arrive.
    await bind(this.#listener, GROUP, PORT)
    for (const network of this.#parts.networks) await this.#join(network)
    this.#announce()
    this.#after(REPEAT, () => this.#announce())
    this.#repeatLater()
  }

  async #join(network: Network): Promise<void> {
    const { address, name } = network
    const sender = this.#open()
    try {
      this.#listener.addMembership(GROUP, address)
      await bind(sender, address, 0)
      sender.setMulticastInterface(address)
      sender.setMulticastTTL(HOPS)
      this.#senders.set(network, sender)
    } catch (error) {
      sender.close()
      this.#parts.log.warning(`cannot announce at ${address} (${name}): ${messageOf(error)}`)
    }
  }

  #after(seconds: number, task: () => void): void {
    const timer = this.#parts.clock.after(seconds, () => {
      this.#timers.delete(timer)
      task()
    })
    this.#timers.add(timer)
  }

  /** Repeats the announcement well before it expires, at a random time, so that devices do not announce together. */
  #repeatLater(): void {
    this.#after((MAX_AGE / 6) * (1 + Math.random()), () => {
      this.#announce()
      this.#repeatLater()
    })
  }

  #announce(): void {
    const { device, location } = this.#parts
    for (const [{ address }, sender] of this.#senders) {
      for (const text of aliveTexts(device, location(address))) sender.send(text, PORT, GROUP, ignore)
    }
  }

  #received(datagram: Buffer, { address, port }: RemoteInfo): void {
    const search = readSearch(datagram)
    const here = this.#networkOf(address)
    if (search === null || here === undefined || port === 0) return
    const { device, location, clock } = this.#parts
    const texts = answersTo(search, device, location(here.address), new Date(clock.now() * 1000))
    if (texts.length === 0 || !this.#mayAnswer()) return
    const answer = () => {
      for (const text of texts) this.#listener.send(text, port, address, ignore)
    }
    if (search.delay === 0) answer()
    else if (this.#timers.size < MAX_WAITING) this.#after(Math.random() * search.delay, answer)
  }

  #mayAnswer(): boolean {
    const second = Math.floor(this.#parts.clock.monotonic())
    if (this.#answered.second !== second) this.#answered = { second, count: 0 }
    this.#answered.count += 1
    return this.#answered.count <= SEARCHES_A_SECOND
  }

  /** Announces the end, and closes. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) timer.stop()
    this.#timers.clear()
    const texts = byebyeTexts(this.#parts.device)
    const sent = [...this.#senders.values()].flatMap(sender => texts.map(text => send(sender, text)))
    await Promise.all(sent)
    for (const socket of [this.#listener, ...this.#senders.values()]) socket.close()
    this.#senders.clear()
  }
}

/** A datagram that cannot be sent counts as lost: the protocol allows for lost ones. */
function ignore(): void {}

function send(socket: Socket, text: Buffer): Promise<void> {
  return new Promise(resolve => socket.send(text, PORT, GROUP, () => resolve()))
}

async function bind(socket: Socket, address: string, port: number): Promise<void> {
  socket.bind({ address, port })
  await once(socket, 'listening')
}
