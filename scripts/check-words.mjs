// Checks the words of comments, texts, names and documents against docs/glossary.md: one plain term per concept.
// `node scripts/check-words.mjs [FOLDER …]` prints each finding with the term to use, and exits with 1 if there is one.
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const { words, allowed } = JSON.parse(readFileSync(join(root, 'scripts', 'plain-words.json'), 'utf8'))
const rules = words.map(({ pattern, use }) => ({ expression: new RegExp(`\\b(?:${pattern})\\b`, 'i'), use }))

const PATTERNS = [
  '{src,test,bench,scripts,docs/examples}/**/*.{ts,mjs}',
  'src/**/*.{html,css,js}',
  'docs/**/*.md',
  'packaging/**/*',
  '*.md',
]
/** Data that only looks like source, what is generated, and the list itself. */
const SKIPPED = /^(test\/fixtures|docs\/generated|docs\/glossary\.md|scripts\/(check-words|plain-words))/

const folders = process.argv.slice(2).map(folder => folder.replace(/\/$/, ''))
const isSelected = file =>
  folders.length === 0 || folders.some(folder => file === folder || file.startsWith(`${folder}/`))
const files = PATTERNS.flatMap(pattern => globSync(pattern, { cwd: root, withFileTypes: false }))
  .filter(file => isSelected(file) && !SKIPPED.test(file))
  .sort((a, b) => a.localeCompare(b))

/** Names as words: `tellListeners` is `tell Listeners`, `told_of` is `told of`. */
const asWords = line => line.replace(/([a-z0-9])([A-Z])/g, '$1 $2').replace(/_/g, ' ')

let findings = 0
for (const file of new Set(files)) {
  let text
  try {
    text = readFileSync(join(root, file), 'utf8')
  } catch (error) {
    if (error.code === 'EISDIR') continue
    throw error
  }
  text.split('\n').forEach((line, index) => {
    const readable = asWords(allowed.reduce((rest, phrase) => rest.replaceAll(phrase, ''), line))
    for (const { expression, use } of rules) {
      const found = expression.exec(readable)
      if (found === null) continue
      findings += 1
      console.log(`${file}:${index + 1}: "${found[0]}": ${use}`)
    }
  })
}
if (findings > 0) {
  console.log(`${findings} words to replace; docs/glossary.md explains the terms`)
  process.exit(1)
}
