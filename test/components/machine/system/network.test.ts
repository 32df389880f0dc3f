// The interfaces of the network and of CAN.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readCanbus, readNetwork } from '../../../../src/components/machine/system/network.ts'
import { MachineFolder } from '../../../support/machine-folder.ts'
import { computerOf, raspberryPi4 } from './machines.ts'

const MAC = 'dc:a6:32:00:00:01'

test('what is good on one cable only', async () => {
  using machine = new MachineFolder()
  const addresses = ['169.254.7.8', '169.25.4.7', '192.168.7.8', 'fe80::1', 'febf::1', 'fec0::1', 'fd00::1']
  const { eth0 } = await readNetwork(
    machine.files,
    computerOf('arm64', 'aarch64', { eth0: [MAC, ...addresses] }),
  )
  assert.deepEqual(
    eth0?.ip_addresses.filter(({ is_link_local }) => is_link_local).map(({ address }) => address),
    ['169.254.7.8', 'fe80::1', 'febf::1'],
  )
})

test('tunnels and the loop are left out, and further names of an interface are the same one', async () => {
  using machine = new MachineFolder({
    '/sys/class/net/eth0/type': '1\n',
    '/sys/class/net/gre1/type': '778\n',
  })
  const network = await readNetwork(
    machine.files,
    computerOf('arm64', 'aarch64', {
      lo: ['00:00:00:00:00:00', '127.0.0.1'],
      tun0: ['00:00:00:00:00:00', '10.8.0.2'],
      gre1: ['c0:a8:01:02:00:00', '10.9.0.2'],
      eth0: [MAC, '192.168.1.2'],
      'eth0:1': [MAC, '192.168.2.2'],
    }),
  )
  assert.deepEqual(network, {
    eth0: {
      mac_address: MAC,
      ip_addresses: [
        { family: 'ipv4', address: '192.168.1.2', is_link_local: false },
        { family: 'ipv4', address: '192.168.2.2', is_link_local: false },
      ],
    },
  })
})

test('names that mean something in JavaScript are names', async () => {
  using machine = new MachineFolder({ '/sys/class/net/__proto__/type': '280\n' })
  const names = ['__proto__', 'constructor']
  const computer = computerOf(
    'arm64',
    'aarch64',
    Object.fromEntries(names.map(name => [name, [MAC, '10.0.0.1']])),
  )
  machine.write('/sys/class/net/constructor/type', '1\n')
  assert.deepEqual(Object.keys(await readNetwork(machine.files, computer)), ['constructor'])
  assert.deepEqual(Object.keys(await readCanbus(machine.files, computer)), ['__proto__'])
})

test('a CAN interface that is up, as the kernel reports it', async () => {
  using machine = new MachineFolder(raspberryPi4)
  const computer = {
    ...computerOf('arm64', 'aarch64'),
    canLink: async (index: number) => ({ bitrate: index === 4 ? 1_000_000 : 0, driver: 'gs_usb' }),
  }
  assert.deepEqual(await readCanbus(machine.files, computer), {
    can0: { tx_queue_len: 128, bitrate: 1_000_000, driver: 'gs_usb' },
  })
})

test('if the kernel cannot be queried, the bitrate is unknown and the driver that of the device', async () => {
  using machine = new MachineFolder(raspberryPi4)
  machine.write('/sys/class/net/vcan0/type', '280\n')
  machine.device('/sys/devices/platform/spi0.0', {}, 'spi/mcp251x')
  machine.sysLink('/sys/class/net/can0/device', '/sys/devices/platform/spi0.0')
  const computer = computerOf('arm64', 'aarch64')
  assert.deepEqual(await readCanbus(machine.files, computer), {
    can0: { tx_queue_len: 128, bitrate: null, driver: 'mcp251x' },
    vcan0: { tx_queue_len: null, bitrate: null, driver: null },
  })
})

test('where interfaces may not be listed there are none', async () => {
  using machine = new MachineFolder()
  const computer = {
    ...computerOf('arm64', 'aarch64'),
    interfaces: () => {
      throw new Error('uv_interface_addresses returned Unknown system error 13')
    },
  }
  assert.deepEqual(await readNetwork(machine.files, computer), {})
})
