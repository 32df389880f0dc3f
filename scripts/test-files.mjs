// Runs test files in this process, one after the other, as `test.mjs` sends their names; sends back what each printed
// and its result.
import asyncHooks from 'node:async_hooks'
import childProcess from 'node:child_process'
import { readFileSync } from 'node:fs'
import { flushCompileCache, syncBuiltinESMExports } from 'node:module'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * node:test follows every promise and handle, to name the test that caused an uncaught error: a tenth of the processor time of
 * all tests. Files run one at a time here, so the name of the file and the stack of the error suffice.
 */
const hook = { enable: () => hook, disable: () => hook }
asyncHooks.createHook = () => hook
const { run } = await import('node:test')
const { spec } = await import('node:test/reporters')

const WORKER = 'components/metadata/worker/worker.ts'

/** Metadata workers are those of an installed server: the many modules of the sources take longer to load than most jobs. */
function useBundledWorkers() {
  const { fork } = childProcess
  const bundled = join(process.env.TEST_RUN_FOLDER, 'workers', 'metadata-worker.cjs')
  childProcess.fork = (program, ...rest) => fork(program.endsWith(WORKER) ? bundled : program, ...rest)
  syncBuiltinESMExports()
}

/** Seconds of processor time of this process, and of the programs that it started and that have ended. */
function processorTime() {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6 + childrenTime()
}

function childrenTime() {
  try {
    const [children, system] = readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ').slice(13, 15)
    return (Number(children) + Number(system)) / 100
  } catch {
    return 0
  }
}

function sendStack(error) {
  process.send({ text: `uncaught: ${error?.stack ?? error}\n` })
}

async function runFile(file, timeout) {
  const start = processorTime()
  const skipped = []
  let counts
  let success = false
  process.on('unhandledRejection', sendStack)
  const events = run({ files: [file], isolation: 'none', timeout })
  events.on('test:pass', ({ name, skip }) => {
    if (skip !== undefined) skipped.push(typeof skip === 'string' ? `${name} # ${skip}` : name)
  })
  events.on('test:fail', ({ details }) => {
    if (details.error.failureType === 'testTimeoutFailure') process.send({ timedOut: true })
  })
  events.on('test:summary', summary => {
    counts = summary.counts
    success = summary.success
  })
  for await (const text of events.compose(new spec())) process.send({ text: String(text) })
  // node:test ignores an error of the file itself after its first test. Importing again evaluates nothing: it gives the error.
  const error = await import(pathToFileURL(resolve(file)).href).then(
    () => null,
    reason => reason,
  )
  process.off('unhandledRejection', sendStack)
  if (error !== null) process.send({ text: `✖ the file cannot be loaded: ${error?.stack ?? error}\n` })
  return {
    success: success && error === null,
    ...counts,
    skippedTests: skipped,
    processor: processorTime() - start,
    memory: process.memoryUsage.rss(),
  }
}

useBundledWorkers()
process.on('uncaughtExceptionMonitor', sendStack)
process.on('message', async ({ file, timeout }) => {
  // node:test ends a file when nothing keeps the process alive; the channel must not.
  process.channel.unref()
  const result = await runFile(file, timeout)
  // The other processes, and the programs that tests start, need the same modules.
  flushCompileCache()
  process.channel.ref()
  process.send({ result })
})

// `test.mjs` has no further file, or was stopped: then a test that hangs must not keep this process.
process.on('disconnect', () => process.exit())
