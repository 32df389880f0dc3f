// USB devices out of trees of sysfs.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listUsbDevices } from '../../../../src/components/machine/peripherals/usb-devices.ts'
import { UsbIds } from '../../../../src/components/machine/peripherals/usb-ids.ts'
import { MachineFolder } from '../../../support/machine-folder.ts'
import { raspberryPi } from './raspberry-pi.ts'

const noFile = () => new UsbIds([])

test('a Raspberry Pi with a hub: as the API document shows it', async () => {
  using pi = raspberryPi()
  pi.write('/ids', '046d  Logitech, Inc.\n\t0825  Webcam C270\n1a40  Terminus Technology Inc.\n\t0101  Hub\n')
  const devices = await listUsbDevices(pi.files, new UsbIds([`${pi.root}/ids`]))
  assert.deepEqual(devices, [
    {
      device_num: 1,
      bus_num: 1,
      vendor_id: '1d6b',
      product_id: '0002',
      usb_location: '1:1',
      manufacturer: 'Linux 6.1.0-rpi7-rpi-v8 dwc_otg_hcd',
      product: 'DWC OTG Controller',
      serial: '3f980000.usb',
      class: 'Hub',
      subclass: null,
      protocol: 'Single TT',
      description: 'Linux Foundation 2.0 root hub',
    },
    {
      device_num: 2,
      bus_num: 1,
      vendor_id: '1a40',
      product_id: '0101',
      usb_location: '1:2',
      manufacturer: 'Terminus Technology Inc.',
      product: 'Hub',
      serial: null,
      class: 'Hub',
      subclass: null,
      protocol: 'Single TT',
      description: 'Terminus Technology Inc. Hub',
    },
    {
      device_num: 4,
      bus_num: 1,
      vendor_id: '1d50',
      product_id: '614e',
      usb_location: '1:4',
      manufacturer: 'Klipper',
      product: 'stm32f407xx',
      serial: '2A0038000B50',
      class: 'Communications',
      subclass: null,
      protocol: null,
      description: 'OpenMoko, Inc Klipper 3d-Printer Firmware',
    },
    {
      device_num: 5,
      bus_num: 1,
      vendor_id: '1a86',
      product_id: '7523',
      usb_location: '1:5',
      manufacturer: 'QinHeng Electronics',
      product: 'USB Serial',
      serial: null,
      class: 'Vendor Specific Class',
      subclass: null,
      protocol: null,
      description: 'QinHeng Electronics CH340 serial converter',
    },
    {
      device_num: 10,
      bus_num: 1,
      vendor_id: '046d',
      product_id: '0825',
      usb_location: '1:10',
      manufacturer: 'Logitech, Inc.',
      product: 'Webcam C270',
      serial: '66EF0390',
      class: 'Miscellaneous Device',
      subclass: null,
      protocol: 'Interface Association',
      description: 'Logitech, Inc. Webcam C270',
    },
  ])
})

test('an unknown device, whose classes are those of its interfaces', async () => {
  using machine = new MachineFolder()
  const attributes = { busnum: '3', devnum: '12', idVendor: 'abcd', idProduct: '0001', product: '' }
  machine.usb('/sys/devices/pci0000:00/0000:00:14.0/usb3/3-2', attributes)
  const [device] = await listUsbDevices(machine.files, noFile())
  assert.deepEqual(device, {
    device_num: 12,
    bus_num: 3,
    vendor_id: 'abcd',
    product_id: '0001',
    usb_location: '3:12',
    manufacturer: null,
    product: null,
    serial: null,
    class: null,
    subclass: null,
    protocol: null,
    description: null,
  })
})

test('devices by bus and number, whatever their names', async () => {
  using machine = new MachineFolder()
  for (const [name, busnum, devnum] of [
    ['2-1', '2', '3'],
    ['10-1', '10', '2'],
    ['2-2', '2', '12'],
    ['1-1', '1', '7'],
  ] as const) {
    machine.usb(`/sys/devices/usb/${name}`, { busnum, devnum, idVendor: '1d50', idProduct: '614e' })
  }
  const devices = await listUsbDevices(machine.files, noFile())
  assert.deepEqual(
    devices.map(({ usb_location }) => usb_location),
    ['1:7', '2:3', '2:12', '10:2'],
  )
})

test('texts of devices come as they are; bytes that are no text do not stop the list', async () => {
  using machine = new MachineFolder()
  const attributes = { busnum: '1', devnum: '2', idVendor: '1d50', idProduct: '614e' }
  machine.usb('/sys/devices/usb/1-1', {
    ...attributes,
    manufacturer: ' "Späti" <b>\u0001 ',
  })
  machine.write('/sys/devices/usb/1-1/product', Buffer.from([0x41, 0xff, 0x42, 0x0a]))
  const [device] = await listUsbDevices(machine.files, noFile())
  assert.equal(device?.manufacturer, '"Späti" <b>\u0001')
  assert.equal(device?.product, 'A\ufffdB')
})

test('devices that are half there are left out', async () => {
  using machine = new MachineFolder()
  const whole = { busnum: '1', devnum: '2', idVendor: '1d50', idProduct: '614e' }
  machine.usb('/sys/devices/usb/1-1', whole)
  machine.usb('/sys/devices/usb/1-2', { ...whole, devnum: 'three' })
  machine.usb('/sys/devices/usb/1-3', { ...whole, idVendor: 'none' })
  machine.device('/sys/devices/usb/1-4', { busnum: '1' })
  machine.sysLink('/sys/bus/usb/devices/1-4', '/sys/devices/usb/1-4')
  machine.link('/sys/bus/usb/devices/1-5', '../../../devices/usb/gone')
  // Attributes that cannot be read.
  machine.usb('/sys/devices/usb/1-6', { busnum: '1', devnum: '6', idVendor: '1d50' })
  machine.folder('/sys/devices/usb/1-6/idProduct')
  const devices = await listUsbDevices(machine.files, noFile())
  assert.deepEqual(
    devices.map(({ usb_location }) => usb_location),
    ['1:2'],
  )
})

test('a machine without USB', async () => {
  using machine = new MachineFolder()
  assert.deepEqual(await listUsbDevices(machine.files, noFile()), [])
})
