// The throttling of a Raspberry Pi, from sysfs and from a program.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { throttledState, throttlingSources } from '../../../src/components/proc-stats/throttling.ts'
import { MachineFolder } from '../../support/machine-folder.ts'

const DRIVER = '/sys/bus/platform/drivers/raspberrypi-firmware'
const SYSFS = `${DRIVER}/soc:firmware/get_throttled`
const PROGRAM = '/usr/bin/vcgencmd'

const { signal } = new AbortController()

/** The values of all sources, in their order. */
async function readAll(machine: MachineFolder): Promise<(number | string)[]> {
  const sources = await throttlingSources(machine.files)
  return Promise.all(sources.map(read => read(signal).catch(error => String(error))))
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

test('the program comes before the kernel, and all bits before a single one', async () => {
  using machine = new MachineFolder({
    [SYSFS]: '80008\n',
    [PROGRAM]: '#!/bin/sh\n[ "$*" = get_throttled ] && echo throttled=0x50000\n',
    '/sys/class/hwmon/hwmon0/name': 'cpu_thermal\n',
    '/sys/class/hwmon/hwmon1/name': 'rpi_volt\n',
    '/sys/class/hwmon/hwmon1/in0_lcrit_alarm': '1\n',
  })
  assert.deepEqual(await readAll(machine), [0x50000, 0x80008, 1])
})

test('the file of the kernel is found on boards of all kinds', async () => {
  using machine = new MachineFolder({
    [`${DRIVER}/bind`]: '',
    [`${DRIVER}/soc@107c000000:firmware/get_throttled`]: '4\n',
  })
  assert.deepEqual(await readAll(machine), [4])
})

test('an invalid reply is an error', async () => {
  using machine = new MachineFolder({
    [PROGRAM]: '#!/bin/sh\necho VCHI initialization failed\n',
    [SYSFS]: 'none\n',
    '/sys/class/hwmon/hwmon0/name': 'rpi_volt\n',
  })
  const [program, file, chip] = await readAll(machine)
  assert.match(String(program), /not a hexadecimal number/)
  assert.match(String(file), /not a hexadecimal number/)
  assert.match(String(chip), /has no alarm of the voltage/)
})

test('the error of a program is its message', async () => {
  using machine = new MachineFolder({
    [PROGRAM]: "#!/bin/sh\necho Can\\'t open device file: /dev/vcio >&2\nexit 255\n",
  })
  const [answer] = await readAll(machine)
  assert.match(String(answer), /^Error: Can't open device file: \/dev\/vcio$/)
})

test('other machines have no source', async () => {
  using machine = new MachineFolder({ '/sys/class/hwmon/hwmon0/name': 'k10temp\n' })
  assert.deepEqual(await throttlingSources(machine.files), [])
})
