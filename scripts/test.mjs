// Runs the tests: all of them, or the files named on the command line. Starting a process for each file costs more than
// most tests do, and many tests wait for a clock; so the files are dealt to a few processes beside each other.
import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const GROUPS = 8
/** Milliseconds after which a test that hangs fails. */
const TIMEOUT = 120_000

/** Runs `files` in one process; gives its output and its exit code. */
function runGroup(files) {
  const options = ['--test', '--test-isolation=none', `--test-timeout=${TIMEOUT}`, '--test-reporter=spec']
  const child = spawn(process.execPath, [...options, ...files], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const collect = text => {
    output += text
  }
  child.stdout.setEncoding('utf8').on('data', collect)
  child.stderr.setEncoding('utf8').on('data', collect)
  return new Promise(resolve => {
    child.on('close', code => resolve({ output, code, files }))
  })
}

/** A count of node's closing lines, such as `ℹ pass 12`. */
function countOf(output, name) {
  return Number(new RegExp(`^ℹ ${name} (\\d+)$`, 'm').exec(output)?.[1] ?? 0)
}

function report({ output, code, files }) {
  const skipped = output.match(/^\s*﹣ .*# .*$/gm) ?? []
  for (const line of skipped) console.log(`skipped: ${line.trim().slice(2)}`)
  if (code === 0) return
  const failures = output.indexOf('✖ failing tests:')
  console.log(failures === -1 ? output : output.slice(failures))
  console.log(`among ${files.join(' ')}`)
}

const given = process.argv.slice(2)
const files = given.length > 0 ? given : globSync('test/**/*.test.ts', { cwd: root }).sort()
const groups = Array.from({ length: Math.min(GROUPS, files.length) }, (_, index) =>
  files.filter((_file, place) => place % GROUPS === index),
)
const began = Date.now()
const runReported = async group => {
  const result = await runGroup(group)
  report(result)
  return result
}
const results = await Promise.all(groups.map(runReported))
const total = name => results.reduce((sum, { output }) => sum + countOf(output, name), 0)
const broken = results.filter(({ code, output }) => code !== 0 && countOf(output, 'fail') === 0).length
console.log(`${files.length} files in ${((Date.now() - began) / 1000).toFixed(1)} s`)
console.log(`${total('pass')} passed, ${total('fail') + broken} failed, ${total('skipped')} skipped`)
process.exit(results.every(({ code }) => code === 0) && total('pass') > 0 ? 0 : 1)
