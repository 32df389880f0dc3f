// Messages to the service manager, received on a socket as systemd has it.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { findServiceManager } from '../../src/core/service-manager.ts'
import { HandClock } from '../support/hand-clock.ts'
import { NotifySocket } from '../support/notify-socket.ts'
import { testLog } from '../support/test-log.ts'

test('the service manager learns of the start, of each third of the watchdog, and of the end', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'notify-'))
  for (const path of [join(folder, 'socket'), `@moonraker-ts-test-${process.pid}`]) {
    using socket = new NotifySocket(path)
    const clock = new HandClock()
    const env = { NOTIFY_SOCKET: path, WATCHDOG_USEC: '30000000', WATCHDOG_PID: String(process.pid) }
    const manager = await findServiceManager(env, clock, testLog())
    await manager?.ready()
    assert.deepEqual(socket.received(), ['READY=1'])
    clock.pass(10)
    assert.deepEqual(socket.received(), ['WATCHDOG=1'])
    await manager?.stopping()
    clock.pass(30)
    assert.deepEqual(socket.received(), ['STOPPING=1'])
  }
  rmSync(folder, { recursive: true })
})

test('without a watchdog for this process there are no signs of life', async () => {
  for (const env of [{}, { WATCHDOG_USEC: '30000000', WATCHDOG_PID: '1' }, { WATCHDOG_USEC: 'x' }]) {
    const path = `@moonraker-ts-test-${process.pid}`
    using socket = new NotifySocket(path)
    const clock = new HandClock()
    const manager = await findServiceManager({ NOTIFY_SOCKET: path, ...env }, clock, testLog())
    await manager?.ready()
    clock.pass(60)
    assert.deepEqual(socket.received(), ['READY=1'])
  }
})

test('no service manager, and one that does not listen, change nothing', async () => {
  const clock = new HandClock()
  assert.equal(await findServiceManager({}, clock, testLog()), null)
  assert.equal(await findServiceManager({ NOTIFY_SOCKET: 'vsock:2:1234' }, clock, testLog()), null)
  const lines: string[] = []
  const log = testLog({ console: line => lines.push(line) })
  await (await findServiceManager({ NOTIFY_SOCKET: '/nowhere/socket' }, clock, log))?.ready()
  assert.match(lines.join(), /the service manager does not receive READY=1/)
})
