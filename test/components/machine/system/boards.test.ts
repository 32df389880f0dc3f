// What boards and a PC report.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Hardware } from '../../../../src/components/machine/system/hardware.ts'
import { type MachineFacts, MachineReader } from '../../../../src/components/machine/system/index.ts'
import { MachineFolder } from '../../../support/machine-folder.ts'
import * as machines from './machines.ts'

type Computer = ReturnType<typeof machines.computerOf>

async function read(tree: machines.Tree, computer: Computer): Promise<MachineFacts> {
  using machine = new MachineFolder(tree)
  const reader = new MachineReader(new Hardware({ root: machine.root, computer }), () => undefined)
  return await reader.read()
}

test('a Raspberry Pi 3, as the API document shows it', async () => {
  const computer = machines.computerOf('arm', 'armv7l', {
    lo: ['00:00:00:00:00:00', '127.0.0.1', '::1'],
    wlan0: ['b8:27:eb:00:00:01', '192.168.1.127', '2001:db8::1:127', 'fe80::ba27:ebff:fe00:1'],
  })
  assert.deepEqual(await read(machines.raspberryPi3, computer), {
    python: { version: [], version_string: '' },
    cpu_info: {
      cpu_count: 4,
      bits: '32bit',
      processor: 'armv7l',
      cpu_desc: 'ARMv7 Processor rev 4 (v7l)',
      serial_number: 'b898bdb4',
      hardware_desc: 'BCM2835',
      model: 'Raspberry Pi 3 Model B Rev 1.2',
      total_memory: 945364,
      memory_units: 'kB',
    },
    sd_info: {
      manufacturer_id: '03',
      manufacturer: 'Sandisk',
      oem_id: '5344',
      product_name: 'SU32G',
      product_revision: '8.0',
      serial_number: '0046ba46',
      manufacturer_date: '4/2018',
      capacity: '29.7 GiB',
      total_bytes: 31914983424,
    },
    distribution: {
      name: 'Raspbian GNU/Linux 10 (buster)',
      id: 'raspbian',
      version: '10',
      version_parts: { major: '10', minor: '', build_number: '' },
      like: 'debian',
      codename: 'buster',
      release_info: {},
      kernel_version: '5.10.17-v7+',
    },
    virtualization: { virt_type: 'none', virt_identifier: 'none' },
    network: {
      wlan0: {
        mac_address: 'b8:27:eb:00:00:01',
        ip_addresses: [
          { family: 'ipv4', address: '192.168.1.127', is_link_local: false },
          { family: 'ipv6', address: '2001:db8::1:127', is_link_local: false },
          { family: 'ipv6', address: 'fe80::ba27:ebff:fe00:1', is_link_local: true },
        ],
      },
    },
    canbus: {},
  })
})

test('a Raspberry Pi 4 with 64 bits and MainsailOS', async () => {
  const { cpu_info, distribution, sd_info } = await read(
    machines.raspberryPi4,
    machines.computerOf('arm64', 'aarch64'),
  )
  assert.deepEqual(cpu_info, {
    cpu_count: 4,
    bits: '64bit',
    processor: 'aarch64',
    cpu_desc: 'Cortex-A72',
    serial_number: '100000003d1d1c36',
    hardware_desc: 'BCM2711',
    model: 'Raspberry Pi 4 Model B Rev 1.4',
    total_memory: 3884376,
    memory_units: 'kB',
  })
  assert.deepEqual(distribution.release_info, {
    name: 'MainsailOS',
    version_id: '2.0.1',
    codename: 'bookworm',
    id: 'mainsailos',
  })
  assert.deepEqual(sd_info, {})
})

test('programs of 32 bits on a kernel of 64', async () => {
  const { cpu_info } = await read(machines.raspberryPi4, machines.computerOf('arm', 'aarch64'))
  assert.equal(cpu_info.bits, '32bit')
  assert.equal(cpu_info.processor, 'aarch64')
})

