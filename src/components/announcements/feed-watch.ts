// Fetches the feeds every half hour, with jitter; a printer without the internet is a normal case and logs one line.
import type { Clock, Timer } from '../../core/clock.ts'
import { forEachConcurrently } from '../../core/concurrency-limit.ts'
import { messageOf } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { Entries } from './entries.ts'
import { readFeed } from './feed-document.ts'
import { type FeedSource, FeedUnreachable, type Fetched } from './feed-source.ts'
import { type Feeds, isFeedName } from './feeds.ts'

/** Seconds between updates, as in Moonraker. */
const PERIOD = 1800
/** Seconds until the first update, plus up to as many at random: the start has more urgent work. */
const FIRST = 10
/** Seconds until the next try if no feed replied; it doubles up to the period. */
const RETRY = 60
/** Jitter: the part by which times vary at random, so that servers do not fetch at the same moment. */
const JITTER = 0.1
/** Feeds that are fetched at the same time. */
const MAX_RUNNING = 4

interface Fetching {
  /** Whether anything has changed. */
  readonly done: Promise<boolean>
  readonly abort: () => void
}

interface Problem {
  /** The line that was logged. */
  readonly line: string
  readonly isUnreachable: boolean
}

/** The dependencies of the watch. */
export interface FeedWatchNeeds {
  readonly source: FeedSource
  readonly feeds: Feeds
  readonly entries: Entries
  readonly clock: Clock
  readonly log: Log
  /** Called when the announcements have changed. */
  readonly onChange: () => void
}

export class FeedWatch {
  readonly #needs: FeedWatchNeeds
  readonly #stop = new AbortController()
  readonly #underWay = new Map<string, Fetching>()
  /** Why the last fetch of a feed failed, by the feed's name. */
  readonly #problems = new Map<string, Problem>()
  #timer: Timer | null = null
  #failures = 0
  #hasLooked = false

  constructor(needs: FeedWatchNeeds) {
    this.#needs = needs
  }

  /** Starts to fetch: at once, or after a delay. */
  async start(when: 'now' | 'soon'): Promise<void> {
    if (when === 'now') await this.#look()
    else this.#lookIn(FIRST * (1 + Math.random()))
  }

  async stop(): Promise<void> {
    this.#timer?.stop()
    this.#stop.abort()
    await Promise.all(this.#underWay.values().map(({ done }) => done))
  }

  /** Fetches a feed that was added after the first update; that update fetches all earlier ones. */
  async follow(name: string): Promise<void> {
    if (this.#hasLooked) await this.update([name])
  }

  /** Removes a feed that is no longer followed, with its announcements. Resolves with whether there were any. */
  async drop(name: string): Promise<boolean> {
    const { source, feeds, entries } = this.#needs
    const fetching = this.#underWay.get(name)
    fetching?.abort()
    await fetching?.done
    this.#problems.delete(name)
    // Before the announcements: after a crash in between, a stored tag would prevent a new download. Other servers may
    // have stored invalid names.
    if (isFeedName(name)) await source.forget(name)
    // Another request may have added the feed again meanwhile.
    return feeds.has(name) ? false : entries.takeFeed(name, [])
  }

  /** Fetches feeds now. Resolves with whether anything has changed; logs failures. */
  async update(names: readonly string[]): Promise<boolean> {
    let changed = false
    await forEachConcurrently(names, MAX_RUNNING, async name => {
      if (await this.#shared(name)) changed = true
    })
    if (changed) this.#needs.onChange()
    return changed
  }

  #lookIn(seconds: number): void {
    if (!this.#stop.signal.aborted) this.#timer = this.#needs.clock.after(seconds, () => void this.#look())
  }

  async #look(): Promise<void> {
    const { feeds, log, onChange } = this.#needs
    const names = feeds.names()
    try {
      // Not earlier: components name the feeds that they use while they start.
      if (!this.#hasLooked && (await this.#dropUnfollowed())) onChange()
      this.#hasLooked = true
      await this.update(names)
    } catch (error) {
      log.info(messageOf(error))
    }
    const allUnreachable = names.every(name => this.#problems.get(name)?.isUnreachable)
    this.#failures = allUnreachable ? this.#failures + 1 : 0
    const wait = this.#failures === 0 ? PERIOD : Math.min(PERIOD, RETRY * 2 ** (this.#failures - 1))
    this.#lookIn(wait * (1 + JITTER * (2 * Math.random() - 1)))
  }

  async #dropUnfollowed(): Promise<boolean> {
    const { feeds, entries } = this.#needs
    let changed = false
    for (const name of entries.feeds()) if (!feeds.has(name) && (await this.drop(name))) changed = true
    return changed
  }

  /** Concurrent callers share one fetch. */
  #shared(name: string): Promise<boolean> {
    const underWay = this.#underWay.get(name)
    if (underWay !== undefined) return underWay.done
    const given = new AbortController()
    const done = this.#fetch(name, AbortSignal.any([this.#stop.signal, given.signal]))
    this.#underWay.set(name, { done, abort: () => given.abort() })
    return done.finally(() => this.#underWay.delete(name))
  }

  async #fetch(name: string, signal: AbortSignal): Promise<boolean> {
    try {
      const fetched = await this.#needs.source.fetch(name, signal)
      const changed = fetched !== null && (await this.#take(name, fetched))
      this.#problems.delete(name)
      return changed
    } catch (error) {
      if (!signal.aborted) this.#report(name, error)
      return false
    }
  }

  async #take(name: string, fetched: Fetched): Promise<boolean> {
    const { feeds, entries } = this.#needs
    const items = await readFeed(fetched.body)
    // The feed may have been removed meanwhile.
    if (!feeds.has(name)) return false
    const changed = await entries.takeFeed(name, items)
    await fetched.taken()
    return changed
  }

  /** Logs a problem once: not again while it stays the same, and not for each feed. */
  #report(feed: string, error: unknown): void {
    const { log } = this.#needs
    const isUnreachable = error instanceof FeedUnreachable
    const line = `${isUnreachable ? '' : `feed ${feed}: `}${messageOf(error)}`
    const isKnown = this.#problems.values().some(problem => problem.line === line)
    if (isKnown) log.debug(line)
    else log.info(line)
    this.#problems.set(feed, { line, isUnreachable })
  }
}
