// Inputs: the bytes for the kernel, edges, and chips that report none. The chip is one of the tests.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { systemClock } from '../../../src/core/clock.ts'
import { GpioInputs } from '../../../src/core/gpio/inputs.ts'
import { parsePin } from '../../../src/core/gpio/pin.ts'
import { FakeChip } from './fake-chip.ts'

/** Follows a pin, and collects what it reports. */
async function follow(chip: FakeChip, pin: string, inputs = new GpioInputs(systemClock, chip.machine)) {
  const values: boolean[] = []
  const seconds: number[] = []
  const waiting: { count: number; resolve: () => void }[] = []
  const lost = Promise.withResolvers<string>()
  const input = await inputs.follow({
    pin: parsePin(pin),
    debounceSeconds: 0.05,
    onChange(edge) {
      values.push(edge.value)
      seconds.push(edge.seconds)
      for (const { count, resolve } of waiting) if (values.length >= count) resolve()
    },
    onLost: lost.resolve,
  })
  /** Resolves with the values when there are so many. */
  const changes = async (count: number) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    if (values.length >= count) resolve()
    waiting.push({ count, resolve })
    await promise
    return values
  }
  return { input, changes, seconds, lost: lost.promise }
}

/** The bytes of a request that are not 0, without the name of the consumer. */
function bytesOf(request: Buffer | undefined): [number, number][] {
  return [...(request as Buffer).entries()].filter(([at, byte]) => byte !== 0 && (at < 256 || at >= 288))
}

test('an input is requested with both edges, its bias, and the debounce of the kernel', async () => {
  for (const [pin, flags] of [
    ['gpio26', 0x434],
    ['^!gpio26', 0x136],
    ['~gpio26', 0x234],
  ] as const) {
    using chip = new FakeChip()
    const { input } = await follow(chip, pin)
    input.close()
    // 50000 µs are 0xc350. The attribute 3 is the debounce period, for the first line.
    assert.deepEqual(bytesOf(chip.requests[0]), [
      [0, 26],
      [288, flags & 0xff],
      [289, flags >> 8],
      [296, 1],
      [320, 3],
      [328, 0x50],
      [329, 0xc3],
      [336, 1],
      [560, 1],
    ])
  }
})

test('edges are reported in their order, with the time of the kernel', async () => {
  using chip = new FakeChip()
  const before = Number(process.hrtime.bigint()) / 1e9
  const { input, changes, seconds } = await follow(chip, 'gpio3')
  assert.equal(input.value, false)
  chip.setLevel(3, true)
  chip.setLevel(3, false)
  chip.setLevel(3, true)
  assert.deepEqual(await changes(3), [true, false, true])
  assert.ok(seconds[0] !== undefined && seconds[0] > before && seconds[0] - before < 60)
  input.close()
})

test('an inverted input has the value true while it is low', async () => {
  using chip = new FakeChip()
  chip.setLevel(3, true)
  const { input, changes } = await follow(chip, '!gpio3')
  assert.equal(input.value, false)
  chip.setLevel(3, false)
  assert.deepEqual(await changes(1), [true])
  input.close()
})

test('an edge that the kernel dropped is found by the next one', async () => {
  using chip = new FakeChip()
  const { input, changes } = await follow(chip, 'gpio3')
  chip.setLevel(3, true, { edges: false })
  chip.sendEdge(3, false)
  assert.deepEqual(await changes(1), [true])
  input.close()
})

test('several inputs are followed, and a closed one reports nothing', async () => {
  using chip = new FakeChip()
  const inputs = new GpioInputs(systemClock, chip.machine)
  const first = await follow(chip, 'gpio3', inputs)
  const second = await follow(chip, 'gpio4', inputs)
  chip.setLevel(4, true)
  assert.deepEqual(await second.changes(1), [true])
  first.input.close()
  chip.setLevel(3, true)
  chip.setLevel(4, false)
  assert.deepEqual(await second.changes(2), [true, false])
  assert.deepEqual(await first.changes(0), [])
  second.input.close()
})

test('a chip without interrupts is read from time to time, and debounced', async () => {
  using chip = new FakeChip()
  chip.hasInterrupts = false
  const { input, changes } = await follow(chip, '^gpio3')
  assert.deepEqual(bytesOf(chip.requests[1]), [
    [0, 3],
    [288, 4],
    [289, 1],
    [560, 1],
  ])
  chip.setLevel(3, true)
  assert.deepEqual(await changes(1), [true])
  chip.setLevel(3, false)
  assert.deepEqual(await changes(2), [true, false])
  input.close()
})

for (const hasInterrupts of [true, false]) {
  test(`a chip ${hasInterrupts ? 'with' : 'without'} interrupts that is pulled out is reported once`, async () => {
    using chip = new FakeChip()
    chip.hasInterrupts = hasInterrupts
    const { input, lost } = await follow(chip, 'gpio3')
    chip.remove()
    if (hasInterrupts) chip.sendEdge(3, true)
    assert.match(await lost, /ENODEV/)
    input.close()
  })
}

test('the end of the process does not wait for an input', async () => {
  const url = (path: string) => JSON.stringify(new URL(`../../../${path}`, import.meta.url).href)
  const program = `
    import { systemClock } from ${url('src/core/clock.ts')}
    import { GpioInputs } from ${url('src/core/gpio/inputs.ts')}
    import { parsePin } from ${url('src/core/gpio/pin.ts')}
    import { FakeChip } from ${url('test/core/gpio/fake-chip.ts')}
    const chip = new FakeChip()
    const inputs = new GpioInputs(systemClock, chip.machine)
    await inputs.follow({ pin: parsePin('gpio3'), debounceSeconds: 0.05, onChange() {}, onLost() {} })
    chip[Symbol.dispose]()
    process.exit(7)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'inherit' })
  const [code] = await once(child, 'exit')
  assert.equal(code, 7)
})
