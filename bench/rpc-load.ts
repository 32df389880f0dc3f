// JSON-RPC requests over one connection, a fixed number of them in flight.
import type { Load } from './load.ts'
import { type Address, RawConnection } from './raw-connection.ts'
import { clientFrame, openWebSocket } from './web-socket.ts'

/** The id of requests that prepare the load; those of the load itself are small numbers. */
const PREPARING = 1_000_000
/** Notifications name their method early; nothing that answers a request does. */
const NOTIFICATION = /^\{"jsonrpc": ?"2\.0", ?"method"/

/** The call that is repeated. */
export interface RpcRequest {
  readonly method: string
  readonly params?: object
}

function requestText({ method, params }: RpcRequest, id: number): string {
  return JSON.stringify({ jsonrpc: '2.0', method, ...(params !== undefined && { params }), id })
}

class RpcLoad implements Load {
  answered = 0
  /** The next requests as bytes: those of the first `n` are the bytes up to `#ends[n]`. */
  readonly #requests: Buffer
  readonly #ends: number[] = [0]
  #connection: RawConnection | null = null
  #due = 0
  #failure: Error | null = null
  #prepared: { resolve(): void; reject(error: Error): void } | null = null

  constructor(request: RpcRequest, inFlight: number, encode: (text: string) => Buffer) {
    const parts = Array.from({ length: inFlight }, (_, id) => encode(requestText(request, id)))
    this.#requests = Buffer.concat(parts)
    for (const part of parts) this.#ends.push((this.#ends.at(-1) as number) + part.length)
  }

  get failure(): Error | null {
    return this.#failure ?? this.#connection?.failure ?? null
  }

  /** Takes one text of the server. */
  message(bytes: Buffer, start: number, end: number): void {
    const head = bytes.toString('latin1', start, Math.min(end, start + 40))
    if (NOTIFICATION.test(head)) return
    if (head.includes('"error"')) this.#failure ??= new Error(bytes.toString('utf8', start, end))
    if (this.#prepared !== null) {
      if (this.#failure === null) this.#prepared.resolve()
      else this.#prepared.reject(this.#failure)
      return
    }
    this.answered += 1
    this.#due += 1
    // All answers of one read are counted before the next requests go out together.
    if (this.#due === 1) process.nextTick(() => this.#send())
  }

  /** Has one request answered before the load starts. */
  async prepare(connection: RawConnection, bytes: Buffer): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#prepared = { resolve, reject }
      connection.onFailure(reject)
      connection.write(bytes)
    })
    this.#prepared = null
  }

  start(connection: RawConnection): void {
    this.#connection = connection
    connection.write(this.#requests)
  }

  #send(): void {
    const due = this.#due
    this.#due = 0
    this.#connection?.write(this.#requests.subarray(0, this.#ends[due]))
  }

  close(): void {
    this.#connection?.close()
  }
}

/** Calls over one WebSocket. `first` is answered before the load starts. */
export async function webSocketLoad(
  address: Address,
  request: RpcRequest,
  inFlight: number,
  first?: RpcRequest,
): Promise<Load> {
  const load = new RpcLoad(request, inFlight, clientFrame)
  const connection = await openWebSocket(address, (bytes, start, end) => load.message(bytes, start, end))
  if (first !== undefined) await load.prepare(connection, clientFrame(requestText(first, PREPARING)))
  load.start(connection)
  return load
}

/** Calls over the unix socket, where texts end with ETX. */
export function unixLoad(path: string, request: RpcRequest, inFlight: number): Load {
  const load = new RpcLoad(request, inFlight, text => Buffer.from(`${text}\x03`))
  const connection = new RawConnection({ path }, (bytes, start, end) => {
    let at = start
    for (let etx = bytes.indexOf(3, at); etx !== -1 && etx < end; etx = bytes.indexOf(3, at)) {
      load.message(bytes, at, etx)
      at = etx + 1
    }
    return at
  })
  load.start(connection)
  return load
}
