// The sources of feeds: moonlight on the web, or a developer's folder.
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type HttpClient, HttpClientError, type HttpReply } from '../../core/http-client.ts'
import type { Namespaces } from '../../storage/index.ts'
import { FeedError, MAX_FEED_BYTES } from './feed-document.ts'

/** A feed that has changed. */
export interface Fetched {
  readonly body: Uint8Array
  /** Records that the server has stored this version: later fetches return only newer ones. */
  taken(): Promise<void>
}

/** A source of feeds. */
export interface FeedSource {
  /**
   * Null if nothing is new. Rejects with FeedUnreachable if the host does not reply, with FeedError if the reply is not
   * a feed, and with the signal's reason.
   */
  fetch(name: string, signal: AbortSignal): Promise<Fetched | null>
  /** The next fetch returns the feed even if it has not changed. */
  forget(name: string): Promise<void>
}

/** The host does not reply; requests for other feeds would fail too. */
export class FeedUnreachable extends Error {
  override readonly name: string = 'FeedUnreachable'
}

const TIMEOUT_SECONDS = 10

/** The original stores the tag of each feed here; this server adds the date. */
const NAMESPACE = 'moonraker'
const key = (name: string) => ['announcements', name]

/** A source without news. */
export const noFeeds: FeedSource = {
  fetch: () => Promise.resolve(null),
  forget: () => Promise.resolve(),
}

/** Feeds on the web, below `address`; the server downloads a feed again only when it has changed. */
export class Moonlight implements FeedSource {
  readonly #address: string
  readonly #namespaces: Namespaces
  readonly #http: HttpClient

  constructor(address: string, namespaces: Namespaces, http: HttpClient) {
    this.#address = address
    this.#namespaces = namespaces
    this.#http = http
  }

  async fetch(name: string, signal: AbortSignal): Promise<Fetched | null> {
    const reply = await this.#request(name, signal)
    const { status } = reply
    if (status === 304) return null
    if (status >= 500 || status === 429) throw new FeedUnreachable(`the web server answers ${status}`)
    if (status !== 200) throw new FeedError(`the web server answers ${status}`)
    return { body: reply.body, taken: () => this.#note(name, reply) }
  }

  async #request(name: string, signal: AbortSignal): Promise<HttpReply> {
    const etag = this.#noted(name, 'etag')
    const modified = this.#noted(name, 'last_modified')
    try {
      return await this.#http.send({
        url: `${this.#address}/assets/${name}.xml`,
        headers: {
          Accept: 'application/xml',
          'User-Agent': 'moonraker-ts',
          ...(etag !== null && { 'If-None-Match': etag }),
          ...(modified !== null && { 'If-Modified-Since': modified }),
        },
        timeoutSeconds: TIMEOUT_SECONDS,
        maxBytes: MAX_FEED_BYTES,
        signal,
      })
    } catch (error) {
      if (error instanceof HttpClientError) throw new FeedUnreachable(error.message, { cause: error })
      throw error
    }
  }

  /** Null for a text that a header cannot contain. */
  #noted(name: string, field: string): string | null {
    const noted = this.#namespaces.find(NAMESPACE, [...key(name), field])
    return typeof noted === 'string' && /^[\x20-\x7e]{1,1024}$/.test(noted) ? noted : null
  }

  async #note(name: string, { headers }: HttpReply): Promise<void> {
    const { etag, 'last-modified': last_modified } = headers
    if (etag === undefined && last_modified === undefined) return this.forget(name)
    const noted = {
      ...(etag !== undefined && { etag }),
      ...(last_modified !== undefined && { last_modified }),
    }
    await this.#namespaces.post(NAMESPACE, key(name), noted)
  }

  async forget(name: string): Promise<void> {
    if (this.#namespaces.find(NAMESPACE, key(name)) === undefined) return
    await this.#namespaces.delete(NAMESPACE, key(name))
  }
}

/** Feeds in a folder, one `NAME.xml` each, for developers of clients; used instead of the feeds on the internet. */
export class FeedFolder implements FeedSource {
  readonly #folder: string
  readonly #taken = new Map<string, bigint>()

  constructor(folder: string) {
    this.#folder = folder
  }

  async fetch(name: string): Promise<Fetched | null> {
    const file = join(this.#folder, `${name}.xml`)
    const found = await stat(file, { bigint: true }).catch(() => null)
    if (found === null || !found.isFile() || found.mtimeNs === this.#taken.get(name)) return null
    if (found.size > MAX_FEED_BYTES) throw new FeedError(`it is longer than ${MAX_FEED_BYTES} bytes`)
    const body = await readFile(file)
    const taken = async () => void this.#taken.set(name, found.mtimeNs)
    return { body, taken }
  }

  async forget(name: string): Promise<void> {
    this.#taken.delete(name)
  }
}
