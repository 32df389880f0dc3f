// Output lines: pins, the bytes for the kernel, and its refusals.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openOutput } from '../../../src/core/gpio/output.ts'
import { parsePin } from '../../../src/core/gpio/pin.ts'
import { FakeChip } from './fake-chip.ts'

test('pins have a chip, a line, a bias and an inversion', () => {
  const pin = (chip: string, line: number, more = {}) => ({
    chip,
    line,
    bias: null,
    isInverted: false,
    ...more,
  })
  assert.deepEqual(parsePin('gpio17'), pin('gpiochip0', 17))
  assert.deepEqual(parsePin('!gpiochip4/gpio2'), pin('gpiochip4', 2, { isInverted: true }))
  assert.deepEqual(
    parsePin('^!pinctrl-rp1/gpio0'),
    pin('pinctrl-rp1', 0, { bias: 'pull_up', isInverted: true }),
  )
  assert.deepEqual(parsePin('~gpio1'), pin('gpiochip0', 1, { bias: 'pull_down' }))
  for (const text of ['', '17', 'gpio', 'gpio1 and more', 'gpiochip0/17', '!^gpio1']) {
    assert.throws(() => parsePin(text), /^Error: Invalid pin format/)
  }
})

test('an output is requested with its first value, and written', () => {
  using chip = new FakeChip()
  const output = openOutput(chip.ioctl, parsePin('gpio17'), true, chip.folder)
  const [request] = chip.requests
  const set = [...(request as Buffer).entries()].filter(([, byte]) => byte !== 0)
  const consumer = [...Buffer.from('moonraker').entries()].map(([index, byte]) => [256 + index, byte])
  // The line, the consumer, the flag for outputs, one attribute: output values, 1 for the first line; one line.
  assert.deepEqual(set, [[0, 17], ...consumer, [288, 8], [296, 1], [320, 2], [328, 1], [336, 1], [560, 1]])
  assert.equal(request?.length, 592)
  output.write(false)
  output.close()
  assert.deepEqual(chip.levels, [
    [17, 1],
    [17, 0],
  ])
})

test('an inverted output is low when it is on', () => {
  using chip = new FakeChip()
  const output = openOutput(chip.ioctl, parsePin('!gpio4'), false, chip.folder)
  output.write(true)
  output.close()
  assert.deepEqual(chip.levels, [
    [4, 1],
    [4, 0],
  ])
})

test('a chip is found by its label', () => {
  using chip = new FakeChip()
  openOutput(chip.ioctl, parsePin('pinctrl-rp1/gpio5'), true, chip.folder).close()
  assert.deepEqual(chip.levels, [[5, 1]])
  assert.throws(() => openOutput(chip.ioctl, parsePin('other/gpio5'), true, chip.folder), {
    message: 'no GPIO chip has the name or the label other',
  })
})

test('refusals of the kernel have their reasons', () => {
  using chip = new FakeChip()
  const open = (pin: string) => openOutput(chip.ioctl, parsePin(pin), false, chip.folder)
  open('gpio4')
  assert.throws(() => open('gpio4'), { message: /gpio4 of gpiochip0 is used by another section or program/ })
  assert.throws(() => open('gpio99'), { message: /gpio99 of gpiochip0 does not exist/ })
  assert.throws(() => open('gpiochip7/gpio1'), {
    message: `Chip path ${chip.folder}/gpiochip7 does not exist`,
  })
})
