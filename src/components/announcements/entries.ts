// The announcements as the database stores them, in the original's form: which are dismissed, and until when.
import type { Announcement } from '../../api/announcements.ts'
import type { Clock, Timer } from '../../core/clock.ts'
import { ApiError } from '../../core/errors.ts'
import { SerialQueue } from '../../core/serial-queue.ts'
import { bool, float, type Infer, Invalid, object, string } from '../../schema/index.ts'
import type { Namespaces } from '../../storage/index.ts'
import type { FeedItem } from './feed-document.ts'
import { plainText } from './plain-text.ts'
import type { RaisedAnnouncement } from './service.ts'

/** An announcement, as clients receive it and the database stores it. */
export type Entry = Readonly<Infer<typeof Announcement>>

/** The original's namespace. Its keys are numbers of six hexadecimal digits. */
const NAMESPACE = 'announcements'
/** The source of an entry: a feed, or a component. */
const FROM_FEED = 'moonlight'
const FROM_COMPONENT = 'internal'
/** The longest timer in seconds. Then the due times are checked again: the clock of the machine may have been set. */
const LONGEST_WAIT = 600
/** Seconds until a failed write is retried. */
const RETRY = 60

/** Records of other servers may lack fields that this server always writes. */
const optionalText = string().nullable().default('')
const optionalTime = float().nullable().default(null)
const StoredEntry = object({
  entry_id: string(),
  url: optionalText,
  title: optionalText,
  description: optionalText,
  priority: optionalText,
  date: float().default(0),
  dismissed: bool().default(false),
  date_dismissed: optionalTime,
  dismiss_wake: optionalTime,
  source: string().default(FROM_FEED),
  feed: string(),
})

interface Kept {
  readonly key: string
  readonly entry: Entry
}

/** Entries to write, and the ids of entries to remove. */
interface Change {
  readonly put?: readonly Entry[]
  readonly remove?: readonly string[]
}

/** The dependencies of the entries. */
export interface EntriesNeeds {
  readonly namespaces: Namespaces
  readonly clock: Clock
  /** Receives the announcements that have become visible again. */
  readonly onWake: (ids: readonly string[]) => void
}

export class Entries {
  readonly #needs: EntriesNeeds
  #kept: Map<string, Kept> | null = null
  #nextKey = 0
  /** Changes run one after the other: each starts from the result of the one before. */
  readonly #queue = new SerialQueue()
  #timer: Timer | null = null
  #isStopped = false

  constructor(needs: EntriesNeeds) {
    this.#needs = needs
  }

