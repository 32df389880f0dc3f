// The client of GitHub's release API, or of a mirror with the same paths. It sends conditional requests, which cost no
// quota, remembers their answers across restarts, and sends nothing while the quota is used up.
import { type Clock, sleep } from '../../../core/clock.ts'
import { messageOf } from '../../../core/errors.ts'
import { type HttpClient, HttpClientError, type HttpReply } from '../../../core/http-client.ts'
import type { Log } from '../../../core/log.ts'
import { isPlainObject } from '../../../schema/index.ts'
import type { Namespaces } from '../../../storage/index.ts'
import { isPreview, newestOf, type Release, readCommit, readRelease, readReleases } from './release.ts'

/** The answer of the API cannot be used; the message is for clients. */
export class ReleaseApiError extends Error {
  override readonly name: string = 'ReleaseApiError'
}

/** The quota is used up: no request was sent. */
export class RateLimitReached extends ReleaseApiError {
  override readonly name = 'RateLimitReached'
}

/** The quota of requests; null until an answer contains it. */
export interface RateLimit {
  readonly limit: number | null
  readonly remaining: number | null
  /** Seconds since the epoch at which the quota is renewed. */
  readonly reset: number | null
}

/** What the client is made from. */
export interface ReleaseApiParts {
  readonly http: Pick<HttpClient, 'send'>
  readonly clock: Clock
  readonly namespaces: Namespaces
  readonly log: Log
  /** The URL before `repos/`, with a slash at its end. */
  readonly url: string
  /** Reads the token that raises the quota; null for none. It is sent to the origin of `url` only. */
  readonly token: () => Promise<string | null>
}

const NAMESPACE = 'moonraker'
const KEY = 'release_api'
/** Answers that are kept; the ones that were not used for the longest time are dropped. */
const MAX_ANSWERS = 100
/** Seconds for one request. */
const TIMEOUT_SECONDS = 10
const ATTEMPTS = 3
const RETRY_SECONDS = 0.5
/** A list of releases with their notes; GitHub limits each note to 125,000 characters. */
const MAX_BYTES = 4 * 1024 * 1024
/** The releases among which the newest one is searched. */
const PER_PAGE = 10
/** Seconds without a request after an answer 429, or 403 without a quota in it. */
const PAUSE_SECONDS = 60

/** A kept answer. */
interface Answer {
  readonly etag: string | null
  readonly modified: string | null
  readonly value: unknown
}

export class ReleaseApi {
  readonly #parts: ReleaseApiParts
  /** Null until they are read from the database. */
  #answers: Map<string, Answer> | null = null
  #token: Promise<string | null> | null = null
  #limit: RateLimit = { limit: null, remaining: null, reset: null }
  /** No request is sent before this time, in seconds since the epoch. */
  #pausedUntil = 0

  constructor(parts: ReleaseApiParts) {
    this.#parts = parts
  }

  /** The quota as of the last answer. */
  get rateLimit(): RateLimit {
    return this.#limit
  }

