// The part of an address behind `#`, which names a method.

/** The name in it; '' if it has none. People type it, too. */
export function nameIn(hash: string): string {
  try {
    return decodeURIComponent(hash.slice(1))
  } catch {
    return ''
  }
}
