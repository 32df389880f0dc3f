// Makes texts harmless: no client shows them as HTML, or as a link to anything but the web.

/**
 * Front-ends put descriptions into their pages as HTML, and some clients read them as Markdown. Replaces the brackets
 * of possible tags by similar characters, and disables links to anything but the web. Keeps lines and tabs, removes other
 * control characters.
 */
export function plainText(text: string): string {
  return text
    .replace(/(?![\n\t])\p{Cc}/gu, '')
    .replace(/<([a-z/!?][^<>]*)>/gi, '‹$1›')
    .replace(/<(?=[a-z/!?])/gi, '‹')
    .replace(/\](?=\((?!https?:\/\/)|:(?!\s*https?:\/\/))/gi, '] ')
}
