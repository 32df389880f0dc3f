// The start of texts that may be long, for stores and queues that keep many.

/** `text`, at most `length` characters of it: then as a copy, a slice would keep the whole text in memory. */
export function cutText(text: string, length: number): string {
  if (text.length <= length) return text
  return Buffer.from(`${text.slice(0, length - 1)}…`).toString()
}