test('a Raspberry Pi 5 with a card of an unknown maker', async () => {
  const { cpu_info, sd_info } = await read(machines.raspberryPi5, machines.computerOf('arm64', 'aarch64'))
  assert.equal(cpu_info.cpu_desc, 'Cortex-A76')
  assert.equal(cpu_info.hardware_desc, 'BCM2712')
  assert.deepEqual(sd_info, {
    manufacturer_id: '9f',
    manufacturer: 'Unknown',
    oem_id: '5449',
    product_name: 'SD128',
    product_revision: '6.11',
    serial_number: '4a0c1d2e',
    manufacturer_date: '11/2023',
    capacity: '119.1 GiB',
    total_bytes: 127865454592,
  })
})

test('a board of another maker: names out of the device tree, an eMMC in place of a card', async () => {
  const { cpu_info, sd_info, distribution, virtualization } = await read(
    machines.orangePi4,
    machines.computerOf('arm64', 'aarch64'),
  )
  assert.deepEqual(cpu_info, {
    cpu_count: 6,
    bits: '64bit',
    processor: 'aarch64',
    cpu_desc: 'Cortex-A53, Cortex-A72',
    serial_number: '8fe3b2c1d4a59607',
    hardware_desc: 'RK3399',
    model: 'Orange Pi 4 LTS',
    total_memory: 3924564,
    memory_units: 'kB',
  })
  assert.deepEqual(sd_info, {
    manufacturer_id: '15',
    manufacturer: 'Samsung',
    oem_id: '0100',
    product_name: 'AJTD4R',
    product_revision: '8.10',
    serial_number: '5d3f00a1',
    manufacturer_date: '6/2021',
    capacity: '14.6 GiB',
    total_bytes: 15634268160,
  })
  assert.equal(distribution.name, 'Armbian 24.2.1 bookworm')
  assert.deepEqual(distribution.release_info, {})
  assert.deepEqual(virtualization, { virt_type: 'none', virt_identifier: 'none' })
})

test('a PC', async () => {
  const { cpu_info, distribution, sd_info, virtualization } = await read(
    machines.desktop,
    machines.computerOf('x64', 'x86_64'),
  )
  assert.deepEqual(cpu_info, {
    cpu_count: 2,
    bits: '64bit',
    processor: 'x86_64',
    cpu_desc: 'Intel(R) Core(TM) i5-7500T CPU @ 2.70GHz',
    serial_number: '',
    hardware_desc: '',
    model: 'OptiPlex 7050',
    total_memory: 16257132,
    memory_units: 'kB',
  })
  assert.deepEqual(distribution, {
    name: 'Ubuntu 24.04.1 LTS',
    id: 'ubuntu',
    version: '24.04',
    version_parts: { major: '24', minor: '04', build_number: '' },
    like: 'debian',
    codename: 'noble',
    release_info: {},
    kernel_version: '6.8.0-45-generic',
  })
  assert.deepEqual(sd_info, {})
  assert.deepEqual(virtualization, { virt_type: 'none', virt_identifier: 'none' })
})

test('callers of the same moment get one answer, later ones another', async () => {
  using machine = new MachineFolder(machines.raspberryPi3)
  const computer = machines.computerOf('arm', 'armv7l')
  const reader = new MachineReader(new Hardware({ root: machine.root, computer }), () => undefined)
  const [first, second] = await Promise.all([reader.read(), reader.read()])
  assert.equal(first, second)
  const third = await reader.read()
  assert.notEqual(third, first)
  assert.deepEqual(third, first)
})

test('a mainboard whose maker gave it no name', async () => {
  const tree = { ...machines.desktop, '/sys/class/dmi/id/product_name': 'To Be Filled By O.E.M.\n' }
  assert.equal((await read(tree, machines.computerOf('x64', 'x86_64'))).cpu_info.model, '')
})

test('a machine without any facts', async () => {
  assert.deepEqual(await read({}, machines.computerOf('x64', 'x86_64')), {
    python: { version: [], version_string: '' },
    cpu_info: {
      cpu_count: 1,
      bits: '64bit',
      processor: 'x86_64',
      cpu_desc: '',
      serial_number: '',
      hardware_desc: '',
      model: '',
      total_memory: null,
      memory_units: '',
    },
    sd_info: {},
    distribution: {
      name: '',
      id: '',
      version: '',
      version_parts: { major: '', minor: '', build_number: '' },
      like: '',
      codename: '',
      release_info: {},
      kernel_version: '',
    },
    virtualization: { virt_type: 'none', virt_identifier: 'none' },
    network: {},
    canbus: {},
  })
})
