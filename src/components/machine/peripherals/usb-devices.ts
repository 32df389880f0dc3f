// The USB devices of the machine: what they report about themselves, and their names in the file usb.ids.

import type { ResultOf } from '../../../api/endpoint.ts'
import type { peripherals } from '../../../api/peripherals.ts'
import type { SystemFiles } from '../../../core/system-files.ts'
import type { UsbIds } from './usb-ids.ts'

type UsbDevice = ResultOf<(typeof peripherals)['methods']['machine.peripherals.usb']>['usb_devices'][number]

const FOLDER = '/sys/bus/usb/devices'

/** The name of a class, subclass or protocol that is not in usb.ids. */
const NAMELESS = new Set(['?', 'none', 'undefined', 'reserved/undefined', 'unused', 'no subclass'])

/** A device as sysfs has it. */
interface Found {
  readonly bus: number
  readonly number: number
  readonly vendor: string
  readonly product: string
  /** Class, subclass and protocol, two hexadecimal digits each. */
  readonly codes: readonly string[]
  readonly texts: Readonly<Record<'manufacturer' | 'product' | 'serial', string | null>>
}

/** All USB devices, hubs included, by bus and number. */
export async function listUsbDevices(files: SystemFiles, ids: UsbIds): Promise<UsbDevice[]> {
  const found: Found[] = []
  for (const name of await files.names(FOLDER)) {
    // With a colon: the interfaces of devices.
    const device = name.includes(':') ? null : await readDevice(files, `${FOLDER}/${name}`)
    if (device !== null) found.push(device)
  }
  const names = await ids.names(found.flatMap(keysOf))
  return found.sort((a, b) => a.bus - b.bus || a.number - b.number).map(device => describe(device, names))
}

async function readDevice(files: SystemFiles, folder: string): Promise<Found | null> {
  const [bus, number] = await Promise.all([
    files.number(`${folder}/busnum`),
    files.number(`${folder}/devnum`),
  ])
  const text = async (name: string) => files.text(`${folder}/${name}`)
  const code = async (name: string) => (await text(name))?.toLowerCase() ?? ''
  const vendor = await code('idVendor')
  const product = await code('idProduct')
  if (bus === null || number === null || !isId(vendor) || !isId(product)) return null
  return {
    bus,
    number,
    vendor,
    product,
    codes: [await code('bDeviceClass'), await code('bDeviceSubClass'), await code('bDeviceProtocol')],
    texts: {
      manufacturer: await text('manufacturer'),
      product: await text('product'),
      serial: await text('serial'),
    },
  }
}

const isId = (text: string) => /^[0-9a-f]{4}$/.test(text)

/** Class 00 means that each interface has its own. */
const hasClass = ({ codes }: Found) => codes[0] !== '00'

function keysOf(device: Found): string[] {
  return [device.vendor, `${device.vendor}:${device.product}`, ...(hasClass(device) ? classKeys(device) : [])]
}

function classKeys({ codes }: Found): string[] {
  return codes.map((_, index) => `c ${codes.slice(0, index + 1).join(':')}`)
}

function describe(device: Found, names: ReadonlyMap<string, string>): UsbDevice {
  const name = (key: string) => names.get(key) ?? null
  const vendorName = name(device.vendor)
  const productName = name(`${device.vendor}:${device.product}`)
  const [className = null, ...below] = hasClass(device) ? classKeys(device).map(name) : []
  const [subclass = null, protocol = null] = below.map(text =>
    text !== null && NAMELESS.has(text.toLowerCase()) ? null : text,
  )
  return {
    device_num: device.number,
    bus_num: device.bus,
    vendor_id: device.vendor,
    product_id: device.product,
    usb_location: `${device.bus}:${device.number}`,
    manufacturer: device.texts.manufacturer ?? vendorName,
    product: device.texts.product ?? productName,
    serial: device.texts.serial,
    class: className,
    subclass: className === null ? null : subclass,
    protocol: className === null ? null : protocol,
    description: vendorName === null ? null : `${vendorName} ${productName ?? ''}`.trim(),
  }
}
