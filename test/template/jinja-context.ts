// The variables of the fixtures, and helpers that render a template.

import { readFileSync } from 'node:fs'
import { compileTemplate, TemplateError, type TemplateOptions } from '../../src/template/index.ts'

/** Reads a fixture: templates with the result of Jinja2 3.1, a text or the name of its exception. */
export function readAnswers(name: string): Record<string, string> {
  return JSON.parse(readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url), 'utf8')) as Record<
    string,
    string
  >
}

/** Fresh variables, as templates change them. */
export function jinjaContext(): Record<string, unknown> {
  return {
    x: 5,
    name: 'foo',
    lst: [10, 20, 30, 40],
    dct: { a: 1, b: 'two', nul: null },
    dct2: { b: 1, C: 0, a: 2 },
    params: { VALUE: '3' },
    items: [
      { n: 1, on: true, sub: { k: 'p' }, arr: [7] },
      { n: 3, on: false, sub: { k: 'q' }, arr: [8] },
      { n: 2, on: true, sub: { k: 'r' }, arr: [9] },
    ],
    nested: { a: { b: { c: 5 } } },
  }
}

/** Renders a template once. */
export function render(
  source: string,
  context: Record<string, unknown> = {},
  options: TemplateOptions = {},
): Promise<string> {
  return compileTemplate(source, options).render(context)
}

/** The TemplateError of compiling or rendering. Throws when there is no error or another one. */
export async function errorOf(
  source: string,
  context: Record<string, unknown> = {},
  options: TemplateOptions = {},
): Promise<TemplateError> {
  let text: string
  try {
    text = await render(source, context, options)
  } catch (thrown) {
    if (thrown instanceof TemplateError) return thrown
    throw thrown
  }
  throw new Error(`no error, but ${JSON.stringify(text)}`)
}
