// Markdown as HTML of a page, and as texts to search.
import { Lexer, Parser, Renderer } from 'marked'
import { relative } from './paths.mjs'

/** Parses a document: its tokens, of which headings have an `anchor`, all anchors, and its title. */
export function parseDocument(text) {
  const tokens = Lexer.lex(text.replace(/^<!--.*?-->\s*/s, ''))
  const anchors = new Set()
  for (const token of tokens.filter(({ type }) => type === 'heading')) {
    token.anchor = anchorOf(plainText(token), anchors)
    anchors.add(token.anchor)
  }
  const heading = tokens.find(({ type, depth }) => type === 'heading' && depth === 1)
  return { tokens, anchors, title: heading === undefined ? '' : plainText(heading) }
}

/** The anchor of a heading as GitHub forms it, so that a link leads to the same place there. */
function anchorOf(title, used) {
  const plain = title
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M} _-]/gu, '')
    .replaceAll(' ', '-')
  let anchor = plain
  for (let number = 1; used.has(anchor); number += 1) anchor = `${plain}-${number}`
  return anchor
}

/** The text of a token without its marks. */
export function plainText(token) {
  if (token.type === 'html' || token.type === 'br') return ' '
  if (token.type === 'table') return [token.header, ...token.rows].flat().map(plainText).join(' ')
  if (token.type === 'list') return token.items.map(plainText).join(' ')
  return token.tokens?.map(plainText).join('') ?? token.text ?? ''
}

/** The texts of a document by section, for the search. */
export function textsOf({ page, title, tokens }) {
  const sections = [{ page, title, heading: '', anchor: '', text: '' }]
  for (const token of tokens) {
    if (token.type !== 'heading') sections.at(-1).text += `${plainText(token).replaceAll(/\s+/g, ' ')} `
    else if (token.depth > 1) {
      sections.push({ page, title, heading: plainText(token), anchor: token.anchor, text: '' })
    }
  }
  return sections.map(section => ({ ...section, text: section.text.trim() }))
}

/** Escapes a text for HTML. */
export function escapeHtml(text) {
  return text.replace(/[&<>"]/g, character => `&#${character.charCodeAt(0)};`)
}

/** A document as HTML, with the list of its folder, if it is a README.md. */
export function renderDocument(document, documents) {
  const content = Parser.parse(document.tokens, { renderer: new PageRenderer(document, documents) })
  const folder = documents.folderOf(document).map(({ page, title }) => {
    return `<li><a href="${relative(document.page, page)}">${escapeHtml(title)}</a></li>\n`
  })
  return folder.length === 0 ? content : `${content}<ul>\n${folder.join('')}</ul>\n`
}

class PageRenderer extends Renderer {
  #document
  #documents

  constructor(document, documents) {
    super()
    this.#document = document
    this.#documents = documents
  }

  #resolve(href) {
    return this.#documents.resolve(this.#document, href)
  }

  heading({ tokens, depth, anchor }) {
    return `<h${depth} id="${escapeHtml(anchor)}">${this.parser.parseInline(tokens)}</h${depth}>\n`
  }

  link({ href, text, tokens }) {
    // On the site a document has a title, and no file name.
    const named = /^[\w/-]+\.md$/.test(text) ? this.#documents.at(this.#document, href) : undefined
    const content = named === undefined ? this.parser.parseInline(tokens) : escapeHtml(named.title)
    const target = this.#resolve(href)
    if (target === null) return content
    const rel = target.includes(':') ? ' rel="noreferrer"' : ''
    return `<a href="${escapeHtml(target)}"${rel}>${content}</a>`
  }

  image({ href, text }) {
    return `<img src="${escapeHtml(this.#resolve(href) ?? '')}" alt="${escapeHtml(text)}" loading="lazy">`
  }

  html({ text }) {
    return text.replace(/ src="([^"]+)"/g, (_, href) => ` src="${escapeHtml(this.#resolve(href) ?? '')}"`)
  }

  /** An empty header is no header of its column. */
  tablecell(token) {
    return super.tablecell(token.tokens.length === 0 ? { ...token, header: false } : token)
  }

  /** Wide tables scroll by themselves. */
  table(token) {
    return `<div class="table">${super.table(token)}</div>\n`
  }
}
