// When memory is returned to the system, and that it really is; when V8 is in efficiency mode.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { getHeapCodeStatistics } from 'node:v8'
import { runInNewContext, runInThisContext } from 'node:vm'
import { keepMemorySmall, type ProcessMemory, thisProcess } from '../../src/core/memory.ts'
import { HandClock } from '../support/hand-clock.ts'

const MB = 1024 * 1024

/** A process of a given size, which each step may make smaller. */
class Scene implements ProcessMemory {
  readonly clock = new HandClock()
  size = 100 * MB
  load = 0
  readonly steps: string[] = []
  efficient = false
  /** Called after each small collection. */
  collected: (() => void) | null = null
  /** The size after each step; the same where it is not given. */
  after: { collect?: number; trim?: number } = {}

  rss(): number {
    return this.size
  }

  utilization(): number {
    return this.load
  }

  setEfficient(isOn: boolean): void {
    this.efficient = isOn
  }

  watchCollections(listener: () => void): () => void {
    this.collected = listener
    return () => {
      this.collected = null
    }
  }

  collect(): void {
    this.steps.push('collect')
    this.size = this.after.collect ?? this.size
  }

  async trim(): Promise<void> {
    this.steps.push('trim')
    this.size = this.after.trim ?? this.size
  }
}

test('memory of the start is returned after two seconds, and no more while the server does not grow', () => {
  const scene = new Scene()
  keepMemorySmall(scene.clock, scene)
  scene.clock.pass(1.9)
  assert.deepEqual(scene.steps, [])
  scene.clock.pass(0.1)
  assert.deepEqual(scene.steps, ['collect'])
  scene.size += 11 * MB
  scene.clock.pass(60)
  assert.deepEqual(scene.steps, ['collect'])
})

test('a server that has grown returns memory when it is idle', async () => {
  const scene = new Scene()
  keepMemorySmall(scene.clock, scene)
  scene.clock.pass(2)
  scene.steps.length = 0
  Object.assign(scene, { size: 150 * MB, load: 0.5, after: { collect: 105 * MB } })
  scene.clock.pass(20)
  assert.deepEqual(scene.steps, [])
  scene.load = 0.05
  scene.clock.pass(10)
  assert.deepEqual(scene.steps, ['collect'])
  await Promise.resolve()
  scene.clock.pass(60)
  assert.deepEqual(scene.steps, ['collect'], 'what is left after the collection counts as its size')
})

test('what a collection does not return, the C library may', async () => {
  const scene = new Scene()
  keepMemorySmall(scene.clock, scene)
  scene.clock.pass(2)
  scene.steps.length = 0
  Object.assign(scene, { size: 200 * MB, after: { collect: 190 * MB, trim: 110 * MB } })
  scene.clock.pass(10)
  assert.deepEqual(scene.steps, ['collect', 'trim'])
  await new Promise(setImmediate)
  scene.size = 121 * MB
  scene.clock.pass(10)
  assert.equal(scene.steps.length, 2)
  scene.size = 122 * MB
  scene.clock.pass(10)
  assert.equal(scene.steps.length, 4)
})

test('V8 is in efficiency mode after the start, until a load collects garbage often, and again when it has ended', () => {
  const scene = new Scene()
  keepMemorySmall(scene.clock, scene)
  assert.equal(scene.efficient, false)
  scene.clock.pass(2)
  assert.equal(scene.efficient, true)
  for (let i = 0; i < 20; i += 1) {
    scene.collected?.()
    scene.clock.pass(0.2)
  }
  assert.equal(scene.efficient, true, 'five in a second are no load')
  for (let i = 0; i < 8; i += 1) {
    scene.collected?.()
    scene.clock.pass(0.1)
  }
  assert.equal(scene.efficient, false)
  scene.load = 0.2
  scene.clock.pass(20)
  assert.equal(scene.efficient, false)
  scene.load = 0.05
  scene.clock.pass(10)
  assert.equal(scene.efficient, true)
})

test('after the stop nothing is checked, and V8 is as before', () => {
  const scene = new Scene()
  const keeper = keepMemorySmall(scene.clock, scene)
  scene.clock.pass(2)
  keeper.stop()
  assert.deepEqual(scene.clock.waits(), [])
  assert.equal(scene.efficient, false)
  assert.equal(scene.collected, null)
})

test('small collections are reported, in both modes', async () => {
  const memory = thisProcess()
  for (const isOn of [true, false]) {
    memory.setEfficient(isOn)
    const { promise, resolve } = Promise.withResolvers<void>()
    const unwatch = memory.watchCollections(resolve)
    const fill = setInterval(() => Array.from({ length: 100_000 }, (_, index) => ({ index })))
    await promise
    clearInterval(fill)
    unwatch()
  }
})

test('a collection frees what nothing refers to', async () => {
  const memory = thisProcess()
  const used = () => process.memoryUsage().heapUsed
  memory.collect()
  const before = used()
  let garbage: unknown[] | null = Array.from({ length: 200_000 }, (_, index) => [index, String(index)])
  const full = used()
  assert.ok(full - before > 10 * MB && garbage.length > 0, `${full - before}`)
  garbage = null
  memory.collect()
  assert.ok(used() - before < (full - before) / 2, `${used() - before} of ${full - before}`)
  await memory.trim()
  assert.ok(memory.rss() > 0)
})

test('a collection drops the compiled code of functions that ran once', () => {
  const memory = thisProcess()
  const compiled = () => getHeapCodeStatistics().bytecode_and_metadata_size
  memory.collect()
  const before = compiled()
  const bodies = Array.from({ length: 2000 }, (_, i) => `() => { let a = ${i}; return [a, a * 2, 'x' + a] }`)
  const functions = runInThisContext(`[${bodies.join()}]`) as (() => unknown)[]
  for (const each of functions) each()
  const gc = runInNewContext('gc') as () => void
  gc()
  const full = compiled()
  assert.ok(full > before, `${full} after ${before}`)
  memory.collect()
  assert.ok(compiled() - before < (full - before) / 2, `${compiled()} of ${full}`)
  assert.equal(functions.length, 2000)
})

test('the utilization is that since the last call', () => {
  const memory = thisProcess()
  memory.utilization()
  const end = performance.now() + 5
  while (performance.now() < end);
  assert.ok(memory.utilization() > 0.9)
})

test('the space for new objects stays small under a load that makes it grow otherwise', () => {
  /** Megabytes of that space in a process that runs `first`, and then makes objects of which some stay for a while. */
  const sizeAfter = (first: string) => {
    const code = `
      import { getHeapSpaceStatistics } from 'node:v8'
      import { keepNewSpaceSmall } from '${new URL('../../src/core/memory.ts', import.meta.url).href}'
      ${first}
      let kept = []
      for (let count = 0; count < 300_000; count += 1) {
        kept.push({ count, list: [count] })
        if (kept.length > 40_000) kept = kept.slice(20_000)
      }
      const space = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')
      console.log(space.space_size / ${MB})`
    return Number(execFileSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' }))
  }
  assert.ok(sizeAfter('') > 8)
  assert.ok(sizeAfter('keepNewSpaceSmall()') < 8)
})
