// A broker in this process, which records what clients publish and subscribe, and can refuse and disconnect them.
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import { Aedes, type AedesPublishPacket } from 'aedes'
import { createWebSocketStream, WebSocketServer } from 'ws'

/** A message that a client published. */
export interface Published {
  readonly topic: string
  readonly payload: string
  readonly retain: boolean
  readonly qos: number
}

/** What a client gave when it connected. */
export interface Login {
  readonly clientId: string
  readonly username: string | undefined
  readonly password: string | undefined
}

export class TestBroker implements AsyncDisposable {
  /** All messages and wills of clients, oldest first. */
  readonly published: Published[] = []
  /** The topics of each SUBSCRIBE, and of each UNSUBSCRIBE with a minus in front. */
  readonly subscribed: string[][] = []
  readonly logins: Login[] = []
  /** Refuses the connections of clients while true. */
  refuses = false
  port = 0
  readonly #aedes: Aedes
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #waiters = new Set<() => void>()

  private constructor(aedes: Aedes, server: Server) {
    this.#aedes = aedes
    this.#server = server
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    this.#observe(aedes)
  }

  static async start(): Promise<TestBroker> {
    const aedes = await Aedes.createBroker()
    const broker = new TestBroker(
      aedes,
      createServer(socket => aedes.handle(socket)),
    )
    await broker.#listen(0)
    return broker
  }

  /** A broker that serves WebSockets at `path`. */
  static async startWebSocket(path: string): Promise<TestBroker> {
    const aedes = await Aedes.createBroker()
    const server = createHttpServer()
    new WebSocketServer({ server, path }).on('connection', ws => {
      aedes.handle(createWebSocketStream(ws) as unknown as Socket)
    })
    const broker = new TestBroker(aedes, server)
    await broker.#listen(0)
    return broker
  }

  async #listen(port: number): Promise<void> {
    this.#server.listen(port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.port = (this.#server.address() as { port: number }).port
  }

  #observe(aedes: Aedes): void {
    aedes.authenticate = (client, username, password, done) => {
      this.logins.push({ clientId: client.id, username, password: password?.toString() })
      this.#wake()
      if (!this.refuses) done(null, true)
      else done(Object.assign(new Error('refused'), { returnCode: 5 }), false)
    }
    aedes.on('publish', (packet, client) => {
      if (client === null) return
      const { topic, retain, qos } = packet
      this.published.push({ topic, payload: packet.payload.toString(), retain, qos })
      this.#wake()
    })
    aedes.on('subscribe', subscriptions => {
      this.subscribed.push(subscriptions.map(({ topic }) => topic))
      this.#wake()
    })
    aedes.on('unsubscribe', topics => {
      this.subscribed.push(topics.map(topic => `-${topic}`))
      this.#wake()
    })
  }

  #wake(): void {
    for (const waiter of this.#waiters) waiter()
  }

  /** Resolves when `holds` returns something; it is called after each event. */
  async until<T>(holds: () => T | undefined | false): Promise<T> {
    for (;;) {
      const value = holds()
      if (value !== undefined && value !== false) return value
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiters.add(resolve)
      await promise
      this.#waiters.delete(resolve)
    }
  }

  /** Resolves with the first message of `topic` from the index `from` on. */
  next(topic: string, from = 0): Promise<Published> {
    return this.until(() => this.published.slice(from).find(message => message.topic === topic))
  }

  /** Resolves when a client has subscribed to `topic`, `times` times. */
  async subscription(topic: string, times = 1): Promise<void> {
    await this.until(() => this.subscribed.filter(topics => topics.includes(topic)).length >= times)
  }

  /** Publishes to the clients. */
  async publish(
    topic: string,
    payload: string | Buffer,
    options: Partial<AedesPublishPacket> = {},
  ): Promise<void> {
    const packet = { cmd: 'publish', topic, payload, qos: 0, retain: false, dup: false, ...options }
    await new Promise<void>((resolve, reject) => {
      this.#aedes.publish(packet as AedesPublishPacket, error => (error ? reject(error) : resolve()))
    })
  }

  /** Sends a message with QoS 0 many times at once, faster than the broker's own code. */
  flood(topic: string, payload: string, count: number): void {
    const body = Buffer.concat([Buffer.from([0, topic.length]), Buffer.from(topic + payload)])
    const message = Buffer.concat([
      Buffer.from([0x30, (body.length % 128) + 128, Math.floor(body.length / 128)]),
      body,
    ])
    const all = Buffer.concat(Array<Buffer>(count).fill(message))
    for (const socket of this.#sockets) socket.write(all)
  }

  /** Ends all connections as a lost network does: the broker publishes the wills. */
  drop(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Stops; the port stays free for `resume`. */
  async pause(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.drop()
    await closed
  }

  async resume(): Promise<void> {
    await this.#listen(this.port)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.drop()
    if (this.#server.listening) await this.pause()
    await new Promise<void>(resolve => {
      this.#aedes.close(resolve)
    })
  }
}

/** The section [mqtt] for a broker on this port, with further lines. */
export function mqttSection(port: number, lines = ''): string {
  return `[mqtt]\naddress: 127.0.0.1\nport: ${port}\ninstance_name: rig\n${lines}\n`
}
