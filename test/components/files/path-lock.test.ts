import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type LockedPaths, PathLock } from '../../../src/components/files/roots/path-lock.ts'

/** Starts an operation for each set of paths, in order; `running` returns the running ones, `end` ends one. */
function operations(lock: PathLock, claims: Record<string, LockedPaths>) {
  const running = new Set<string>()
  const ends = new Map<string, () => void>()
  const done = Object.entries(claims).map(([name, claim]) =>
    lock.run(claim, async () => {
      running.add(name)
      await new Promise<void>(resolve => void ends.set(name, resolve))
      running.delete(name)
    }),
  )
  const settle = () => new Promise<void>(resolve => void setImmediate(resolve))
  return {
    running: () => settle().then(() => [...running].sort()),
    end: (name: string) => ends.get(name)?.(),
    all: Promise.all(done),
  }
}

test('operations on different paths run concurrently, also if one name is a prefix of the other', async () => {
  const { running, end, all } = operations(new PathLock(), {
    one: { write: ['/a/b'] },
    other: { write: ['/a/bc'] },
  })
  assert.deepEqual(await running(), ['one', 'other'])
  end('one')
  end('other')
  await all
})

test('a write waits for operations above and below its path; readers run concurrently', async () => {
  const { running, end, all } = operations(new PathLock(), {
    file: { write: ['/a/b/c'] },
    folder: { write: ['/a/b'] },
    reader: { read: ['/a'] },
    reader2: { read: ['/a/b/c'] },
  })
  assert.deepEqual(await running(), ['file'])
  end('file')
  assert.deepEqual(await running(), ['folder'])
  end('folder')
  assert.deepEqual(await running(), ['reader', 'reader2'])
  end('reader')
  end('reader2')
  await all
})

test('two operations that lock the same two paths in opposite order both end', async () => {
  const { running, end, all } = operations(new PathLock(), {
    ab: { write: ['/a'], read: ['/b'] },
    ba: { write: ['/b'], read: ['/a'] },
  })
  assert.deepEqual(await running(), ['ab'])
  end('ab')
  assert.deepEqual(await running(), ['ba'])
  end('ba')
  await all
})

test('later readers do not run before a waiting writer', async () => {
  const { running, end, all } = operations(new PathLock(), {
    reader: { read: ['/a'] },
    writer: { write: ['/a'] },
    late: { read: ['/a'] },
    elsewhere: { write: ['/z'] },
  })
  assert.deepEqual(await running(), ['elsewhere', 'reader'])
  end('reader')
  assert.deepEqual(await running(), ['elsewhere', 'writer'])
  end('writer')
  assert.deepEqual(await running(), ['elsewhere', 'late'])
  end('late')
  end('elsewhere')
  await all
})

test('an operation that fails lets the next one run', async () => {
  const lock = new PathLock()
  const failing = lock.run({ write: ['/a'] }, () => Promise.reject(new Error('disk full')))
  const next = lock.run({ write: ['/a'] }, () => Promise.resolve('done'))
  await assert.rejects(failing, /disk full/)
  assert.equal(await next, 'done')
})

test('if too many operations wait, the next one is rejected and the others run', async () => {
  const lock = new PathLock()
  const first = Promise.withResolvers<void>()
  const holding = lock.run({ write: ['/a'] }, () => first.promise)
  const waiting = Array.from({ length: 1000 }, () => lock.run({ write: ['/a'] }, async () => 1))
  await assert.rejects(
    lock.run({ write: ['/a'] }, async () => 1),
    { status: 503 },
  )
  first.resolve()
  await holding
  assert.equal((await Promise.all(waiting)).length, 1000)
  assert.equal(await lock.run({ write: ['/a'] }, async () => 'free'), 'free')
})
