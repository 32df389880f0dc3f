// Lists in the settings of slicers, and the texts that take the place of a placeholder in a command of Klipper.

/** The text for a placeholder, as latin1: a character is a byte. */
export interface PlaceholderValue {
  /** For a place in quotes. */
  readonly bare: string
  /** For any other place: Klipper would divide or end some items without quotes. */
  readonly quoted: string
}

const TOKEN = /\\.|["\\;,]|[^"\\;,]+/g
/** An item that Klipper takes as it is. */
const PLAIN = /^[\w.+-]*$/

/** The items of a list as slicers write it: `;` or `,` between them, quotes around an item that contains blanks. */
export function listOf(text: string): string[] {
  const items: string[] = []
  let item = ''
  let isQuoted = false
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '"') isQuoted = !isQuoted
    else if (!isQuoted && (token === ';' || token === ',')) {
      items.push(item.trim())
      item = ''
    } else item += isQuoted && token.startsWith('\\') ? token.slice(1) : token
  }
  items.push(item.trim())
  return items
}

/**
 * The items with commas between them. Happy Hare's macros divide the text at the commas and put each item into quotes,
 * so other characters replace the commas and quotes of an item.
 */
export function placeholderValue(items: readonly string[]): PlaceholderValue {
  const safe = items.map(item =>
    item
      .replace(/['"]/g, '`')
      .replaceAll('\\', '/')
      .replace(/,\s*|\p{Cc}/gu, ' '),
  )
  return {
    bare: asLatin1(safe.join(',')),
    quoted: asLatin1(safe.map(item => (PLAIN.test(item) ? item : `"${item}"`)).join(',')),
  }
}

function asLatin1(text: string): string {
  return Buffer.from(text).toString('latin1')
}
