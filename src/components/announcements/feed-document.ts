// Reads a feed from untrusted bytes: RSS with the elements that Moonraker's feeds use.
import type { SaxesParser } from 'saxes'
import { messageOf } from '../../core/errors.ts'
import { nextIteration } from '../../core/work-budget.ts'
import { plainText } from './plain-text.ts'

/** One announcement of a feed. */
export interface FeedItem {
  readonly entry_id: string
  /** An http or https URL; '' without one. */
  readonly url: string
  readonly title: string
  readonly description: string
  readonly priority: 'normal' | 'high'
  /** Seconds since the epoch; null for an invalid date. */
  readonly date: number | null
}

/** The text is not a feed; the message is the reason. */
export class FeedError extends Error {
  override readonly name: string = 'FeedError'
}

/** The longest feed in bytes: ten times the size of a common one. */
export const MAX_FEED_BYTES = 256 * 1024
/** Feeds have four levels, and HTML inside a text a few more. */
const MAX_DEPTH = 16
/** The most announcements of a feed; moonlight writes 20. */
const MAX_ITEMS = 100
const MAX_ID = 256
const MAX_URL = 2048
const MAX_TITLE = 256
/** Longer texts are truncated, as in Moonraker. */
const MAX_DESCRIPTION = 512
/** Characters to parse before the event loop runs other tasks: a fraction of a millisecond. */
const CHUNK = 16 * 1024

/**
 * The announcements of a feed, in its order. Rejects with FeedError for a text that is not well-formed or not a feed,
 * and for a DTD: without one, only the entities of XML itself exist.
 */
export async function readFeed(bytes: Uint8Array): Promise<FeedItem[]> {
  if (bytes.length > MAX_FEED_BYTES) throw new FeedError(`it is longer than ${MAX_FEED_BYTES} bytes`)
  const text = new TextDecoder().decode(bytes)
  const { SaxesParser } = await import('saxes')
  const parser = new SaxesParser()
  const reader = new FeedReader()
  reader.listen(parser)
  try {
    for (let at = 0; at < text.length; at += CHUNK) {
      parser.write(text.slice(at, at + CHUNK))
      await nextIteration()
    }
    parser.close()
  } catch (error) {
    throw new FeedError(messageOf(error), { cause: error })
  }
  return reader.finish()
}

/** The texts of an item by element; of repeated elements the first counts. */
type ElementTexts = Map<string, string>

/** Follows the parser through `rss/channel/item/FIELD`. */
class FeedReader {
  readonly #path: string[] = []
  readonly #items = new Map<string, FeedItem>()
  #sawChannel = false
  #fields: ElementTexts = new Map()
  #text = ''

  listen(parser: SaxesParser): void {
    const text = (part: string) => {
      if (this.#isInField()) this.#text += part
    }
    parser.on('text', text)
    parser.on('cdata', text)
    parser.on('opentag', ({ name }) => this.#open(name))
    parser.on('closetag', () => this.#close())
    parser.on('doctype', () => {
      throw new FeedError('it has a document type declaration, which feeds must not have')
    })
    parser.on('error', error => {
      throw error
    })
  }

  /** The items of the feed. Throws FeedError if there was no channel. */
  finish(): FeedItem[] {
    if (!this.#sawChannel) throw new FeedError('there is no <rss> with a <channel> in it')
    return [...this.#items.values()]
  }

  #isInField(): boolean {
    const [root, channel, item, field] = this.#path
    return root === 'rss' && channel === 'channel' && item === 'item' && field !== undefined
  }

  #open(name: string): void {
    const depth = this.#path.push(name)
    if (depth > MAX_DEPTH) throw new FeedError(`its elements are nested deeper than ${MAX_DEPTH} levels`)
    const [root, channel] = this.#path
    if (root === 'rss' && channel === 'channel') this.#sawChannel = true
    if (depth === 3) this.#fields = new Map()
    if (depth === 4) this.#text = ''
  }

  #close(): void {
    const depth = this.#path.length
    const [, , , field = ''] = this.#path
    if (depth === 4 && !this.#fields.has(field)) this.#fields.set(field, this.#text.trim())
    if (depth === 3) this.#take(itemOf(this.#fields))
    this.#path.pop()
  }

  #take(item: FeedItem | null): void {
    if (item === null || this.#items.has(item.entry_id) || this.#items.size >= MAX_ITEMS) return
    this.#items.set(item.entry_id, item)
  }
}

/** Null for an item without a usable id. */
function itemOf(fields: ElementTexts): FeedItem | null {
  const text = (field: string) => fields.get(field) ?? ''
  const id = text('guid')
  if (id === '' || id.length > MAX_ID || /\p{Cc}/u.test(id)) return null
  const seconds = Date.parse(text('pubDate')) / 1000
  return {
    entry_id: plainText(id),
    url: webAddress(text('link')),
    title: cut(plainText(text('title')).replace(/\s+/g, ' '), MAX_TITLE),
    description: cut(plainText(text('description')), MAX_DESCRIPTION),
    priority: text('category').toLowerCase() === 'high' ? 'high' : 'normal',
    date: Number.isFinite(seconds) ? seconds : null,
  }
}

/** People click on the link: only URLs of the web are allowed. */
function webAddress(text: string): string {
  const url = URL.parse(text)
  const isWeb = url !== null && (url.protocol === 'https:' || url.protocol === 'http:')
  return isWeb && url.href.length <= MAX_URL ? url.href : ''
}

/** At most `length` UTF-16 units, without half a character at the end. */
function cut(text: string, length: number): string {
  if (text.length <= length) return text
  return `${text.slice(0, length - 1).replace(/[\uD800-\uDBFF]$/, '')}…`
}
