// Every regular expression in src/ takes linear time. What the check finds: an expression that takes longer than linear
// for some text that repeats one character, because quantifiers are nested, follow each other on the same characters, or
// start again at each character. What it cannot find: expressions that only a repetition of several characters slows
// down, and the work of a bounded quantifier, which counts as one step.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { parseSync, Visitor } from 'oxc-parser'
import { analyse } from 'scslre'

const root = join(import.meta.dirname, '..')

/** Files that build expressions from texts of the program, or of its configuration, which they quote. */
const BUILD_EXPRESSIONS = [
  'components/access/origins.ts',
  'components/machine/system/cpu-info.ts',
  'components/metadata/gcode-bounds.ts',
  'components/webcam/local-url.ts',
  'template/lexer.ts',
  'virtual-printer/config/save-config.ts',
  'virtual-printer/config/wildcards.ts',
  'virtual-printer/macros/python-literal.ts',
  'virtual-printer/motion/kinematics.ts',
]

interface Expression {
  readonly source: string
  readonly flags: string
}

/** The literal expressions of a program, and whether it builds others at run time. */
function expressionsIn(file: string, text: string): { literals: Expression[]; builds: boolean } {
  const literals: Expression[] = []
  let builds = false
  const visitor = new Visitor({
    Literal(node) {
      if ('regex' in node && node.regex !== undefined)
        literals.push({ source: node.regex.pattern, flags: node.regex.flags })
    },
    NewExpression({ callee }) {
      builds ||= callee.type === 'Identifier' && callee.name === 'RegExp'
    },
  })
  visitor.visit(parseSync(file, text).program)
  return { literals, builds }
}

function isLinear({ source, flags }: Expression): boolean {
  return analyse({ source, flags }, { assumeRejectingSuffix: false }).reports.length === 0
}

const files = globSync('src/**/*.ts', { cwd: root }).sort()
const found = files.map(file => ({ file, ...expressionsIn(file, readFileSync(join(root, file), 'utf8')) }))

test('every expression takes linear time', () => {
  const slow = found.flatMap(({ file, literals }) =>
    literals.filter(each => !isLinear(each)).map(({ source, flags }) => `${file}: /${source}/${flags}`),
  )
  assert.deepEqual(slow, [])
  assert.ok(found.reduce((total, { literals }) => total + literals.length, 0) > 300)
})

test('no other file builds expressions', () => {
  const builders = found.filter(({ builds }) => builds).map(({ file }) => file.slice('src/'.length))
  assert.deepEqual(builders, BUILD_EXPRESSIONS)
})

suite('the check finds', () => {
  const slow: Record<string, RegExp> = {
    'nested quantifiers': /^(?:a+)+$/,
    'two quantifiers on the same characters': /G1 Z([0-9]*\.?[0-9]+) F/,
    'a search that starts again at each character': /\/+$/,
  }
  for (const [name, { source, flags }] of Object.entries(slow)) {
    test(name, () => assert.equal(isLinear({ source, flags }), false))
  }
})
