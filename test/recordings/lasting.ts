// A client's open connections, and the replay of recorded exchanges over them.
import { connect } from 'node:net'
import { compareReply, type Exchange, type Sent } from './fixture.ts'

/** A connection; `next` resolves with the next message that is no notification. */
export interface Lasting extends AsyncDisposable {
  send(sent: Sent): void
  next(): Promise<unknown>
}

/** The longest time a reply may take. */
const TIMEOUT_MS = 10_000

/** Messages that no test has taken yet, and tests that wait for one. */
class Inbox {
  readonly #came: unknown[] = []
  readonly #wanted: ((message: unknown) => void)[] = []

  put(text: string): void {
    const message: unknown = JSON.parse(text)
    const { method } = (message ?? {}) as { method?: string }
    if (method?.startsWith('notify_')) return
    const wanted = this.#wanted.shift()
    if (wanted === undefined) this.#came.push(message)
    else wanted(message)
  }

  next(): Promise<unknown> {
    if (this.#came.length > 0) return Promise.resolve(this.#came.shift())
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const timer = setTimeout(() => reject(new Error('no reply within the timeout')), TIMEOUT_MS)
    this.#wanted.push(message => {
      clearTimeout(timer)
      resolve(message)
    })
    return promise
  }
}

function bytesOf(sent: Sent): string | Buffer<ArrayBuffer> {
  return typeof sent === 'string' ? sent : Buffer.from(sent.base64, 'base64')
}

/** Opens the WebSocket at `url` (http:). */
export async function openWebSocket(url: string, headers: Record<string, string> = {}): Promise<Lasting> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), { headers } as never)
  const inbox = new Inbox()
  socket.addEventListener('message', ({ data }) => inbox.put(String(data)))
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve)
    socket.addEventListener('error', () => reject(new Error(`${url} is refused`)))
  })
  return {
    send: sent => socket.send(bytesOf(sent)),
    next: () => inbox.next(),
    [Symbol.asyncDispose]: () =>
      new Promise(resolve => {
        socket.addEventListener('close', () => resolve())
        socket.close()
      }),
  }
}

/** Connects to the unix socket at `path`; what is sent carries its own ends of messages. */
export async function openUnixSocket(path: string): Promise<Lasting> {
  const socket = connect(path)
  const inbox = new Inbox()
  let rest = ''
  socket.setEncoding('utf8')
  socket.on('data', chunk => {
    const texts = (rest + chunk).split('\u0003')
    rest = texts.pop() ?? ''
    for (const text of texts) inbox.put(text)
  })
  await new Promise((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  return {
    send: sent => socket.write(bytesOf(sent)),
    next: () => inbox.next(),
    [Symbol.asyncDispose]: () =>
      new Promise(resolve => {
        socket.once('close', () => resolve())
        socket.destroy()
      }),
  }
}

/** A request that is always answered: what comes before its reply belongs to what was sent before. */
export interface Sentinel {
  readonly send: string
  readonly id: unknown
}

/** Sends what was recorded. Gives how the replies differ from `expected`, one line each. */
export async function replay(
  connection: Lasting,
  { send }: Exchange,
  expected: Exchange['replies'],
  sentinel: Sentinel | null,
): Promise<{ replies: unknown[]; problems: string[] }> {
  connection.send(send)
  const replies: unknown[] = []
  while (replies.length < expected.length) replies.push(await connection.next())
  if (sentinel !== null) {
    connection.send(sentinel.send)
    for (;;) {
      const message = await connection.next()
      if ((message as { id?: unknown }).id === sentinel.id) break
      replies.push(message)
    }
  }
  return { replies, problems: compareReplies(expected, replies) }
}

/** How `replies` differ from `expected`. */
export function compareReplies(expected: Exchange['replies'], replies: readonly unknown[]): string[] {
  const unexpected = replies.slice(expected.length).map(reply => `unexpected: ${JSON.stringify(reply)}`)
  const problems = expected.flatMap((reply, index) =>
    index in replies ? compareReply(reply, replies[index]) : [`missing: ${JSON.stringify(reply)}`],
  )
  return [...problems, ...unexpected]
}
