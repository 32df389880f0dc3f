// The HTML around a document: the head with the search, the menu of all documents, and the sections of the page.
import { relative } from './paths.mjs'
import { escapeHtml, plainText } from './render.mjs'

/** Sections from which on a page lists them. */
const MANY = 3

/** A page. `menu` has the groups of all documents; with `served` it links to the pages of the server. */
export function pageOf({ document, content, menu, served }) {
  const { page, title } = document
  const to = path => escapeHtml(relative(page, path))
  // The site is at docs/guide/ of the server.
  const links = served
    ? `<nav class="others" aria-label="This server"><a href="${to('../../')}/">Printer</a> <a href="${to('..')}/">API</a></nav>\n`
    : ''
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)} – moonraker-ts</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${to('guide.css')}">
<script defer src="${to('guide.js')}"></script>
</head>
<body>
<a class="skip" href="#text">Skip to the text</a>
<header class="top">
<a class="site" href="${to('index.html')}">moonraker-ts</a>
<button type="button" class="small" id="open-menu" popovertarget="menu">Documents</button>
<search id="search" hidden><input type="search" id="words" aria-label="Search the documents" aria-controls="found" \
aria-keyshortcuts="/" placeholder="Search" autocomplete="off" spellcheck="false"></search>
${links}<section class="found" id="found" aria-label="Results of the search" hidden>
<p class="faint" id="count" role="status"></p>
<ol id="results"></ol>
</section>
</header>
<div class="columns">
<nav class="menu" id="menu" popover aria-label="Documents">
${menu.map(group => groupOf(group, page)).join('')}</nav>
<main id="text" tabindex="-1">
${contentsOf(document)}<article>
${content}</article>
</main>
</div>
</body>
</html>
`
}

function groupOf({ title, entries }, page) {
  const items = entries.map(entry => {
    const current = entry.page === page ? ' aria-current="page"' : ''
    return `<li><a href="${escapeHtml(relative(page, entry.page))}"${current}>${escapeHtml(entry.title)}</a></li>\n`
  })
  return `<h2 class="group">${escapeHtml(title)}</h2>\n<ul>\n${items.join('')}</ul>\n`
}

/** The sections of a page with many; '' for others, and for the list of all documents, which is the menu too. */
function contentsOf({ page, tokens }) {
  const sections = tokens.filter(({ type, depth }) => type === 'heading' && depth === 2)
  if (sections.length < MANY || page === 'index.html') return ''
  const items = sections.map(token => {
    return `<li><a href="#${escapeHtml(token.anchor)}">${escapeHtml(plainText(token))}</a></li>\n`
  })
  return `<nav class="sections" aria-label="On this page"><details id="sections"><summary>On this page</summary>
<ul>
${items.join('')}</ul></details></nav>
`
}
