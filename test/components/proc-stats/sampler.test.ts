// Samples of machines whose /proc and /sys are ours, and of this one.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProcStatUpdate } from '../../../src/api/machine.ts'
import { ProcFiles } from '../../../src/components/proc-stats/proc-files.ts'
import { Sampler } from '../../../src/components/proc-stats/sampler.ts'
import { MachineFolder } from '../../support/machine-folder.ts'

const NET_HEAD = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
`

function netDev(...lines: string[]): string {
  return `${NET_HEAD}${lines.join('\n')}\n`
}

test('rates are those since the previous sample', () => {
  using machine = new MachineFolder({
    '/proc/stat': 'cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 100 0 100 800 0 0 0 0 0 0\nintr 1 2 3\ncpufreq 1\n',
    '/proc/net/dev': netDev(
      '    lo: 1000 10 1 2 0 0 0 0 1000 20 3 4 0 0 0 0',
      '  eth0: 5 1 0 0 0 0 0 0 7 1 0 0 0 0 0 0',
    ),
  })
  const sampler = new Sampler(new ProcFiles(machine.root))
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

test('counters that restart or decrease give no negative rates', () => {
  using machine = new MachineFolder({
    '/proc/stat': 'cpu  100 0 100 800 50 0 0 0 0 0\n',
    '/proc/net/dev': netDev('eth0: 9000 1 0 0 0 0 0 0 9000 1 0 0 0 0 0 0'),
  })
  const sampler = new Sampler(new ProcFiles(machine.root))
  sampler.sample(1000, 50)
  machine.write('/proc/stat', 'cpu  120 0 100 800 40 0 0 0 0 0\n')
  machine.write('/proc/net/dev', netDev('eth0: 10 1 0 0 0 0 0 0 10 1 0 0 0 0 0 0'))
  const sample = sampler.sample(1001, 51)
  assert.deepEqual(sample.system_cpu_usage, { cpu: 100 })
  assert.equal(sample.network.eth0?.bandwidth, 0)
})

test('names of properties of Object are ordinary names', () => {
  using machine = new MachineFolder({
    '/proc/net/dev': netDev('__proto__: 1 0 0 0 0 0 0 0 2 0 0 0 0 0 0 0'),
  })
  const { network } = new Sampler(new ProcFiles(machine.root)).sample(1000, 50)
  assert.deepEqual(Object.keys(network), ['__proto__'])
})

test('memory is in kB', () => {
  using machine = new MachineFolder({
    '/proc/meminfo':
      'MemTotal:       24684084 kB\nMemFree:        23734544 kB\nMemAvailable:   24122516 kB\n',
  })
  assert.deepEqual(new Sampler(new ProcFiles(machine.root)).sample(0, 0).system_memory, {
    total: 24684084,
    available: 24122516,
    used: 561568,
  })
})

test('the memory of this process is counted in pages of the size that the kernel has', () => {
  const pages = Math.round(process.memoryUsage.rss() / 16384)
  using machine = new MachineFolder({ '/proc/self/statm': `90000 ${pages} 100 1 0 300 0\n` })
  const sampler = new Sampler(new ProcFiles(machine.root))
  assert.equal(sampler.sample(1000, 50).moonraker_stats.memory, pages * 16)
  machine.write('/proc/self/statm', `90000 ${pages + 7} 100 1 0 300 0\n`)
  assert.equal(sampler.sample(1001, 51).moonraker_stats.memory, (pages + 7) * 16)
})

test('without files of the kernel a sample still has the load of this process', () => {
  using machine = new MachineFolder()
  const sampler = new Sampler(new ProcFiles(machine.root))
  const { moonraker_stats, ...load } = sampler.sample(1000, 50)
  assert.deepEqual(load, { network: {}, system_cpu_usage: {}, system_memory: {} })
  assert.ok((moonraker_stats.memory ?? 0) > 1000)
  assert.ok(sampler.uptime() > 0)
})

test('the uptime is that of the machine', () => {
  using machine = new MachineFolder({ '/proc/uptime': '7112.07 14000.11\n' })
  assert.equal(new Sampler(new ProcFiles(machine.root)).uptime(), 7112.07)
})

test('samples of this machine fit the contract', () => {
  const sampler = new Sampler(new ProcFiles(''))
  sampler.sample(1000, 50)
  const sample = { ...sampler.sample(1001, 51), cpu_temp: null, websocket_connections: 0 }
  assert.deepEqual(ProcStatUpdate.read(sample, 'sample'), sample)
})
