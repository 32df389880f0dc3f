// Pins of the kernel itself: a chip of the kernel's module gpio-sim, for root on a machine that has it.
// scripts/test-gpio.sh runs this file in a kernel of its own.
import assert from 'node:assert/strict'
import { accessSync, constants, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../../../src/core/clock.ts'
import { type FollowedInput, GpioInputs } from '../../../src/core/gpio/inputs.ts'
import { THIS_MACHINE } from '../../../src/core/gpio/machine.ts'
import { openOutput } from '../../../src/core/gpio/output.ts'
import { parsePin } from '../../../src/core/gpio/pin.ts'
import { startRig } from '../../support/rig.ts'
import { WebClient } from '../../support/web-client.ts'

const CONFIG = '/sys/kernel/config/gpio-sim'

function skip(): string | false {
  try {
    accessSync(CONFIG, constants.W_OK)
    return false
  } catch {
    return `${CONFIG} cannot be written: load the module gpio-sim, and run as root`
  }
}

/** A chip with eight lines. */
class SimulatedChip implements Disposable {
  readonly #folder = join(CONFIG, `test-${process.pid}`)
  /** As gpiochip1. */
  readonly name: string
  readonly label = `pins-${process.pid}`
  readonly #lines: string

  constructor() {
    const bank = join(this.#folder, 'bank0')
    mkdirSync(bank, { recursive: true })
    writeFileSync(join(bank, 'num_lines'), '8')
    writeFileSync(join(bank, 'label'), this.label)
    writeFileSync(join(this.#folder, 'live'), '1')
    const read = (path: string) => readFileSync(path, 'utf8').trim()
    this.name = read(join(bank, 'chip_name'))
    this.#lines = join('/sys/devices/platform', read(join(this.#folder, 'dev_name')), this.name)
  }

  /** The level of a line. */
  level(line: number): number {
    return Number(readFileSync(join(this.#lines, `sim_gpio${line}`, 'value'), 'utf8'))
  }

  /** Drives an input. */
  drive(line: number, level: 0 | 1): void {
    writeFileSync(join(this.#lines, `sim_gpio${line}`, 'pull'), level === 1 ? 'pull-up' : 'pull-down')
  }

  [Symbol.dispose](): void {
    writeFileSync(join(this.#folder, 'live'), '0')
    rmdirSync(join(this.#folder, 'bank0'))
    rmdirSync(this.#folder)
  }
}

const pause = (seconds: number) => new Promise(resolve => setTimeout(resolve, seconds * 1000))

test('pins of a simulated chip', { skip: skip() }, async t => {
  using chip = new SimulatedChip()
  const { ioctl } = await THIS_MACHINE.load()
  const output = (pin: string, value: boolean) => openOutput(ioctl, parsePin(pin), value, THIS_MACHINE.folder)
  const inputs = new GpioInputs(systemClock)
  const values: boolean[] = []
  let changed = Promise.withResolvers<void>()
  const follow = (pin: string): Promise<FollowedInput> =>
    inputs.follow({
      pin: parsePin(pin),
      debounceSeconds: 0.02,
      onChange({ value }) {
        values.push(value)
        changed.resolve()
        changed = Promise.withResolvers()
      },
      onLost: reason => assert.fail(reason),
    })

  await t.test('an output, and an inverted one', () => {
    const plain = output(`${chip.name}/gpio1`, true)
    assert.equal(chip.level(1), 1)
    plain.write(false)
    assert.equal(chip.level(1), 0)
    plain.close()
    const inverted = output(`!${chip.name}/gpio2`, false)
    assert.equal(chip.level(2), 1)
    inverted.write(true)
    assert.equal(chip.level(2), 0)
    inverted.close()
  })

  await t.test('an input with a pull-up reports its debounced edges', async () => {
    const input = await follow(`^!${chip.name}/gpio3`)
    assert.equal(input.value, false)
    for (const level of [0, 1] as const) {
      const edge = changed.promise
      chip.drive(3, level)
      await edge
    }
    assert.deepEqual(values, [true, false])
    // Shorter than the debounce period, and back at the level from before.
    for (const level of [0, 1, 0, 1, 0, 1] as const) chip.drive(3, level)
    await pause(0.1)
    assert.deepEqual(values, [true, false])
    input.close()
    const again = await follow(`^!${chip.name}/gpio3`)
    again.close()
  })

  await t.test('refusals of the kernel have their reasons', async () => {
    const input = await follow(`${chip.name}/gpio4`)
    await assert.rejects(follow(`${chip.name}/gpio4`), /gpio4 of gpiochip\d+ is used by another/)
    input.close()
    await assert.rejects(follow(`${chip.name}/gpio99`), /gpio99 of gpiochip\d+ does not exist/)
  })

  await t.test('a chip is found by its label', async () => {
    const input = await follow(`${chip.label}/gpio5`)
    input.close()
  })

  await t.test('a button notifies clients', async () => {
    await using rig = await startRig({
      printer: 'none',
      conf: `[button bell]\npin: ^!${chip.name}/gpio6\non_press: {send_notification("pressed")}\n`,
    })
    using client = await WebClient.open(rig.url)
    chip.drive(6, 0)
    const { params } = await client.notified('notify_button_event')
    assert.equal(params[0].aux, 'pressed')
  })

  await t.test('a power device switches its pin', async () => {
    await using rig = await startRig({
      printer: 'none',
      conf: `[power relay]\ntype: gpio\npin: ${chip.name}/gpio7\n`,
    })
    using client = await WebClient.open(rig.url)
    await client.call('machine.device_power.post_device', { device: 'relay', action: 'on' })
    assert.equal(chip.level(7), 1)
  })

  await t.test('a transmitter sends its code, and its line is low after it', async () => {
    await using rig = await startRig({
      printer: 'none',
      conf: `[power socket]\ntype: rf\npin: ${chip.name}/gpio0\non_code: 101\noff_code: 1\n`,
    })
    using client = await WebClient.open(rig.url)
    const reply = await client.call('machine.device_power.post_device', { device: 'socket', action: 'on' })
    assert.deepEqual(reply.result, { socket: 'on' })
    assert.equal(chip.level(0), 0)
  })
})
