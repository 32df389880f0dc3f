// The handler of the shared listener: passes each request on to the printer whose name is the first part of its path, and
// all else to the printer at the top.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ListeningAt } from '../api/server.ts'
import type { Mounted, SharedListener } from '../app/listen.ts'
import { type Clock, sleep } from '../core/clock.ts'
import { ApiError } from '../core/errors.ts'
import type { Admission } from '../transports/http/admission.ts'
import type { HttpHandler } from '../transports/http/listener.ts'
import { sendError } from '../transports/http/respond.ts'

/** Seconds that open requests and WebSockets of a printer have to finish when it stops. */
const CLOSE_SECONDS = 2

/** What the router needs. */
export interface RouterParts {
  readonly clock: Clock
  readonly admission: Admission
  /** Whether `name` is a printer, that may be stopped at the moment. */
  readonly isPrinter: (name: string) => boolean
  /** Answers at the top while no printer does. */
  readonly withoutMain: HttpHandler
}

/** A printer's handler, with what it still answers. */
class Place {
  readonly handler: HttpHandler
  readonly #open = new Set<ServerResponse | Duplex>()
  #onEmpty: (() => void) | null = null

  constructor(handler: HttpHandler) {
    this.handler = handler
  }

  request(req: IncomingMessage, res: ServerResponse): void {
    this.#hold(res)
    this.handler.request(req, res)
  }

  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void | Promise<void> {
    this.#hold(socket)
    return this.handler.upgrade(req, socket, head)
  }

  #hold(opened: ServerResponse | Duplex): void {
    this.#open.add(opened)
    opened.once('close', () => {
      this.#open.delete(opened)
      if (this.#open.size === 0) this.#onEmpty?.()
    })
  }

  /** Ends the WebSockets, and what is still answered after a limited time. */
  async close(clock: Clock): Promise<void> {
    this.handler.close()
    if (this.#open.size === 0) return
    const { promise: isEmpty, resolve } = Promise.withResolvers<void>()
    this.#onEmpty = resolve
    await Promise.race([isEmpty, sleep(clock, CLOSE_SECONDS)])
    this.handler.terminate()
    for (const opened of this.#open) opened.destroy()
  }
}

export class Router implements HttpHandler, SharedListener {
  readonly #parts: RouterParts
  readonly #places = new Map<string, Place>()
  at: ListeningAt = { host: '', port: 0, tlsPort: null }

  constructor(parts: RouterParts) {
    this.#parts = parts
  }

  get admission(): Admission {
    return this.#parts.admission
  }

  mount(prefix: string, handler: HttpHandler): Mounted {
    const place = new Place(handler)
    this.#places.set(prefix, place)
    return {
      close: async () => {
        if (this.#places.get(prefix) === place) this.#places.delete(prefix)
        await place.close(this.#parts.clock)
      },
    }
  }

  request(req: IncomingMessage, res: ServerResponse): void {
    try {
      this.#find(req).request(req, res)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      sendError(req, res, error)
    }
  }

  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void | Promise<void> {
    return this.#find(req).upgrade(req, socket, head)
  }

  /** Throws ApiError 503 for a printer whose server does not run. */
  #find({ url = '/' }: IncomingMessage): Pick<HttpHandler, 'request' | 'upgrade'> {
    const [path = ''] = url.split('?', 1)
    const name = path.split('/', 2)[1] ?? ''
    const place = this.#places.get(`/${name}`)
    if (place !== undefined && name !== '') return place
    if (this.#parts.isPrinter(name)) {
      throw new ApiError(503, `The server of printer '${name}' does not run; /workshop/printers shows why`)
    }
    return this.#places.get('') ?? this.#parts.withoutMain
  }

  close(): void {
    this.#parts.withoutMain.close()
    for (const { handler } of this.#places.values()) handler.close()
  }

  terminate(): void {
    this.#parts.withoutMain.terminate()
    for (const { handler } of this.#places.values()) handler.terminate()
  }
}
