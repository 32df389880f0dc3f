// Serial devices out of trees of sysfs and /dev.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listSerialDevices } from '../../../../src/components/machine/peripherals/serial-devices.ts'
import { MachineFolder } from '../../../support/machine-folder.ts'
import { raspberryPi } from './raspberry-pi.ts'

test('a Raspberry Pi with a Klipper board, a CH340 and its own UARTs', async () => {
  using pi = raspberryPi()
  assert.deepEqual(await listSerialDevices(pi.files), [
    {
      device_type: 'usb',
      device_path: '/dev/ttyACM0',
      device_name: 'ttyACM0',
      driver_name: 'cdc_acm',
      path_by_hardware: '/dev/serial/by-path/platform-3f980000.usb-usb-0:1.2:1.0',
      path_by_id: '/dev/serial/by-id/usb-Klipper_stm32f407xx_2A0038000B50-if00',
      usb_location: '1:4',
    },
    {
      device_type: 'hardware_uart',
      device_path: '/dev/ttyAMA0',
      device_name: 'ttyAMA0',
      driver_name: 'uart-pl011',
      path_by_hardware: null,
      path_by_id: null,
      usb_location: null,
    },
    {
      device_type: 'hardware_uart',
      device_path: '/dev/ttyS0',
      device_name: 'ttyS0',
      driver_name: 'bcm2835-aux-uart',
      path_by_hardware: null,
      path_by_id: null,
      usb_location: null,
    },
    {
      device_type: 'usb',
      device_path: '/dev/ttyUSB0',
      device_name: 'ttyUSB0',
      driver_name: 'ch341-uart',
      path_by_hardware: '/dev/serial/by-path/platform-3f980000.usb-usb-0:1.4:1.0-port0',
      path_by_id: null,
      usb_location: '1:5',
    },
  ])
})

/** The names of the devices of a PC whose ports are described so. */
async function namesOfPorts(ports: Readonly<Record<string, Record<string, string>>>): Promise<string[]> {
  using pc = new MachineFolder()
  pc.device('/sys/devices/platform/serial8250', {}, 'platform/serial8250')
  for (const [name, attributes] of Object.entries(ports)) {
    pc.node('tty', name, '/sys/devices/platform/serial8250', { uartclk: '1843200', ...attributes })
  }
  return (await listSerialDevices(pc.files)).map(({ device_name }) => device_name)
}

test('ports of a PC that have no chip are left out', async () => {
  const ports = {
    ttyS0: { port: '0x3F8', type: '4' },
    ttyS1: { port: '0x2F8', type: '0' },
    ttyS10: { port: '0x0', type: '0' },
  }
  assert.deepEqual(await namesOfPorts(ports), ['ttyS0'])
})

test('if the kernel does not report the chip, the address decides whether a port may be one', async () => {
  assert.deepEqual(await namesOfPorts({ ttyS0: { port: '0x0' }, ttyS1: { port: '0x2F8' } }), ['ttyS0'])
})

test('names in the order in which people count', async () => {
  const uart = { port: '0x0', type: '4' }
  const names = await namesOfPorts({ ttyS10: uart, ttyS2: uart, ttyS1: uart })
  assert.deepEqual(names, ['ttyS1', 'ttyS2', 'ttyS10'])
})

test('links in /dev: of links, absolute, in a circle, to nothing, and files that are no links', async () => {
  using machine = new MachineFolder()
  for (const name of ['ttyUSB0', 'ttyUSB1', 'ttyUSB2']) {
    machine.device(`/sys/devices/usb/1-1/${name}`, {})
    machine.node('tty', name, `/sys/devices/usb/1-1/${name}`, {})
  }
  machine.link('/dev/printer', 'ttyUSB0')
  machine.link('/dev/serial/by-id/of-a-link', '/dev/printer')
  machine.link('/dev/serial/by-id/absolute', '/dev/ttyUSB1')
  machine.link('/dev/serial/by-id/circle', 'circle')
  machine.link('/dev/serial/by-id/dangling', '../../ttyUSB9')
  machine.link('/dev/serial/by-id/far', '../../../../../../../../../../../ttyUSB2')
  machine.write('/dev/serial/by-id/ttyUSB2', '')
  const devices = await listSerialDevices(machine.files)
  assert.deepEqual(
    devices.map(({ device_name, device_type, path_by_id }) => [device_name, device_type, path_by_id]),
    [
      ['ttyUSB0', 'unknown', '/dev/serial/by-id/of-a-link'],
      ['ttyUSB1', 'unknown', '/dev/serial/by-id/absolute'],
      ['ttyUSB2', 'unknown', '/dev/serial/by-id/far'],
    ],
  )
})

test('devices without a driver, without a device, and with one that was removed', async () => {
  using machine = new MachineFolder()
  machine.device('/sys/devices/platform/some.serial', {})
  machine.node('tty', 'ttyX0', '/sys/devices/platform/some.serial', {})
  machine.device('/sys/devices/platform/other.serial/tty/ttyX1', {})
  machine.link('/sys/devices/platform/other.serial/tty/ttyX1/device', '../../../gone')
  machine.sysLink('/sys/class/tty/ttyX1', '/sys/devices/platform/other.serial/tty/ttyX1')
  machine.link('/sys/class/tty/ttyX2', '../../devices/gone')
  const devices = await listSerialDevices(machine.files)
  assert.deepEqual(
    devices.map(({ device_name, device_type, driver_name }) => [device_name, device_type, driver_name]),
    [['ttyX0', 'unknown', '']],
  )
})

test('a machine without /sys and /dev', async () => {
  using machine = new MachineFolder()
  assert.deepEqual(await listSerialDevices(machine.files), [])
})
