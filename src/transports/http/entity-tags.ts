// The ETags of replies. Clients poll the same addresses, and mostly get what they got before.
import { hash } from 'node:crypto'

/** Addresses whose last reply is kept, and the longest reply that is. */
const MAX_KEPT = 32
const MAX_LENGTH = 16 * 1024

export class EntityTags {
  readonly #last = new Map<string, { readonly body: string; readonly tag: string }>()

  /** The tag of `body`, the reply to a GET of `url`. */
  of(url: string, body: string): string {
    const last = this.#last.get(url)
    if (last?.body === body) return last.tag
    const tag = `"${hash('sha1', body)}"`
    if (body.length > MAX_LENGTH) return tag
    if (this.#last.size >= MAX_KEPT && last === undefined) this.#last.clear()
    this.#last.set(url, { body, tag })
    return tag
  }
}
