// The lists as callers get them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { servePeripherals } from '../../../../src/components/machine/peripherals/index.ts'
import { systemCalls } from '../../../../src/components/machine/system-calls.ts'
import { systemClock } from '../../../../src/core/clock.ts'
import type { ApiError } from '../../../../src/core/errors.ts'
import { dataPaths } from '../../../../src/core/paths.ts'
import { Scope } from '../../../../src/core/scope.ts'
import { INTERNAL_CALLER } from '../../../../src/rpc/caller.ts'
import { Registry } from '../../../../src/rpc/registry.ts'
import { checkReply } from '../../../support/check-reply.ts'
import { MachineFolder } from '../../../support/machine-folder.ts'
import { testLog } from '../../../support/test-log.ts'
import { raspberryPi } from './raspberry-pi.ts'

/** Serves what `machine` has; every reply is compared with the contract. */
function serve(machine: MachineFolder) {
  const registry = new Registry({ observe: checkReply })
  const scope = new Scope()
  const log = testLog()
  const paths = dataPaths(`${machine.root}/printer_data`)
  const calls = systemCalls(log)
  const { signal } = new AbortController()
  servePeripherals({ registry, log, paths, clock: systemClock }, scope, { root: machine.root, calls, signal })
  return {
    call: async (name: string, params: object = {}) =>
      (await registry.call(`machine.peripherals.${name}`, params, INTERNAL_CALLER)) as Record<
        string,
        unknown[]
      >,
    names: () => [...registry.methods()].map(({ name }) => name),
    scope,
  }
}

/** How many things each list of a reply holds. */
const counts = (reply: Record<string, unknown[]>) =>
  Object.fromEntries(Object.entries(reply).map(([key, list]) => [key, list.length]))

test('a Raspberry Pi', async () => {
  using pi = raspberryPi()
  const { call } = serve(pi)
  assert.deepEqual(counts(await call('usb')), { usb_devices: 5 })
  assert.deepEqual(counts(await call('serial')), { serial_devices: 4 })
  assert.deepEqual((await call('video')).libcamera_devices, [])
})

test('a machine that has nothing', async () => {
  using machine = new MachineFolder()
  const { call } = serve(machine)
  assert.deepEqual(await call('usb'), { usb_devices: [] })
  assert.deepEqual(await call('serial'), { serial_devices: [] })
  assert.deepEqual(await call('video'), { v4l2_devices: [], libcamera_devices: [] })
})

test('names of usb.ids that a Moonraker left in the data folder', async () => {
  using pi = raspberryPi()
  pi.write('/printer_data/misc/usb.ids', '1a40  Left behind\n')
  const { usb_devices = [] } = await serve(pi).call('usb')
  assert.match(JSON.stringify(usb_devices), /"description":"Left behind"/)
})

test('callers of the same moment get one answer, later ones another', async () => {
  using pi = raspberryPi()
  const { call } = serve(pi)
  const [first, second] = await Promise.all([call('serial'), call('serial')])
  const third = await call('serial')
  assert.equal(first?.serial_devices, second?.serial_devices)
  assert.notEqual(third.serial_devices, first?.serial_devices)
  assert.deepEqual(third, first)
})

test('interfaces that cannot be queried; can0 is the default', async () => {
  using machine = new MachineFolder()
  machine.device('/sys/class/net/lo', { ifindex: '1', type: '772', flags: '0x9' })
  const { call } = serve(machine)
  const refusals: readonly (readonly [params: object, text: RegExp])[] = [
    [{}, /There is no network interface 'can0'/],
    [{ interface: 'lo' }, /'lo' is no CAN bus/],
    [{ interface: '../lo' }, /Invalid argument \[interface\]/],
    [{ interface: '' }, /Invalid argument \[interface\]/],
    [{ interface: 'x'.repeat(100_000) }, /Invalid argument \[interface\]/],
    [{ interface: null }, /argument \[interface\]/],
    [{ interface: ['can0'] }, /argument \[interface\]/],
  ]
  for (const [params, text] of refusals) {
    const refused = (error: ApiError) =>
      error.status === 400 && text.test(error.message) && error.message.length < 250
    await assert.rejects(call('canbus', params), refused)
  }
})

test('what was served goes with its scope', () => {
  using machine = new MachineFolder()
  const { names, scope } = serve(machine)
  assert.equal(names().length, 4)
  scope.close()
  assert.deepEqual(names(), [])
})
