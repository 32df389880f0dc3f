// SockJS at /sockjs: a plain WebSocket, a WebSocket with SockJS's frames, or polling and streaming by POST. Other
// transports of SockJS are not served: its clients use the next that is.
import { randomInt } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { WebSocket } from 'ws'
import type { Core } from '../../../component/component.ts'
import { ApiError } from '../../../core/errors.ts'
import type { Scope } from '../../../core/scope.ts'
import type { RawRequest, SocketListener, SocketRequest } from '../../../rpc/registry.ts'
import type { OpenPeer, PushChannel } from './channel.ts'
import { framed, messagesOf, OPEN } from './frames.ts'
import { readText } from './read-text.ts'
import { XhrSessions } from './xhr-sessions.ts'

/** A client that leaves so many bytes unread is disconnected. */
const MAX_UNREAD = 1024 * 1024
/** Seconds between heartbeat frames. */
const HEARTBEAT = 25
const PATH = '/sockjs'
/** `SERVER/SESSION/TRANSPORT`; the first part is of no meaning. */
const SESSION_PATH = /^[^/.]+\/([^/.]{1,64})\/(websocket|xhr|xhr_streaming|xhr_send)$/

export class SockJs {
  readonly #core: Core
  readonly #open: OpenPeer
  readonly #xhr: XhrSessions

  constructor(core: Core, open: OpenPeer) {
    this.#core = core
    this.#open = open
    this.#xhr = new XhrSessions(core.clock, HEARTBEAT, open)
  }

  /** Serves the routes until `scope` is closed. */
  serve(scope: Scope): void {
    const { registry } = this.#core
    const route = {
      verbs: ['GET', 'HEAD', 'POST'],
      // A client may find out what is served before it shows who it is.
      open: (rest: string) => rest === '' || rest === 'info',
      role: 'viewer' as const,
      handle: (request: RawRequest) => this.#answer(request),
    }
    scope.use(registry.serveRaw({ ...route, path: PATH }))
    scope.use(registry.serveRaw({ ...route, path: `${PATH}/` }))
    scope.use(
      registry.serveSocket({ path: `${PATH}/`, open: true, handle: request => this.#upgrade(request) }),
    )
    scope.defer(() => this.#xhr.close())
  }

  #upgrade(request: SocketRequest): void {
    const { rest, accept } = request
    const isPlain = rest === 'websocket'
    if (!isPlain && SESSION_PATH.exec(rest)?.[2] !== 'websocket') throw new ApiError(404, 'Not Found')
    accept(ws => (isPlain ? this.#openPlain(ws, request) : this.#openFramed(ws, request)))
  }

  #openPlain(ws: WebSocket, { caller, identified }: SocketRequest): SocketListener {
    const peer = this.#open(
      channelOf(ws, identified, text => text),
      caller.user,
    )
    return { message: text => peer.receive(text), closed: () => peer.closed() }
  }

  #openFramed(ws: WebSocket, { caller, identified }: SocketRequest): SocketListener {
    ws.send(OPEN)
    const heartbeat = this.#core.clock.every(HEARTBEAT, () => ws.send('h'))
    const peer = this.#open(channelOf(ws, identified, framed), caller.user)
    return {
      message(text) {
        const messages = messagesOf(text)
        if (messages === null) ws.close(1007, 'A list of messages in JSON is expected')
        else for (const message of messages) peer.receive(message)
      },
      closed() {
        heartbeat.stop()
        peer.closed()
      },
    }
  }

  async #answer(request: RawRequest): Promise<void> {
    const { req, res, rest, caller, stopping, sendJson } = request
    const isReading = req.method !== 'POST'
    if (rest === '' && isReading) {
      res.writeHead(200, { 'Content-Type': 'text/plain; charset=UTF-8' }).end('Welcome to SockJS!\n')
      return
    }
    res.setHeader('Cache-Control', 'no-store')
    if (rest === 'info' && isReading) {
      sendJson({ websocket: true, origins: ['*:*'], cookie_needed: false, entropy: randomInt(2 ** 32) })
      return
    }
    const [, session = '', transport] = SESSION_PATH.exec(rest) ?? []
    if (isReading || transport === undefined || transport === 'websocket')
      throw new ApiError(404, 'Not Found')
    if (transport === 'xhr_send') {
      this.#xhr.receive(session, caller, await readText(this.#core.clock, req))
      noContent(res)
    } else this.#xhr.attach(session, caller, res, stopping, transport === 'xhr_streaming')
  }
}

/** `encode` makes a frame of a message. */
function channelOf(
  ws: WebSocket,
  identified: PushChannel['identified'],
  encode: (text: string) => string,
): PushChannel {
  return {
    send(text) {
      ws.send(encode(text))
      if (ws.bufferedAmount > MAX_UNREAD) ws.terminate()
    },
    close: (code, reason) => ws.close(code, reason),
    identified,
  }
}

/** Some browsers take a reply without a type for a download. */
function noContent(res: ServerResponse): void {
  res.writeHead(204, { 'Content-Type': 'text/plain; charset=UTF-8' }).end()
}
