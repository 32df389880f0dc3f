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
  own = 100 * MB
  load = 0
  returns = 0
  efficient = false
  /** Called after each small collection. */
  collected: (() => void) | null = null
  /** How much is returned each time, in bytes. */
  unused = 0

  size(): number {
    return this.own
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

  async giveBack(): Promise<void> {
    this.returns += 1
    this.own -= this.unused
    this.unused = 0
  }
}

/** A process two seconds after its start, when it has returned memory once. */
async function started(): Promise<Scene> {
  const scene = new Scene()
  keepMemorySmall(scene.clock, scene)
  scene.clock.pass(1.9)
  assert.equal(scene.returns, 0)
  await passing(scene, 0.1)
  assert.equal(scene.returns, 1)
  return scene
}

/** Lets time pass, in steps of at most ten seconds; returns how often memory was returned meanwhile. */
async function passing(scene: Scene, seconds: number): Promise<number> {
  const before = scene.returns
  for (let left = seconds; left > 0; left -= 10) {
    scene.clock.pass(Math.min(left, 10))
    await new Promise(setImmediate)
  }
  return scene.returns - before
}

test('memory of the start is returned after two seconds, and no more while the server does not grow', async () => {
  const scene = await started()
  scene.own += 11 * MB
  assert.equal(await passing(scene, 3600), 0)
})

test('a server that has grown returns memory as soon as it is idle', async () => {
  const scene = await started()
  Object.assign(scene, { own: 150 * MB, load: 0.5, unused: 45 * MB })
  assert.equal(await passing(scene, 20), 0)
  scene.load = 0.05
  assert.equal(await passing(scene, 10), 1)
  assert.equal(await passing(scene, 3600), 0, 'what is left then counts as its size')
  scene.own += 12 * MB
  assert.equal(await passing(scene, 10), 1)
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

test('what nothing refers to is returned', async () => {
  const memory = thisProcess()
  const used = () => process.memoryUsage().heapUsed
  await memory.giveBack()
  const before = used()
  let garbage: unknown[] | null = Array.from({ length: 200_000 }, (_, index) => [index, String(index)])
  const full = used()
  assert.ok(full - before > 10 * MB && garbage.length > 0, `${full - before}`)
  garbage = null
  await memory.giveBack()
  assert.ok(used() - before < (full - before) / 2, `${used() - before} of ${full - before}`)
})

test('the compiled code of functions that ran once is returned', async () => {
  const memory = thisProcess()
  const compiled = () => getHeapCodeStatistics().bytecode_and_metadata_size
  await memory.giveBack()
  const before = compiled()
  const bodies = Array.from({ length: 2000 }, (_, i) => `() => { let a = ${i}; return [a, a * 2, 'x' + a] }`)
  const functions = runInThisContext(`[${bodies.join()}]`) as (() => unknown)[]
  for (const each of functions) each()
  const gc = runInNewContext('gc') as () => void
  gc()
  const full = compiled()
  assert.ok(full > before, `${full} after ${before}`)
  await memory.giveBack()
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
