// SockJS sessions over HTTP: the client receives by requests that end with a message (xhr) or stay open (xhr_streaming), and
// sends by others.
import type { ServerResponse } from 'node:http'
import type { Clock, Timer } from '../../../core/clock.ts'
import { ApiError } from '../../../core/errors.ts'
import type { Caller } from '../../../rpc/caller.ts'
import type { OpenPeer, PushPeer } from './channel.ts'
import { closeFrame, framed, HEARTBEAT, messagesOf, OPEN } from './frames.ts'

/** Sessions at a time. */
const MAX_SESSIONS = 32
/** Characters of messages that wait for a client's next request. */
const MAX_WAITING = 1024 * 1024
/** Seconds that a session lasts without a request that receives. */
const ABSENCE = 5
/** A streaming response ends after so many characters, so that the browser can free them. */
const MAX_STREAM = 128 * 1024
/** Some browsers pass a response on only after its first 2 KiB. */
const PRELUDE = `${HEARTBEAT.repeat(2048)}\n`

/** A session; once closed it answers every request with its close frame, until it is forgotten. */
interface Session {
  readonly username: string | undefined
  peer: PushPeer
  waiting: string[]
  waitingSize: number
  receiver: Receiver | null
  absence: Timer | null
  closing: string | null
}

/** A response that waits for frames. */
interface Receiver {
  /** Writes a frame; ends the response if it is not a stream, or long enough. */
  write(frame: string): void
  end(): void
}

export class XhrSessions {
  readonly #clock: Clock
  readonly #heartbeat: number
  readonly #open: OpenPeer
  readonly #sessions = new Map<string, Session>()

  /** `heartbeat`: seconds between heartbeat frames. */
  constructor(clock: Clock, heartbeat: number, open: OpenPeer) {
    this.#clock = clock
    this.#heartbeat = heartbeat
    this.#open = open
  }

  /** Messages of the client. Throws ApiError 404 without a session, 400 for a body that is not a list of texts. */
  receive(id: string, caller: Caller, body: string): void {
    const session = this.#sessions.get(id)
    if (session === undefined || session.username !== caller.user?.username || session.closing !== null) {
      throw new ApiError(404, 'There is no such session')
    }
    const messages = body === '' ? null : messagesOf(body)
    if (messages === null) throw new ApiError(400, 'A list of messages in JSON is expected')
    for (const message of messages) session.peer.receive(message)
  }

  /** Sends frames by `res`, the first of a new session or the next. Throws ApiError 503 if there are too many sessions. */
  attach(id: string, caller: Caller, res: ServerResponse, stopping: AbortSignal, isStream: boolean): void {
    const known = this.#sessions.get(id)
    if (known !== undefined && known.username !== caller.user?.username) {
      throw new ApiError(404, 'There is no such session')
    }
    if (known === undefined && this.#sessions.size >= MAX_SESSIONS) {
      throw new ApiError(503, `Too many sessions: at most ${MAX_SESSIONS} are allowed`)
    }
    if (known?.receiver) {
      const other = respond(res, stopping, isStream, () => undefined)
      other.write(closeFrame(2010, 'Another connection still open'))
      other.end()
      return
    }
    const session = known ?? this.#start(id, caller)
    const receiver = this.#receive(id, session, ended => respond(res, stopping, isStream, ended))
    if (known === undefined) receiver.write(OPEN)
    this.#flush(session)
  }

  #start(id: string, { user }: Caller): Session {
    const session: Session = {
      username: user?.username,
      peer: { receive: () => undefined, closed: () => undefined },
      waiting: [],
      waitingSize: 0,
      receiver: null,
      absence: null,
      closing: null,
    }
    this.#sessions.set(id, session)
    session.peer = this.#open(
      {
        send: text => this.#send(session, text),
        close: (code, reason) => this.#close(session, code, reason),
        // Every request of such a session has a user.
        identified: () => undefined,
      },
      user,
    )
    return session
  }

  #send(session: Session, text: string): void {
    if (session.closing !== null) return
    session.waiting.push(text)
    session.waitingSize += text.length
    if (session.waitingSize > MAX_WAITING) this.#close(session, 1008, 'Too many messages wait')
    else this.#flush(session)
  }

  #close(session: Session, code: number, reason: string): void {
    if (session.closing !== null) return
    session.closing = closeFrame(code, reason)
    session.waiting = []
    session.peer.closed()
    this.#flush(session)
  }

  /** Writes what waits, if the client is there to receive it. */
  #flush(session: Session): void {
    const { receiver, waiting, closing } = session
    if (receiver === null) return
    if (closing !== null) {
      receiver.write(closing)
      receiver.end()
    } else if (waiting.length > 0) {
      session.waiting = []
      session.waitingSize = 0
      receiver.write(framed(...waiting))
    }
  }

  /** The session has a receiver until its response ends, and is forgotten if no other request follows. */
  #receive(id: string, session: Session, open: (ended: () => void) => Receiver): Receiver {
    session.absence?.stop()
    const receiver = open(() => {
      heartbeat.stop()
      session.receiver = null
      session.absence = this.#clock.after(ABSENCE, () => this.#forget(id, session))
    })
    const heartbeat = this.#clock.every(this.#heartbeat, () => receiver.write(HEARTBEAT))
    session.receiver = receiver
    return receiver
  }

  #forget(id: string, session: Session): void {
    this.#sessions.delete(id)
    if (session.closing === null) session.peer.closed()
  }

  /** Ends all sessions. */
  close(): void {
    for (const [id, session] of this.#sessions) {
      session.absence?.stop()
      this.#close(session, 3000, 'Go away!')
      this.#sessions.delete(id)
    }
  }
}

/** Starts a response; calls `ended` once, as soon as no frame can be written to it any more. */
function respond(res: ServerResponse, stopping: AbortSignal, isStream: boolean, ended: () => void): Receiver {
  let size = 0
  let isOpen = true
  const end = () => {
    if (!isOpen) return
    isOpen = false
    stopping.removeEventListener('abort', end)
    res.end()
    ended()
  }
  stopping.addEventListener('abort', end)
  res.once('close', end)
  res.writeHead(200, { 'Content-Type': 'application/javascript; charset=UTF-8' })
  if (isStream) res.write(PRELUDE)
  return {
    write(frame) {
      size += frame.length
      res.write(`${frame}\n`)
      if (!isStream || size > MAX_STREAM) end()
    },
    end,
  }
}
