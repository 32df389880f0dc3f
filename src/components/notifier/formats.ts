// Converts the body of a message to the format that a service accepts.
import type { BodyFormat, Message } from './message.ts'

const ENTITIES: Readonly<Record<string, string>> = {
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
  '&nbsp;': ' ',
  '&amp;': '&',
}

/** The body in `format`. Text and Markdown pass through to each other: a service shows the marks as they are. */
export function bodyAs({ body, format: from }: Pick<Message, 'body' | 'format'>, format: BodyFormat): string {
  if (from === format) return body
  if (format === 'html') return from === 'markdown' ? markdownToHtml(body) : textToHtml(body)
  return from === 'html' ? htmlToText(body) : body
}

/** Escapes a text for HTML and XML. */
export function escapeMarkup(text: string): string {
  return text.replace(
    /[&<>"']/g,
    character => Object.keys(ENTITIES).find(entity => ENTITIES[entity] === character) ?? '',
  )
}

function textToHtml(text: string): string {
  return escapeMarkup(text).replaceAll('\n', '<br>\n')
}

/** The marks that messages use: bold, italic, code, links and line ends. */
function markdownToHtml(text: string): string {
  return textToHtml(text)
    .replace(/\*\*([^*\n]+)\*\*/g, '<b>$1</b>')
    .replace(/\*([^*\n]+)\*/g, '<i>$1</i>')
    .replace(/`([^`\n]+)`/g, '<code>$1</code>')
    .replace(/\[([^[\]\n]{1,500})\]\((https?:[^)\s]{1,2000})\)/g, '<a href="$2">$1</a>')
}

function htmlToText(html: string): string {
  return html
    .replace(/<(?:br|\/p|\/div|\/li)\b[^<>]*>/gi, '\n')
    .replace(/<[^<>]*>/g, '')
    .replace(/&(?:lt|gt|quot|#39|nbsp|amp);/g, entity => ENTITIES[entity] ?? entity)
    .trim()
}