  /** All announcements, newest first. */
  list(includeDismissed = true): Entry[] {
    return [...this.#all().values()]
      .map(({ entry }) => entry)
      .filter(({ dismissed }) => includeDismissed || !dismissed)
      .sort((a, b) => b.date - a.date)
  }

  /** Shows entries that became due while the server was down, and sets the timer for the others. */
  start(): Promise<void> {
    return this.#wake()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.stop()
    await this.#queue.idle()
  }

  /** Marks an announcement as read, for ever or for `wakeTime` seconds. Rejects with ApiError 400 for an unknown id. */
  async dismiss(id: string, wakeTime: number | null): Promise<void> {
    await this.#change(all => {
      const entry = all.get(id)?.entry
      if (entry === undefined) throw new ApiError(400, `No key matching entry id: ${id.slice(0, 256)}`)
      const now = this.#needs.clock.now()
      const dismiss_wake = wakeTime === null ? null : now + wakeTime
      return { put: [{ ...entry, dismissed: true, date_dismissed: now, dismiss_wake }] }
    })
    this.#schedule()
  }

  /**
   * Replaces a feed's announcements: removes those that the feed no longer contains, and updates changed texts. A
   * dismissed announcement stays dismissed. Resolves with whether anything changed.
   */
  takeFeed(feed: string, items: readonly FeedItem[]): Promise<boolean> {
    return this.#change(all => {
      const isOwn = ({ entry }: Kept) => isFrom(entry, feed)
      const named = new Set(items.map(({ entry_id }) => entry_id))
      const gone = [...all.values()].filter(kept => isOwn(kept) && !named.has(kept.entry.entry_id))
      const put = items.flatMap(item => {
        const known = all.get(item.entry_id)
        // A feed cannot replace the announcement of another feed.
        if (known !== undefined && !isOwn(known)) return []
        const entry = this.#fromFeed(feed, item, known?.entry)
        return known !== undefined && isSame(known.entry, entry) ? [] : [entry]
      })
      return { put, remove: gone.map(({ entry }) => entry.entry_id) }
    })
  }

  /** The feeds with stored announcements. */
  feeds(): string[] {
    const all = this.list().filter(({ source }) => source === FROM_FEED)
    return [...new Set(all.map(({ feed }) => feed.toLowerCase()))]
  }

  /** Adds an announcement of a component. With an unchanged text it stays as it is, dismissed or not. */
  raise({ entry_id, url, title, description, priority, feed }: RaisedAnnouncement): Promise<boolean> {
    return this.#change(all => {
      const text = { entry_id, url, title: plainText(title), description: plainText(description), priority }
      const known = all.get(entry_id)?.entry
      if (known !== undefined && isSame(known, { ...known, ...text, feed })) return {}
      const date = this.#needs.clock.now()
      return { put: [{ ...text, date, ...UNREAD, source: FROM_COMPONENT, feed }] }
    })
  }

  /** Removes an announcement of a component. Resolves with whether it existed. */
  settle(id: string): Promise<boolean> {
    return this.#change(all => ({
      remove: all.get(id)?.entry.source === FROM_COMPONENT ? [id] : [],
    }))
  }

  #fromFeed(feed: string, item: FeedItem, known: Entry | undefined): Entry {
    const { entry_id, url, title, description, priority } = item
    const date = item.date ?? known?.date ?? this.#needs.clock.now()
    const { dismissed, date_dismissed, dismiss_wake } = known ?? UNREAD
    const state = { dismissed, date_dismissed, dismiss_wake }
    const origin = { source: FROM_FEED, feed: known?.feed ?? feed }
    return { entry_id, url, title, description, priority, date, ...state, ...origin }
  }

  /** Reads the entries on first use: another component may use them before this one starts. */
  #all(): ReadonlyMap<string, Kept> {
    if (this.#kept !== null) return this.#kept
    this.#kept = new Map()
    this.#needs.namespaces.keep(NAMESPACE)
    for (const [key, value] of this.#needs.namespaces.entries(NAMESPACE)) {
      if (/^[0-9A-F]{1,12}$/i.test(key)) this.#nextKey = Math.max(this.#nextKey, Number.parseInt(key, 16) + 1)
      const entry = storedEntry(value)
      if (entry !== null) this.#kept.set(entry.entry_id, { key, entry })
    }
    return this.#kept
  }

  /** Resolves, once the change is on the disk, with whether there was one. */
  #change(plan: (all: ReadonlyMap<string, Kept>) => Change): Promise<boolean> {
    return this.#queue.run(async () => {
      const { put = [], remove = [] } = plan(this.#all())
      if (put.length + remove.length === 0) return false
      await this.#write(put, remove)
      return true
    })
  }

  async #write(put: readonly Entry[], remove: readonly string[]): Promise<void> {
    const all = this.#all() as Map<string, Kept>
    const changed = put.map(entry => ({ key: all.get(entry.entry_id)?.key ?? this.#newKey(), entry }))
    const keysGone = remove.flatMap(id => all.get(id)?.key ?? [])
    const { namespaces } = this.#needs
    await Promise.all([
      namespaces.postAll(NAMESPACE, new Map(changed.map(({ key, entry }) => [key, entry]))),
      namespaces.deleteAll(NAMESPACE, keysGone),
    ])
    for (const kept of changed) all.set(kept.entry.entry_id, kept)
    for (const id of remove) all.delete(id)
  }

  #newKey(): string {
    return (this.#nextKey++).toString(16).toUpperCase().padStart(6, '0')
  }

  #due(): Entry[] {
    const now = this.#needs.clock.now()
    return this.list().filter(({ dismissed, dismiss_wake }) => dismissed && (dismiss_wake ?? now + 1) <= now)
  }

  /** Sets the timer for the next entry to show again. */
  #schedule(atLeast = 0): void {
    this.#timer?.stop()
    const times = this.list().flatMap(({ dismissed, dismiss_wake }) => (dismissed && dismiss_wake) || [])
    if (times.length === 0 || this.#isStopped) return
    const { clock } = this.#needs
    const wait = Math.min(...times) - clock.now()
    this.#timer = clock.after(Math.min(Math.max(wait, atLeast), LONGEST_WAIT), () => void this.#wake())
  }

  async #wake(): Promise<void> {
    let woken: Entry[] = []
    try {
      await this.#change(() => {
        woken = this.#due()
        return { put: woken.map(awake) }
      })
      this.#schedule()
    } catch {
      return this.#schedule(RETRY)
    }
    if (woken.length > 0) this.#needs.onWake(woken.map(({ entry_id }) => entry_id))
  }
}

const UNREAD = { dismissed: false, date_dismissed: null, dismiss_wake: null }

function awake(entry: Entry): Entry {
  return { ...entry, ...UNREAD }
}

function isFrom({ source, feed }: Entry, name: string): boolean {
  return source === FROM_FEED && feed.toLowerCase() === name
}

function isSame(a: Entry, b: Entry): boolean {
  return (Object.keys(a) as (keyof Entry)[]).every(key => a[key] === b[key])
}

/** Null for a record that is not an announcement; it stays in the database. */
function storedEntry(value: unknown): Entry | null {
  try {
    const stored = StoredEntry.read(value, 'entry')
    const { url, title, description, priority } = stored
    return {
      ...stored,
      url: url ?? '',
      title: title ?? '',
      description: description ?? '',
      priority: priority || 'normal',
    }
  } catch (error) {
    if (error instanceof Invalid) return null
    throw error
  }
}
