// Which tests `npm test` runs: those that need nothing besides the repository, Node and npm, and no build.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
/** What tests import that need a program, a recording, or a build of the server. */
const MARKS = [
  'test/support/git-repos.ts',
  'test/support/server-bundle.ts',
  'test/support/program.ts',
  'test/support/namespace.ts',
  'test/support/dbus-host/host.ts',
  'test/recordings/update-recording.ts',
]

const isOther = (file: string) => file.endsWith('.test.ts') && !file.endsWith('.system.test.ts')

/** The files of test/ that each file of test/ imports. */
const imports = new Map(
  globSync('test/**/*.ts', { cwd: root }).map(file => {
    const found = readFileSync(join(root, file), 'utf8').matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)
    return [file, [...found].map(([, path]) => normalize(join(dirname(file), path as string)))]
  }),
)

/** Whether a file imports one of `targets`, by itself or by what it imports. */
function reaches(file: string, targets: readonly string[], seen = new Set<string>()): boolean {
  if (targets.includes(file)) return true
  if (seen.has(file)) return false
  seen.add(file)
  return (imports.get(file) ?? []).some(next => reaches(next, targets, seen))
}

test('a test that needs a program, a file outside of the repository, or a build is a system test', () => {
  assert.deepEqual(
    MARKS.filter(file => !imports.has(file)),
    [],
  )
  const others = [...imports.keys()].filter(isOther)
  const wrong = others.filter(
    file => reaches(file, MARKS) || /\.\.\/shared\//.test(readFileSync(join(root, file), 'utf8')),
  )
  assert.deepEqual(wrong, [], 'the names of these files must end in .system.test.ts')
})
