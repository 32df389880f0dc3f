// Runs the tests: those that need nothing besides the repository, Node and npm; with `--system` the system tests; or the
// files that the command line names. `--times` lists the files that cost the most processor time. A process for each file would
// cost more than most tests, and many tests wait for a clock; so a few processes run in parallel, and each takes the next file
// when it has finished one.
import { spawn, spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { bundleWorkers } from './build.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const GROUPS = 8
/** Milliseconds after which a test that hangs fails. */
const TIMEOUT = 120_000
/** Milliseconds without output after which a process is killed. */
const SILENCE = 150_000
/** The same after a test has hung: what it has left open would keep the process until then. */
const SILENCE_AFTER_TIMEOUT = 20_000
/** The end of the names of system tests. */
const SYSTEM = '.system.test.ts'
/** Files and folders whose tests start many programs, or take longest: these run first. */
const FIRST = [
  'container-image',
  'recordings/update',
  'components/files/mounted',
  'components/dashboard/',
  'components/update-manager/',
  'components/fleet/crashes',
  'package',
  'debian/',
  'app/',
  'components/timelapse/',
  'components/files/observer',
  'components/files/first-replies',
  'components/zeroconf/mdns',
  'docs-examples',
].map(name => `test/${name}`)
/**
 * Megabytes of memory with which a process may start a system test of `FIRST`, or another file. To start a program, Node copies
 * the page tables of its process: with 400 MB that takes 12 ms, as long as the program itself.
 */
const MEMORY_FIRST = 140
const MEMORY_OTHERS = 300
/** Node keeps the types that it stripped here: every process of the tests reads the same sources. */
const CACHE = join(root, 'node_modules', '.cache', 'compile')
/**
 * V8's space for new objects, in MB: most objects of a test live shortly. In V8's own smaller space many are copied, and promoted,
 * before they are garbage: a tenth more processor time.
 */
const NEW_SPACE = '--min-semi-space-size=16'
const RUNNER = fileURLToPath(new URL('test-files.mjs', import.meta.url))
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

/** A process that runs one file at a time. */
class Runner {
  #child = spawn(process.execPath, [NEW_SPACE, RUNNER], {
    cwd: root,
    env: { ...process.env, TMPDIR: temporary, TEST_RUN_FOLDER: temporary, NODE_COMPILE_CACHE: CACHE },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  #output = ''
  #finish = () => {}
  #timer
  #silence = SILENCE
  #memory = 0

  constructor() {
    const collect = text => this.#collect(text)
    this.#child.stdout.setEncoding('utf8').on('data', collect)
    this.#child.stderr.setEncoding('utf8').on('data', collect)
    this.#child.on('message', ({ text, result, timedOut }) => {
      if (timedOut) this.#silence = SILENCE_AFTER_TIMEOUT
      if (result === undefined) this.#collect(text ?? '')
      else this.#finish(result)
    })
    this.#child.on('close', code => {
      this.#output += `\n✖ the process ended with code ${code}\n`
      this.#finish({ success: false })
    })
  }

  #collect(text) {
    this.#output += text
    this.#watch()
  }

  /** The timeout of a test does not end a file whose tests leave something open. */
  #watch() {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#output += `\n✖ killed after ${this.#silence / 1000} s without output: a test hangs, or has left something open\n`
      this.#child.kill('SIGKILL')
    }, this.#silence)
  }

  /** Runs `file`; resolves with its result and output. The process takes no further file if it ended meanwhile. */
  async run(file) {
    const { promise, resolve } = Promise.withResolvers()
    this.#finish = resolve
    this.#output = ''
    this.#silence = SILENCE
    this.#child.send({ file, timeout: TIMEOUT })
    this.#watch()
    const start = performance.now()
    const result = await promise
    clearTimeout(this.#timer)
    this.#memory = result.memory / 1024 ** 2
    return { file, output: this.#output, seconds: (performance.now() - start) / 1000, ...result }
  }

  /** Whether it still runs, and is small enough for `file`. */
  isFitFor(file) {
    const startsMany = file.endsWith(SYSTEM) && FIRST.some(name => file.startsWith(name))
    const limit = startsMany ? MEMORY_FIRST : MEMORY_OTHERS
    return this.#child.connected && this.#memory < limit
  }

  stop() {
    if (this.#child.connected) this.#child.disconnect()
  }
}

function report({ file, output, success, skippedTests = [] }) {
  for (const line of skippedTests) console.log(`skipped: ${line}`)
  if (success) return
  const failures = output.indexOf('✖ failing tests:')
  console.log(failures === -1 ? output : output.slice(failures))
  console.log(`in ${file}`)
}

/** Runs files of `queue` until it is empty. */
async function runQueue(queue, results) {
  let runner = new Runner()
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
    if (!runner.isFitFor(file)) {
      runner.stop()
      runner = new Runner()
    }
    const result = await runner.run(file)
    report(result)
    results.push(result)
  }
  runner.stop()
}

/** `files`, those of `FIRST` first and in its order. */
function inOrder(files) {
  const place = file => FIRST.findIndex(name => file.startsWith(name)) + 1 || FIRST.length + 1
  return files.toSorted((a, b) => place(a) - place(b))
}

/** The files of all system tests, or of all others. */
function findFiles(system) {
  const all = globSync('test/**/*.test.ts', { cwd: root })
  return all.filter(file => file.endsWith(SYSTEM) === system).sort()
}

function reportTimes(results) {
  const sorted = results.toSorted((a, b) => b.processor - a.processor)
  const sum = results.reduce((total, { processor = 0 }) => total + processor, 0)
  console.log(`${sum.toFixed(0)} s of processor time; the most by`)
  for (const { file, processor = 0, seconds, memory = 0 } of sorted.slice(0, 40)) {
    const figures = [
      `${processor.toFixed(2)} s`,
      `${seconds.toFixed(1)} s`,
      `${Math.round(memory / 1024 ** 2)} MB`,
    ]
    console.log(`${figures.map(figure => figure.padStart(8)).join('')}  ${file}`)
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { system: { type: 'boolean', default: false }, times: { type: 'boolean', default: false } },
})
const files = positionals.length > 0 ? positionals : findFiles(values.system)
const temporary = temporaryFolder()
process.on('exit', () => rmSync(temporary, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))
const start = Date.now()
await bundleWorkers(join(temporary, 'workers'))
const results = []
const queue = inOrder(files)
await Promise.all(Array.from({ length: Math.min(GROUPS, files.length) }, () => runQueue(queue, results)))
if (values.times) reportTimes(results)
const total = name => results.reduce((sum, result) => sum + (result[name] ?? 0), 0)
const broken = results.filter(({ success, failed }) => !success && !failed).length
const failed = total('failed') + broken
console.log(`${files.length} files in ${((Date.now() - start) / 1000).toFixed(1)} s`)
console.log(`${total('passed')} passed, ${failed} failed, ${total('skipped')} skipped`)
process.exit(failed === 0 && total('passed') > 0 ? 0 : 1)
