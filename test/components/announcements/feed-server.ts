// A web server with feeds, as moonlight's: each with a tag and a date, and sent again only when it has changed.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export const MODIFIED = 'Tue, 22 Mar 2022 23:19:04 GMT'

/** The tag of a feed with this text. */
export function tagOf(text: string): string {
  return `"${createHash('sha1').update(text).digest('hex')}"`
}

type Answer = (res: ServerResponse, req: IncomingMessage) => void

export class FeedServer implements AsyncDisposable {
  /** The requests, oldest first. */
  readonly requests: { readonly feed: string; readonly headers: IncomingMessage['headers'] }[] = []
  readonly #feeds = new Map<string, Answer>()
  readonly #server: Server
  #onRequest = () => {}

  private constructor(server: Server) {
    this.#server = server
    server.on('request', (req, res) => this.#answer(req, res))
  }

  static async start(): Promise<FeedServer> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new FeedServer(server)
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/moonlight`
  }

  /** Calls back for each request. */
  onRequest(listener: () => void): void {
    this.#onRequest = listener
  }

  /** Sets the text of the feed. */
  put(feed: string, text: string): void {
    const etag = tagOf(text)
    this.answer(feed, (res, { headers }) => {
      const isKnown = headers['if-none-match'] === etag
      res.writeHead(isKnown ? 304 : 200, { ETag: etag, 'Last-Modified': MODIFIED })
      res.end(isKnown ? undefined : text)
    })
  }

  answer(feed: string, answer: Answer): void {
    this.#feeds.set(feed, answer)
  }

  #answer(req: IncomingMessage, res: ServerResponse): void {
    const feed = /^\/moonlight\/assets\/(.*)\.xml$/.exec(req.url ?? '')?.[1] ?? ''
    this.requests.push({ feed, headers: req.headers })
    this.#onRequest()
    const answer = this.#feeds.get(feed) ?? (missing => missing.writeHead(404).end('<html></html>'))
    answer(res, req)
  }

  /** The feeds that were requested since the last call, in alphabetical order. */
  taken(): string[] {
    return this.requests
      .splice(0)
      .map(({ feed }) => feed)
      .sort()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
