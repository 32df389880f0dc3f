// Text that stays text wherever a client shows it.

/**
 * Front-ends put descriptions into their pages as HTML, and some clients read them as Markdown: what could be a tag gets
 * brackets that look alike, and what could be a link to something else than the web is none any more. Lines and tabs
 * are kept, other control characters are not.
 */
export function plainText(text: string): string {
  return text
    .replace(/(?![\n\t])\p{Cc}/gu, '')
    .replace(/<([a-z/!?][^<>]*)>/gi, '‹$1›')
    .replace(/<(?=[a-z/!?])/gi, '‹')
    .replace(/\](?=\((?!https?:\/\/)|:(?!\s*https?:\/\/))/gi, '] ')
}
