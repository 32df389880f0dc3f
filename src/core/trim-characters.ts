// Trims characters off a text. A regular expression such as /\/+$/ takes quadratic time for a text full of them.

/** `text` without any of `characters` at its end. */
export function trimEndOf(text: string, characters: string): string {
  let end = text.length
  while (end > 0 && characters.includes(text.charAt(end - 1))) end -= 1
  return text.slice(0, end)
}

/** `text` without any of `characters` at its start and its end. */
export function trimBothOf(text: string, characters: string): string {
  let start = 0
  while (start < text.length && characters.includes(text.charAt(start))) start += 1
  return trimEndOf(text.slice(start), characters)
}
