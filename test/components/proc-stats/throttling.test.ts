// What the firmware of a Raspberry Pi says, through sysfs and through a program.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { throttledState, throttlingSources } from '../../../src/components/proc-stats/throttling.ts'
import { MachineFolder } from '../../support/machine-folder.ts'

const DRIVER = '/sys/bus/platform/drivers/raspberrypi-firmware'
const SYSFS = `${DRIVER}/soc:firmware/get_throttled`
const PROGRAM = '/usr/bin/vcgencmd'

const { signal } = new AbortController()

/** What every source says, the first first. */
async function askAll(machine: MachineFolder): Promise<(number | string)[]> {
  const sources = await throttlingSources(machine.files)
  return Promise.all(sources.map(ask => ask(signal).catch(error => String(error))))
}

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

test('the program is asked before the kernel, and all bits before one', async () => {
  using machine = new MachineFolder({
    [SYSFS]: '80008\n',
    [PROGRAM]: '#!/bin/sh\n[ "$*" = get_throttled ] && echo throttled=0x50000\n',
    '/sys/class/hwmon/hwmon0/name': 'cpu_thermal\n',
    '/sys/class/hwmon/hwmon1/name': 'rpi_volt\n',
    '/sys/class/hwmon/hwmon1/in0_lcrit_alarm': '1\n',
  })
  assert.deepEqual(await askAll(machine), [0x50000, 0x80008, 1])
})

test('the file of the kernel is found on boards of all kinds', async () => {
  using machine = new MachineFolder({
    [`${DRIVER}/bind`]: '',
    [`${DRIVER}/soc@107c000000:firmware/get_throttled`]: '4\n',
  })
  assert.deepEqual(await askAll(machine), [4])
})

test('an answer that is none is an error', async () => {
  using machine = new MachineFolder({
    [PROGRAM]: '#!/bin/sh\necho VCHI initialization failed\n',
    [SYSFS]: 'none\n',
    '/sys/class/hwmon/hwmon0/name': 'rpi_volt\n',
  })
  const [program, file, chip] = await askAll(machine)
  assert.match(String(program), /not understood/)
  assert.match(String(file), /not understood/)
  assert.match(String(chip), /does not tell the alarm/)
})

test('a program that fails says why', async () => {
  using machine = new MachineFolder({
    [PROGRAM]: "#!/bin/sh\necho Can\\'t open device file: /dev/vcio >&2\nexit 255\n",
  })
  const [answer] = await askAll(machine)
  assert.match(String(answer), /^Error: Can't open device file: \/dev\/vcio$/)
})

test('other machines are not asked', async () => {
  using machine = new MachineFolder({ '/sys/class/hwmon/hwmon0/name': 'k10temp\n' })
  assert.deepEqual(await throttlingSources(machine.files), [])
})
