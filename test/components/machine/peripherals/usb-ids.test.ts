// Names out of files like usb.ids.
import assert from 'node:assert/strict'
import { utimesSync } from 'node:fs'
import { test } from 'node:test'
import { UsbIds } from '../../../../src/components/machine/peripherals/usb-ids.ts'
import { MachineFolder } from '../../../support/machine-folder.ts'

const TEXT = `#
# A file of our own in the form of usb.ids
#

0001  First
	0001  One of the first
		01  an interface of it
00ab  Zweiter Händler
	7523  Not the CH340
1A86  Other name
	7523  Other product
	0042  Answer
C 09  Hub of the file
	00  Unused
		01  Single
AT 0100  USB Undefined
HID 21  HID
	1a86  not a vendor
L 0001  Arabic
	0001  Saudi Arabia
`

async function namesIn(text: string | Buffer, ...keys: string[]): Promise<Record<string, string>> {
  using machine = new MachineFolder()
  machine.write('/usb.ids', text)
  return Object.fromEntries(await new UsbIds([`${machine.root}/usb.ids`]).names(keys))
}

test('vendors, products and classes', async () => {
  const keys = ['0001', '0001:0001', '00ab', '1a86:7523', '1a86:0042', 'c 09', 'c 09:00', 'c 09:00:01']
  assert.deepEqual(await namesIn(TEXT, ...keys), {
    '0001': 'First',
    '0001:0001': 'One of the first',
    '00ab': 'Zweiter Händler',
    '1a86:7523': 'Other product',
    '1a86:0042': 'Answer',
    'c 09': 'Hub of the file',
    'c 09:00': 'Unused',
    'c 09:00:01': 'Single',
  })
})

test('names that the file lacks are built in; unknown ones are left out', async () => {
  assert.deepEqual(await namesIn(TEXT, '1d50', '1d50:614e', '0001:9999', 'ffff', '0100', 'l 0001:0001'), {
    '1d50': 'OpenMoko, Inc',
    '1d50:614e': 'Klipper 3d-Printer Firmware',
  })
})

test('a file of an older encoding, of Windows, without an end', async () => {
  const latin1 = Buffer.from('00ab  Zweiter Händler\r\n\t0001  Gerät', 'latin1')
  assert.deepEqual(await namesIn(latin1, '00ab', '00ab:0001'), {
    '00ab': 'Zweiter Händler',
    '00ab:0001': 'Gerät',
  })
})

test('a file of many pieces', async () => {
  const vendors = Array.from({ length: 8000 }, (_, index) => {
    const id = index.toString(16).padStart(4, '0')
    return `${id}  Vendor ${id} ö\n\t0001  Product of ${id}\n`
  })
  assert.deepEqual(await namesIn(vendors.join(''), '1f3f:0001', '1000', '0000'), {
    '1f3f:0001': 'Product of 1f3f',
    '1000': 'Vendor 1000 ö',
    '0000': 'Vendor 0000 ö',
  })
})

test('garbage in the place of the file', async () => {
  const garbage = Buffer.alloc(300_000, 'a\t\tb\u0000')
  assert.deepEqual(await namesIn(garbage, '1d6b'), { '1d6b': 'Linux Foundation' })
  const nested = '\t0001  Of no maker\n\t\t01  Of no maker\n0001 \n\t\t02  Without a product\n0001  Late\n'
  assert.deepEqual(await namesIn(nested, '0001', '0001:0001', '0001:01'), { '0001': 'Late' })
})

test('the first file that exists counts; none, and a folder, are no file', async () => {
  using machine = new MachineFolder()
  machine.folder('/folder')
  machine.write('/second', '0001  Second\n')
  machine.write('/third', '0001  Third\n')
  const places = ['/missing', '/folder', '/second', '/third'].map(place => machine.root + place)
  assert.deepEqual([...(await new UsbIds(places).names(['0001']))], [['0001', 'Second']])
  assert.deepEqual([...(await new UsbIds([]).names(['0001']))], [])
})

test('a file that changes is read again, one that does not is not', async () => {
  using machine = new MachineFolder()
  const path = `${machine.root}/usb.ids`
  const then = new Date(1_700_000_000_000)
  const write = (name: string, time: Date) => {
    machine.write('/usb.ids', `0001  ${name}\n`)
    utimesSync(path, time, time)
  }
  const ids = new UsbIds([path])
  const name = async () => (await ids.names(['0001'])).get('0001')
  write('Old', then)
  assert.equal(await name(), 'Old')
  // The same time and size: the file looks unchanged, so the name is the remembered one.
  write('New', then)
  assert.equal(await name(), 'Old')
  write('New', new Date())
  assert.equal(await name(), 'New')
})
