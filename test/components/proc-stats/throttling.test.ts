// What the firmware of a Raspberry Pi says, through sysfs and through a program.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findThrottling, throttledState } from '../../../src/components/proc-stats/throttling.ts'
import { MachineFolder } from './machine-folder.ts'

const SYSFS = '/sys/devices/platform/soc/soc:firmware/get_throttled'
const PROGRAM = '/usr/bin/vcgencmd'

test('every bit has its name, in the order of bits', () => {
  assert.deepEqual(throttledState(0), { bits: 0, flags: [] })
  assert.deepEqual(throttledState(0x50005), {
    bits: 0x50005,
    flags: [
      'Under-Voltage Detected',
      'Currently Throttled',
      'Previously Under-Volted',
      'Previously Throttled',
    ],
  })
  assert.deepEqual(throttledState(0xa000a).flags, [
    'Frequency Capped',
    'Temperature Limit Active',
    'Previously Frequency Capped',
    'Previously Temperature Limited',
  ])
})

test('sysfs is asked before the program', async () => {
  using machine = new MachineFolder({ [SYSFS]: '80008\n', [PROGRAM]: '#!/bin/sh\nexit 1\n' })
  assert.equal(await findThrottling(machine.files)?.(), 0x80008)
})

test('the program is asked where sysfs says nothing', async () => {
  using machine = new MachineFolder({
    [PROGRAM]: '#!/bin/sh\n[ "$*" = get_throttled ] && echo throttled=0x50000\n',
  })
  assert.equal(await findThrottling(machine.files)?.(), 0x50000)
})

test('an answer that is none is an error', async () => {
  using machine = new MachineFolder({ [PROGRAM]: '#!/bin/sh\necho VCHI initialization failed\n' })
  const ask = findThrottling(machine.files)
  assert.ok(ask)
  await assert.rejects(ask(), /not understood/)
  machine.write(PROGRAM, '#!/bin/sh\nexit 255\n')
  await assert.rejects(ask(), /Command failed/)
})

test('other machines are not asked', () => {
  using machine = new MachineFolder()
  assert.equal(findThrottling(machine.files), null)
})
