// Locks of files between processes.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { FileLock } from '../../src/storage/index.ts'

const MODULE = new URL('../../src/storage/index.ts', import.meta.url).href
const ROUNDS = 200

/** Waits for the lock, then takes it ROUNDS times; a folder that exists only while it is held shows two holders. */
const COMPETE = `
import { mkdirSync, rmdirSync } from 'node:fs'
const { FileLock } = await import('${MODULE}')
const [file, held] = process.argv.slice(1)
let refused = 0
for (let round = 0; round < ${ROUNDS}; ) {
  const lock = FileLock.take(file)
  if (lock === null) {
    if (refused === 0) console.log('refused')
    refused += 1
    await new Promise(setImmediate)
    continue
  }
  mkdirSync(held)
  await new Promise(setImmediate)
  rmdirSync(held)
  lock.release()
  round += 1
}
`
const HOLD = `
const { FileLock } = await import('${MODULE}')
globalThis.lock = FileLock.take(process.argv[1])
process.stdin.resume()
console.log('taken')
`

function scene(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'lock-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const run = (program: string, ...args: string[]): ChildProcess => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    t.after(() => child.kill('SIGKILL'))
    return child
  }
  return { file: join(folder, 'lock'), held: join(folder, 'held'), run }
}

test('of processes that take a lock at the same time, one has it', { timeout: 60_000 }, async t => {
  const { file, held, run } = scene(t)
  const lock = FileLock.take(file)
  assert.ok(lock)
  const children = Array.from({ length: 3 }, () => run(COMPETE, file, held))
  const ended = children.map(child => once(child, 'exit'))
  // So they compete when the lock becomes free, however slowly each of them starts.
  await Promise.all(children.map((child, index) => Promise.race([once(child.stdout!, 'data'), ended[index]])))
  lock.release()
  assert.deepEqual(
    (await Promise.all(ended)).map(([code]) => code),
    [0, 0, 0],
  )
})

test('the lock of a process that was killed is free', async t => {
  const { file, run } = scene(t)
  const child = run(HOLD, file)
  await once(child.stdout!, 'data')
  assert.equal(FileLock.take(file), null)
  child.kill('SIGKILL')
  await once(child, 'exit')
  const lock = FileLock.take(file)
  assert.ok(lock)
  lock.release()
})

test('two users of one process exclude each other', t => {
  const { file } = scene(t)
  const first = FileLock.take(file)
  assert.ok(first)
  assert.equal(FileLock.take(file), null)
  first.release()
  const second = FileLock.take(file)
  assert.ok(second)
  second.release()
})

test('where no file can be created, the lock excludes no other process', () => {
  assert.ok(FileLock.take('/nowhere/lock'))
  assert.ok(FileLock.take('/nowhere/lock'))
})
