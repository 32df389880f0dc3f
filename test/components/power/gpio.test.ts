// [power NAME] of type gpio and rf. The kernel's side is a chip of the tests; a real chip is tried by hand.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Deadline } from '../../../src/components/power/deadline.ts'
import type { DriverContext } from '../../../src/components/power/driver.ts'
import { open } from '../../../src/components/power/types/gpio.ts'
import { open as openRf } from '../../../src/components/power/types/rf.ts'
import { pulsesOf } from '../../../src/components/power/types/rf-signal.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { FakeChip } from '../../core/gpio/fake-chip.ts'
import { startScene } from './scene.ts'

const deadline = new Deadline(systemClock, 3600)

function context<T extends 'gpio' | 'rf'>(options: object, initial_state?: boolean): DriverContext<T> {
  const section = { section: 'power relay', error: (text: string) => new Error(text) }
  return { section, options, common: { initial_state } } as unknown as DriverContext<T>
}

test('a pin is written at the start and with each command, and released at the end', async () => {
  using chip = new FakeChip()
  const driver = await open(context<'gpio'>({ pin: '!gpio4' }, true), chip.machine)
  assert.equal(await driver.read(deadline), 'on')
  assert.equal(await driver.write('off', deadline), 'off')
  assert.equal(await driver.read(deadline), 'off')
  assert.deepEqual(chip.levels, [
    [4, 0],
    [4, 1],
  ])
  driver.stop?.()
})

test('a code is sent as long and short pulses', () => {
  const [short, long] = [
    [true, 1, false, 3],
    [true, 3, false, 1],
  ]
  const pulses = pulsesOf('01').flatMap(({ isHigh, units }) => [isHigh, units])
  assert.deepEqual(pulses, [...(short as unknown[]), ...(long as unknown[]), true, 1, false, 31])
})

test('a transmitter that cannot write its line is an error', async () => {
  using chip = new FakeChip()
  const driver = await openRf(context<'rf'>({ pin: 'gpio4', on_code: '1', off_code: '10' }), chip.machine)
  // The thread calls the real kernel, for which the line is an ordinary file.
  await assert.rejects(driver.write('on', deadline), /ENOTTY/)
  assert.equal(await driver.read(deadline), 'off')
  driver.stop?.()
})

for (const [what, section, warning] of [
  [
    'a chip that is missing',
    'type: gpio\npin: gpiochip99/gpio1',
    /Chip path \/dev\/gpiochip99 does not exist/,
  ],
  ['a pin that is none', 'type: gpio\npin: 17', /Invalid pin format 17\./],
  ['a bias', 'type: gpio\npin: ^gpio1', /Bias flag \^ not available for output pins/],
  [
    'a code with other digits',
    'type: rf\npin: gpio1\non_code: 12\noff_code: 1',
    /"on_code".*must be up to 24 digits/,
  ],
] as const) {
  test(`${what} leaves the section out`, async () => {
    await using scene = await startScene(`[power relay]\n${section}\n`)
    const warnings = await scene.warnings()
    assert.ok(
      warnings.some(text => text.startsWith('Section [power relay] is left out: ') && warning.test(text)),
      warnings.join('\n'),
    )
  })
}
