// The samples and notifications, second by second.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { LoadMonitor } from '../../../src/components/proc-stats/load-monitor.ts'
import { ProcStats } from '../../../src/components/proc-stats/proc-stats.ts'
import { Scope } from '../../../src/core/scope.ts'
import type { Connection } from '../../../src/rpc/connection.ts'
import { Connections } from '../../../src/rpc/connections.ts'
import { Presence } from '../../../src/rpc/presence.ts'
import { TRUSTED_USER } from '../../../src/rpc/user.ts'
import { HandClock } from '../../support/hand-clock.ts'
import { MachineFolder } from '../../support/machine-folder.ts'
import { testLog } from '../../support/test-log.ts'

const THROTTLED = '/sys/bus/platform/drivers/raspberrypi-firmware/soc:firmware/get_throttled'

/** A client that keeps its messages, and can wait for one. */
class Listener {
  readonly messages: { method: string; params: unknown[] }[] = []
  #waiting: { readonly method: string; readonly resolve: () => void } | null = null

  receive(text: string): void {
    const message = JSON.parse(text)
    this.messages.push(message)
    if (this.#waiting?.method === message.method) this.#waiting?.resolve()
  }

  next(method: string): Promise<void> {
    return new Promise(resolve => {
      this.#waiting = { method, resolve }
    })
  }

  all(method: string): unknown[] {
    return this.messages.filter(message => message.method === method).map(({ params }) => params[0])
  }
}

function watch(machine: MachineFolder) {
  const clock = new HandClock()
  const connections = new Connections()
  const listener = new Listener()
  const logged = Promise.withResolvers<string>()
  connections.open('websocket', '127.0.0.1', TRUSTED_USER, {
    send: text => listener.receive(text),
    sendShared: message => listener.receive(message.text),
    buffered: 0,
    onDrain: () => {},
    close: () => {},
    terminate: () => {},
  })
  const log = testLog({ clock, console: logged.resolve, level: 'info' })
  const monitor = new LoadMonitor({ clock, log }, machine.root)
  return {
    clock,
    connections,
    listener,
    logged: logged.promise,
    scope: new Scope(),
    monitor,
    stats: new ProcStats(connections, new Presence(connections, clock), monitor),
    [Symbol.dispose]: () => void monitor.stop(),
  }
}

/** Lets the files be read meanwhile. */
async function until(reached: () => boolean): Promise<void> {
  while (!reached()) await setImmediate()
}

test('notifies once a second and keeps the last 30 samples', async () => {
  using machine = new MachineFolder()
  using watched = watch(machine)
  const { clock, listener, scope, stats } = watched
  await stats.start(scope)
  assert.equal(stats.reply().moonraker_stats.length, 1)
  clock.pass(40)
  assert.equal(listener.all('notify_proc_stat_update').length, 40)
  const { moonraker_stats, ...latest } = stats.reply()
  assert.deepEqual(
    moonraker_stats.map(({ time }) => time - 1_700_000_000),
    Array.from({ length: 30 }, (_, index) => index + 11),
  )
  const { throttled_state, system_uptime, ...load } = latest
  assert.equal(throttled_state, null)
  assert.ok(system_uptime > 0)
  assert.deepEqual(listener.all('notify_proc_stat_update').at(-1), {
    moonraker_stats: moonraker_stats.at(-1),
    ...load,
    websocket_connections: 1,
  })
})

test('a closed scope ends the notifications, and without another printer the measuring', async () => {
  using machine = new MachineFolder({ [THROTTLED]: '0\n' })
  using watched = watch(machine)
  const { clock, listener, monitor, scope, stats } = watched
  await stats.start(scope)
  const other = monitor.follow({ sampled: () => {}, throttled: () => {} })
  scope.close()
  clock.pass(20)
  assert.deepEqual(listener.messages, [])
  assert.equal(monitor.history.length, 21)
  other.remove()
  clock.pass(5)
  assert.equal(monitor.history.length, 21)
})

test('without clients nothing is measured; a client gets samples of each second again', async () => {
  using machine = new MachineFolder()
  using watched = watch(machine)
  const { clock, connections, listener, scope, stats } = watched
  const [client] = connections
  await stats.start(scope)
  clock.pass(10)
  connections.closed(client as Connection)
  clock.pass(100)
  assert.equal(listener.messages.length, 10)
  assert.deepEqual(clock.waits(), [])
  // A program that polls over HTTP gets a new sample, and one of each second from then on.
  const times = () => stats.reply().moonraker_stats.map(({ time }) => time - 1_700_000_000)
  assert.deepEqual(times(), [110])
  clock.pass(2)
  assert.deepEqual(times(), [110, 111, 112])
  clock.pass(100)
  assert.deepEqual(clock.waits(), [])
})

test('a stopped monitor does not measure', async () => {
  using machine = new MachineFolder({ [THROTTLED]: '0\n' })
  using watched = watch(machine)
  const { clock, listener, monitor, scope, stats } = watched
  await stats.start(scope)
  await monitor.stop()
  clock.pass(20)
  assert.deepEqual(listener.messages, [])
  assert.equal(monitor.history.length, 1)
})

test('two printers receive the same samples', async () => {
  using machine = new MachineFolder()
  using watched = watch(machine)
  const { clock, monitor, scope, stats } = watched
  const samples: unknown[][] = [[], []]
  const others = new Connections()
  const other = new ProcStats(others, new Presence(others, clock), monitor)
  for (const each of samples) {
    monitor.follow({ sampled: sample => each.push(sample.moonraker_stats), throttled: () => {} })
  }
  await Promise.all([stats.start(scope), other.start(scope)])
  clock.pass(2)
  assert.equal(samples[0]?.length, 2)
  assert.deepEqual(samples[0], samples[1])
  assert.deepEqual(stats.reply().moonraker_stats, other.reply().moonraker_stats)
})

test('the temperature is that of the previous second', async () => {
  using machine = new MachineFolder({ '/sys/class/thermal/thermal_zone0/temp': '44008\n' })
  using watched = watch(machine)
  const { clock, listener, scope, stats } = watched
  assert.equal(stats.reply().cpu_temp, null)
  await stats.start(scope)
  await until(() => stats.reply().cpu_temp === 44.008)
  machine.write('/sys/class/thermal/thermal_zone0/temp', '-5000\n')
  clock.pass(1)
  await until(() => stats.reply().cpu_temp === -5)
  clock.pass(1)
  const sent = listener.all('notify_proc_stat_update') as { readonly cpu_temp: number }[]
  assert.deepEqual(
    sent.map(({ cpu_temp }) => cpu_temp),
    [44.008, -5],
  )
})

test('the reply exists before the start', () => {
  using machine = new MachineFolder()
  using watched = watch(machine)
  assert.equal(watched.stats.reply().moonraker_stats.length, 1)
})

test('notifies when throttling of the processor starts or ends', async () => {
  using machine = new MachineFolder({ [THROTTLED]: '0\n' })
  using watched = watch(machine)
  const { clock, listener, scope, stats } = watched
  await stats.start(scope)
  await until(() => stats.reply().throttled_state?.bits === 0)
  machine.write(THROTTLED, '50005\n')
  const notified = listener.next('notify_cpu_throttled')
  clock.pass(10)
  await notified
  const state = {
    bits: 0x50005,
    flags: [
      'Under-Voltage Detected',
      'Currently Throttled',
      'Previously Under-Volted',
      'Previously Throttled',
    ],
  }
  assert.deepEqual(listener.all('notify_cpu_throttled'), [state])
  assert.deepEqual(stats.reply().throttled_state, state)
})

test('notifies of a processor that is throttled from the start', async () => {
  using machine = new MachineFolder({ [THROTTLED]: '4\n' })
  using watched = watch(machine)
  const { listener, scope, stats } = watched
  const notified = listener.next('notify_cpu_throttled')
  await stats.start(scope)
  await notified
  assert.deepEqual(listener.all('notify_cpu_throttled'), [{ bits: 4, flags: ['Currently Throttled'] }])
})

const FAILING = '#!/bin/sh\necho called >>"$0.log"\nexit 255\n'

test('a program that fails is logged and not called again', async () => {
  using machine = new MachineFolder({ '/usr/bin/vcgencmd': FAILING })
  using watched = watch(machine)
  const { clock, logged, scope, stats } = watched
  await stats.start(scope)
  assert.match(await logged, /cannot read whether the processor is throttled: .*vcgencmd ended with code 255/)
  clock.pass(60)
  assert.equal(stats.reply().throttled_state, null)
  assert.equal(await machine.files.text('/usr/bin/vcgencmd.log'), 'called')
})

test('after a failure of the program the kernel is read', async () => {
  using machine = new MachineFolder({ '/usr/bin/vcgencmd': FAILING, [THROTTLED]: '50000\n' })
  using watched = watch(machine)
  const { clock, listener, scope, stats } = watched
  const notified = listener.next('notify_cpu_throttled')
  await stats.start(scope)
  await notified
  clock.pass(20)
  assert.equal(stats.reply().throttled_state?.bits, 0x50000)
  assert.equal(await machine.files.text('/usr/bin/vcgencmd.log'), 'called')
})
