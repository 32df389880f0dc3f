// Which of a machine's sensors is that of the processor.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CpuTemperature } from '../../../src/components/proc-stats/cpu-temperature.ts'
import { MachineFolder } from '../../support/machine-folder.ts'

const temperatures: readonly (readonly [
  what: string,
  files: Record<string, string>,
  expected: number | null,
])[] = [
  ['the first thermal zone', { '/sys/class/thermal/thermal_zone0/temp': '44008\n' }, 44.008],
  [
    'the zone of the processor before the first',
    {
      '/sys/class/thermal/thermal_zone0/type': 'acpitz\n',
      '/sys/class/thermal/thermal_zone0/temp': '27800\n',
      '/sys/class/thermal/thermal_zone10/type': 'x86_pkg_temp\n',
      '/sys/class/thermal/thermal_zone10/temp': '51000\n',
    },
    51,
  ],
  [
    'the chip of the processor before a zone that is none',
    {
      '/sys/class/thermal/thermal_zone0/type': 'acpitz\n',
      '/sys/class/thermal/thermal_zone0/temp': '27800\n',
      '/sys/class/hwmon/hwmon0/name': 'nvme\n',
      '/sys/class/hwmon/hwmon0/temp1_input': '39000\n',
      '/sys/class/hwmon/hwmon1/name': 'k10temp\n',
      '/sys/class/hwmon/hwmon1/temp1_input': '48125\n',
    },
    48.125,
  ],
  ['no zone that can be read', { '/sys/class/thermal/thermal_zone0/type': 'cpu-thermal\n' }, null],
  [
    'a fan that is named like one is none',
    {
      '/sys/class/thermal/cooling_device0/type': 'cpufreq-cpu0\n',
      '/sys/class/thermal/cooling_device0/temp': '1\n',
      '/sys/class/thermal/thermal_zone0/temp': '44008\n',
    },
    44.008,
  ],
  ['a zone with nonsense', { '/sys/class/thermal/thermal_zone0/temp': '\n' }, null],
]

for (const [what, files, expected] of temperatures) {
  test(what, async () => {
    using machine = new MachineFolder(files)
    const temperature = new CpuTemperature(machine.files)
    await temperature.refresh()
    await temperature.close()
    assert.equal(temperature.latest, expected)
  })
}

test('a sensor that fails for a while', async () => {
  const place = '/sys/class/thermal/thermal_zone0/temp'
  using machine = new MachineFolder({ [place]: '44008\n' })
  const temperature = new CpuTemperature(machine.files)
  const read = async () => {
    await temperature.refresh()
    return temperature.latest
  }
  assert.equal(await read(), 44.008)
  machine.write(place, '')
  assert.equal(await read(), null)
  machine.write(place, '45000\n')
  assert.equal(await read(), 45)
  await temperature.close()
})
