// Samples of machines whose /proc and /sys are ours, and of this one.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProcStatUpdate } from '../../../src/api/machine.ts'
import { Sampler } from '../../../src/components/proc-stats/sampler.ts'
import { SmallFiles } from '../../../src/components/proc-stats/small-files.ts'
import { MachineFolder } from './machine-folder.ts'

const NET_HEAD = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
`

function netDev(...lines: string[]): string {
  return `${NET_HEAD}${lines.join('\n')}\n`
}

test('rates are those since the sample before', () => {
  using machine = new MachineFolder({
    '/proc/stat': 'cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 100 0 100 800 0 0 0 0 0 0\nintr 1 2 3\ncpufreq 1\n',
    '/proc/net/dev': netDev(
      '    lo: 1000 10 1 2 0 0 0 0 1000 20 3 4 0 0 0 0',
      '  eth0: 5 1 0 0 0 0 0 0 7 1 0 0 0 0 0 0',
    ),
  })
  const sampler = new Sampler(machine.files)
  const first = sampler.sample(1000, 50)
  assert.deepEqual(first.system_cpu_usage, { cpu: 20, cpu0: 20 }, 'since the machine started')
  assert.equal(first.network.lo?.bandwidth, 0)
  assert.equal(first.moonraker_stats.time, 1000)
  assert.equal(first.moonraker_stats.cpu_usage, 0)

  machine.write('/proc/stat', 'cpu  110 5 105 850 20 1 2 7 99 99\ncpu0 100 0 100 800 0 0 0 0 0 0\nintr 1\n')
  machine.write(
    '/proc/net/dev',
    netDev('    lo: 3000 12 1 2 0 0 0 0 3500 22 3 5 0 0 0 0', 'wlan0:1 1 1 1 1 1 1 1 2 2 2 2 2 2 2 2'),
  )
  const second = sampler.sample(1002, 52)
  assert.deepEqual(second.system_cpu_usage, { cpu: 30, cpu0: 0 })
  assert.deepEqual(second.network, {
    lo: {
      rx_bytes: 3000,
      tx_bytes: 3500,
      rx_packets: 12,
      tx_packets: 22,
      rx_errs: 1,
      tx_errs: 3,
      rx_drop: 2,
      tx_drop: 5,
      bandwidth: 2250,
    },
    wlan0: {
      rx_bytes: 1,
      tx_bytes: 2,
      rx_packets: 1,
      tx_packets: 2,
      rx_errs: 1,
      tx_errs: 2,
      rx_drop: 1,
      tx_drop: 2,
      bandwidth: 0,
    },
  })
})

test('counters that begin anew or go back give no negative rates', () => {
  using machine = new MachineFolder({
    '/proc/stat': 'cpu  100 0 100 800 50 0 0 0 0 0\n',
    '/proc/net/dev': netDev('eth0: 9000 1 0 0 0 0 0 0 9000 1 0 0 0 0 0 0'),
  })
  const sampler = new Sampler(machine.files)
  sampler.sample(1000, 50)
  machine.write('/proc/stat', 'cpu  120 0 100 800 40 0 0 0 0 0\n')
  machine.write('/proc/net/dev', netDev('eth0: 10 1 0 0 0 0 0 0 10 1 0 0 0 0 0 0'))
  const sample = sampler.sample(1001, 51)
  assert.deepEqual(sample.system_cpu_usage, { cpu: 100 })
  assert.equal(sample.network.eth0?.bandwidth, 0)
})

test('memory is told in kB', () => {
  using machine = new MachineFolder({
    '/proc/meminfo':
      'MemTotal:       24684084 kB\nMemFree:        23734544 kB\nMemAvailable:   24122516 kB\n',
  })
  assert.deepEqual(new Sampler(machine.files).sample(0, 0).system_memory, {
    total: 24684084,
    available: 24122516,
    used: 561568,
  })
})

test('a machine that tells nothing still gives a sample of this process', () => {
  using machine = new MachineFolder()
  const sampler = new Sampler(machine.files)
  const { moonraker_stats, ...load } = sampler.sample(1000, 50)
  assert.deepEqual(load, { cpu_temp: null, network: {}, system_cpu_usage: {}, system_memory: {} })
  assert.ok((moonraker_stats.memory ?? 0) > 1000)
  assert.ok(sampler.uptime() > 0)
})

test('the uptime is that of the machine', () => {
  using machine = new MachineFolder({ '/proc/uptime': '7112.07 14000.11\n' })
  assert.equal(new Sampler(machine.files).uptime(), 7112.07)
})

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
  ['a zone with nonsense', { '/sys/class/thermal/thermal_zone0/temp': '\n' }, null],
]

for (const [what, files, expected] of temperatures) {
  test(`temperature of the processor: ${what}`, () => {
    using machine = new MachineFolder(files)
    assert.equal(new Sampler(machine.files).sample(0, 0).cpu_temp, expected)
  })
}

test('this machine gives samples as they are declared', () => {
  const sampler = new Sampler(new SmallFiles(''))
  sampler.sample(1000, 50)
  const sample = { ...sampler.sample(1001, 51), websocket_connections: 0 }
  assert.deepEqual(ProcStatUpdate.read(sample, 'sample'), sample)
})
