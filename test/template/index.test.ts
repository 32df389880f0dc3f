// Templates and the results of Jinja2 itself; the results are compared without white space at the
// ends, as template options are used.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { compileTemplate, splitArguments, TemplateError } from '../../src/template/index.ts'

interface Answer {
  name: string
  template: string | string[]
  braces?: 'double'
  text?: string
  error?: string
}

const fixture = new URL('./fixtures/jinja-answers.json', import.meta.url)
const answers = JSON.parse(readFileSync(fixture, 'utf8')) as Answer[]

function hostContext(): Record<string, unknown> {
  const calls: unknown[] = []
  return {
    x: 5,
    name: 'foo',
    command: 'on',
    params: { VALUE: '3' },
    payload: '{"POWER1": "ON"}',
    last: 'power_off',
    user_data: {},
    items: [
      { n: 1, on: true },
      { n: 2, on: false },
    ],
    call_log: calls,
    async call_method(...received: unknown[]) {
      const { positional, named } = splitArguments(received)
      calls.push(positional[0])
      return { method: positional[0], kw: named }
    },
    http_request: { send: async () => ({ raise_for_status: () => undefined, json: () => ({ v: 42 }) }) },
    raise_error(message: string) {
      throw new Error(message)
    },
  }
}

for (const { name, template, braces, text, error } of answers) {
  test(`Jinja2's answer: ${name}`, async () => {
    const source = typeof template === 'string' ? template : template.join('\n')
    const compiled = compileTemplate(source, { braces: braces ?? 'single' })
    if (error === undefined) return assert.equal((await compiled.render(hostContext())).trim(), text)
    await assert.rejects(
      compiled.render(hostContext()),
      thrown => thrown instanceof TemplateError && thrown.kind === error && thrown.line === 1,
    )
  })
}
