// Every template source results in a text or a TemplateError.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileTemplate, TemplateError } from '../../src/template/index.ts'
import { jinjaContext, readAnswers } from './jinja-context.ts'

/** Pseudo-random whole numbers below `limit`, the same in every run. */
function randomNumbers(seed: number): (limit: number) => number {
  let state = seed
  return limit => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }
}

const ODD_PIECES = [
  '__proto__',
  'constructor',
  '|join(lst)',
  '**99999',
  'range(99999)',
  '|batch(9999, 1)|list',
  '%99999d',
]

const statements = Object.keys(readAnswers('statements'))
const expressions = ['texts', 'formats', 'collections', 'errors'].flatMap(name =>
  Object.keys(readAnswers(name)),
)
const sources = [...statements, ...expressions.map(expression => `{ ${expression} }`)]
const words = sources.flatMap(source => source.match(/\w+|\s+|[^\w\s]/g) ?? []).concat(ODD_PIECES)

test('damaged templates end with a text or a TemplateError', async () => {
  const random = randomNumbers(20)
  const pick = (list: readonly string[]) => list[random(list.length)] ?? ''
  const outcomes = { text: 0, error: 0 }
  for (let count = 0; count < 4000; count += 1) {
    let source = pick(sources) + (random(3) === 0 ? pick(sources) : '')
    for (let edits = random(4) + 1; edits > 0; edits -= 1) {
      const at = random(source.length + 1)
      source = source.slice(0, at) + pick(words) + source.slice(at + random(3))
    }
    try {
      await compileTemplate(source).render(jinjaContext())
      outcomes.text += 1
    } catch (thrown) {
      if (!(thrown instanceof TemplateError) || thrown.line < 1 || thrown.kind === 'HostError') {
        assert.fail(`${JSON.stringify(source)}: ${String(thrown)}`)
      }
      outcomes.error += 1
    }
  }
  assert.ok(outcomes.text > 400 && outcomes.error > 400, JSON.stringify(outcomes))
})

test('words in any order end with a text or a TemplateError', async () => {
  const random = randomNumbers(21)
  for (let count = 0; count < 4000; count += 1) {
    const inside = Array.from({ length: random(10) + 1 }, () => words[random(words.length)]).join('')
    const source = random(2) === 0 ? `{ ${inside} }` : `{% ${inside} %}`
    await compileAndRender(source)
  }
})

async function compileAndRender(source: string): Promise<void> {
  try {
    await compileTemplate(source, { undefined: 'strict' }).render(jinjaContext())
  } catch (thrown) {
    assert.ok(thrown instanceof TemplateError && thrown.kind !== 'HostError', `${source}: ${String(thrown)}`)
  }
}
