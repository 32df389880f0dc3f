// Finds sections of the documents by the words that they contain.

/** A section of a document, as scripts/docs-site.mjs writes it. */
export interface Section {
  /** The path of its page. */
  readonly page: string
  /** The title of its document. */
  readonly title: string
  /** '' for what comes before the first heading. */
  readonly heading: string
  readonly anchor: string
  readonly text: string
}

/** A part of an excerpt. */
export interface Part {
  readonly text: string
  /** Whether it is one of the searched words. */
  readonly isMatch: boolean
}

/** Characters of an excerpt, and of them those before the first match. */
const EXCERPT = 160
const BEFORE = 50

/** How much a word counts, by where it is found. */
const WEIGHTS = { title: 12, heading: 8, text: 1 } as const

/** The words of a search. */
export function wordsOf(search: string): string[] {
  return [...new Set(search.toLowerCase().split(/\s+/).filter(Boolean))]
}

/** The sections that contain all words, the best first. */
export function findSections(sections: readonly Section[], words: readonly string[]): Section[] {
  if (words.length === 0) return []
  return sections
    .map(section => ({ section, score: scoreOf(section, words) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .map(({ section }) => section)
}

/** 0 if a word is missing. */
function scoreOf(section: Section, words: readonly string[]): number {
  const scores = words.map(word =>
    (['title', 'heading', 'text'] as const).reduce(
      (sum, part) => sum + WEIGHTS[part] * qualityOf(section[part].toLowerCase(), word),
      0,
    ),
  )
  return scores.includes(0) ? 0 : scores.reduce((sum, score) => sum + score, 0)
}

/** Whether a text contains a word: 0 if not, 1 inside of another word, 2 at the start of one, 3 as a whole one. */
function qualityOf(text: string, word: string): number {
  let best = 0
  for (let at = text.indexOf(word); at !== -1 && best < 3; at = text.indexOf(word, at + word.length)) {
    const startsWord = !isLetter(text[at - 1])
    const endsWord = !isLetter(text[at + word.length])
    best = Math.max(best, startsWord ? (endsWord ? 3 : 2) : 1)
  }
  return best
}

function isLetter(character: string | undefined): boolean {
  return character !== undefined && /[\p{L}\p{N}]/u.test(character)
}

/** The part of a text around the first of the words, in parts. */
export function excerptOf(text: string, words: readonly string[]): Part[] {
  const lower = text.toLowerCase()
  const places = words.map(word => lower.indexOf(word)).filter(place => place !== -1)
  const start = places.length === 0 ? 0 : Math.max(0, Math.min(...places) - BEFORE)
  const end = Math.min(text.length, start + EXCERPT)
  const parts: Part[] = start > 0 ? [{ text: '…', isMatch: false }] : []
  for (let at = start; at < end; ) {
    const next = nextMatch(lower, words, at)
    const until = Math.min(end, next?.place ?? end)
    if (until > at) parts.push({ text: text.slice(at, until), isMatch: false })
    if (next === undefined || next.place >= end) break
    parts.push({ text: text.slice(next.place, next.place + next.length), isMatch: true })
    at = next.place + next.length
  }
  return end < text.length ? [...parts, { text: '…', isMatch: false }] : parts
}

function nextMatch(
  lower: string,
  words: readonly string[],
  from: number,
): { place: number; length: number } | undefined {
  return words
    .map(word => ({ place: lower.indexOf(word, from), length: word.length }))
    .filter(({ place }) => place !== -1)
    .sort((a, b) => a.place - b.place || b.length - a.length)[0]
}
