// Runs the tests: all of them, or the files named on the command line. A process for each file would cost more
// than most tests, and many tests wait for a clock; so a few processes run the files in parallel.
import { spawn, spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const GROUPS = 8
/** Milliseconds after which a test that hangs fails. */
const TIMEOUT = 120_000
/** Milliseconds without output after which a group of files is killed. */
const SILENCE = 150_000
/** The slowest files, which mostly wait; no process gets two of them. */
const SLOW = [
  'components/files/observer',
  'components/zeroconf/mdns',
  'system/docs-page',
  'system/supervisord',
  'docs-examples',
  'system/dbus',
  'components/files/operations',
  'app/main',
].map(name => `test/${name}.test.ts`)
/** Node keeps the types that it stripped here: every process of the tests reads the same sources. */
const CACHE = join(root, 'node_modules', '.cache', 'compile')
/** A file system in memory, where Linux has one, and the bytes that the tests may need of it. */
const MEMORY = '/dev/shm'
const MEMORY_NEEDED = 1024 ** 3

/** Whether `folder` has room, and programs in it may run: some systems forbid that in memory. */
function isFit(folder) {
  const { bavail, bsize } = statfsSync(folder)
  const program = join(folder, 'program')
  writeFileSync(program, '#!/bin/sh\n', { mode: 0o755 })
  return bavail * bsize >= MEMORY_NEEDED && spawnSync(program).status === 0
}

/** Creates a folder for files of the tests; in memory if possible, since they sync hundreds of databases to disk. */
function temporaryFolder() {
  const prefix = 'moonraker-ts-'
  try {
    const folder = mkdtempSync(join(MEMORY, prefix))
    if (isFit(folder)) return folder
    rmSync(folder, { recursive: true })
  } catch {
    // It does not exist, or is not writable.
  }
  return mkdtempSync(join(tmpdir(), prefix))
}

/** Runs `files` in one process; resolves with its output and its exit code. */
function runGroup(files) {
  const options = ['--test', '--test-isolation=none', `--test-timeout=${TIMEOUT}`, '--test-reporter=spec']
  const child = spawn(process.execPath, [...options, ...files], {
    cwd: root,
    env: { ...process.env, TMPDIR: temporary, NODE_COMPILE_CACHE: CACHE },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  // --test-timeout does not end a process that a hanging test keeps alive.
  const kill = () => {
    output += `\n✖ killed after ${SILENCE / 1000} s without output; the test after the last one above hangs\n`
    child.kill('SIGKILL')
  }
  let timer = setTimeout(kill, SILENCE)
  const collect = text => {
    output += text
    clearTimeout(timer)
    timer = setTimeout(kill, SILENCE)
  }
  child.stdout.setEncoding('utf8').on('data', collect)
  child.stderr.setEncoding('utf8').on('data', collect)
  return new Promise(resolve => {
    child.on('close', code => {
      clearTimeout(timer)
      resolve({ output, code, files })
    })
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
const dealt = [...SLOW.filter(file => files.includes(file)), ...files.filter(file => !SLOW.includes(file))]
const groups = Array.from({ length: Math.min(GROUPS, dealt.length) }, (_, index) =>
  dealt.filter((_file, place) => place % GROUPS === index),
)
const temporary = temporaryFolder()
process.on('exit', () => rmSync(temporary, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))
const start = Date.now()
const runReported = async group => {
  const result = await runGroup(group)
  report(result)
  return result
}
const results = await Promise.all(groups.map(runReported))
const total = name => results.reduce((sum, { output }) => sum + countOf(output, name), 0)
const broken = results.filter(({ code, output }) => code !== 0 && countOf(output, 'fail') === 0).length
console.log(`${files.length} files in ${((Date.now() - start) / 1000).toFixed(1)} s`)
console.log(`${total('pass')} passed, ${total('fail') + broken} failed, ${total('skipped')} skipped`)
process.exit(results.every(({ code }) => code === 0) && total('pass') > 0 ? 0 : 1)