  /**
   * The newest release of a channel; null if the channel has no release. Rejects with ReleaseApiError, and with the reason of `signal`.
   */
  async newest(repo: string, channel: 'stable' | 'beta', signal: AbortSignal): Promise<Release | null> {
    if (channel === 'beta')
      return this.#get(
        `repos/${repo}/releases?per_page=${PER_PAGE}`,
        json => newestOf(readReleases(json)),
        signal,
      )
    const latest = await this.#get(`repos/${repo}/releases/latest`, readRelease, signal)
    if (!isPreview(latest)) return latest
    const stable = (json: unknown) => newestOf(readReleases(json).filter(release => !isPreview(release)))
    return this.#get(`repos/${repo}/releases?per_page=30`, stable, signal)
  }

  /** The release of a version, whose tag may have a `v` before it. Rejects as `newest`. */
  async ofVersion(repo: string, version: string, signal: AbortSignal): Promise<Release> {
    const other = version.startsWith('v') ? version.slice(1) : `v${version}`
    try {
      return await this.#byTag(repo, version, signal)
    } catch (error) {
      if (!(error instanceof ReleaseApiError) || error instanceof RateLimitReached) throw error
      return this.#byTag(repo, other, signal)
    }
  }

  /** The newest commit of a branch; null for the default branch. Rejects as `newest`. */
  async newestCommit(repo: string, branch: string | null, signal: AbortSignal): Promise<string> {
    const query = branch === null ? '' : `&sha=${encodeURIComponent(branch)}`
    return this.#get(`repos/${repo}/commits?per_page=1${query}`, readCommit, signal)
  }

  #byTag(repo: string, tag: string, signal: AbortSignal): Promise<Release> {
    return this.#get(`repos/${repo}/releases/tags/${encodeURIComponent(tag)}`, readRelease, signal)
  }

  /** Sends a request, and reads what is needed of its JSON by `read`; that is what is kept. */
  async #get<T>(path: string, read: (json: unknown) => T, signal: AbortSignal): Promise<T> {
    const url = this.#parts.url + path
    this.#answers ??= readAnswers(this.#parts.namespaces)
    const answers = this.#answers
    const known = answers.get(url)
    const reply = await this.#send(url, known, signal)
    if (reply.status === 304 && known !== undefined) {
      answers.delete(url)
      answers.set(url, known)
      return known.value as T
    }
    const value = readJson(reply, read)
    await this.#keep(answers, url, reply.headers, value)
    return value
  }

  async #send(url: string, known: Answer | undefined, signal: AbortSignal): Promise<HttpReply> {
    for (let attempt = 1; ; attempt += 1) {
      this.#demandQuota(url)
      try {
        const reply = await this.#request(url, known, signal)
        this.#readQuota(reply)
        if (reply.status === 200 || reply.status === 304) return reply
        const problem = `HTTP ${reply.status}: ${reply.statusText}`
        // Other answers do not change by a repetition, and cost quota.
        if (reply.status < 500 || attempt === ATTEMPTS) throw new ReleaseApiError(problem)
      } catch (error) {
        if (!(error instanceof HttpClientError)) throw error
        if (attempt === ATTEMPTS) throw new ReleaseApiError(connectionProblem(error), { cause: error })
      }
      await sleep(this.#parts.clock, RETRY_SECONDS, signal)
    }
  }

  async #request(url: string, known: Answer | undefined, signal: AbortSignal): Promise<HttpReply> {
    this.#token ??= this.#parts.token()
    const token = await this.#token
    return this.#parts.http.send({
      url,
      headers: {
        Accept: 'application/vnd.github.v3+json',
        'User-Agent': 'Moonraker',
        ...(token !== null && { Authorization: `Bearer ${token}` }),
        ...(known?.etag != null && { 'If-None-Match': known.etag }),
        ...(known?.modified != null && { 'If-Modified-Since': known.modified }),
      },
      keepTls: true,
      timeoutSeconds: TIMEOUT_SECONDS,
      maxBytes: MAX_BYTES,
      signal,
    })
  }

  #demandQuota(url: string): void {
    const now = this.#parts.clock.now()
    const { remaining, reset } = this.#limit
    const until = Math.max(this.#pausedUntil, remaining === 0 ? (reset ?? 0) : 0)
    if (until <= now) return
    throw new RateLimitReached(
      `GitHub Rate Limit Reached\nRequest: ${url}\nLimit Reset Time: ${timeText(until)}`,
    )
  }

  #readQuota({ status, headers }: HttpReply): void {
    const number = (name: string) => (/^\d{1,15}$/.test(String(headers[name])) ? Number(headers[name]) : null)
    const limit = number('x-ratelimit-limit')
    const remaining = number('x-ratelimit-remaining')
    const reset = number('x-ratelimit-reset')
    if (limit !== null && remaining !== null && reset !== null) this.#limit = { limit, remaining, reset }
    if (status !== 429 && !(status === 403 && remaining !== 0)) return
    const seconds = number('retry-after') ?? (status === 429 ? PAUSE_SECONDS : 0)
    this.#pausedUntil = this.#parts.clock.now() + Math.min(seconds, 3600)
  }

  /** Keeps the answer for a conditional request, or forgets it if that is not possible. */
  async #keep(
    answers: Map<string, Answer>,
    url: string,
    { etag, 'last-modified': modified }: HttpReply['headers'],
    value: unknown,
  ): Promise<void> {
    const wasKept = answers.delete(url)
    if (etag !== undefined || modified !== undefined)
      answers.set(url, { etag: etag ?? null, modified: modified ?? null, value })
    else if (!wasKept) return
    for (const [oldest] of answers) {
      if (answers.size <= MAX_ANSWERS) break
      answers.delete(oldest)
    }
    const { namespaces, log } = this.#parts
    try {
      await namespaces.post(NAMESPACE, KEY, Object.fromEntries(answers))
    } catch (error) {
      log.warning(`an answer of the release API cannot be stored: ${messageOf(error)}`)
    }
  }
}

function readAnswers(namespaces: Namespaces): Map<string, Answer> {
  const stored = namespaces.find(NAMESPACE, KEY)
  const answers = new Map<string, Answer>()
  for (const [url, answer] of isPlainObject(stored) ? Object.entries(stored) : []) {
    if (!isPlainObject(answer)) continue
    const text = (header: unknown) => (typeof header === 'string' ? header : null)
    answers.set(url, { etag: text(answer.etag), modified: text(answer.modified), value: answer.value })
  }
  return answers
}

function readJson<T>({ body }: HttpReply, read: (json: unknown) => T): T {
  try {
    return read(JSON.parse(body.toString()))
  } catch (cause) {
    throw new ReleaseApiError(`The release API sends an answer that cannot be read: ${messageOf(cause)}`, {
      cause,
    })
  }
}

/** The reason in Moonraker's words where it has some. */
function connectionProblem(error: HttpClientError): string {
  const { code } = (error.cause ?? {}) as NodeJS.ErrnoException
  if (code === 'ECONNRESET') return 'Stream closed'
  return error.isTimeout ? 'Timeout during request' : error.message
}

/** As C's `ctime`: `Sun Nov 22 12:04:36 2026`. */
function timeText(seconds: number): string {
  const [weekday, month, day = '', year, time] = new Date(seconds * 1000).toString().split(' ')
  return `${weekday} ${month} ${day.replace(/^0/, ' ')} ${time} ${year}`
}
