// API document: "Machine Requests": devices connected to the machine.
import { choice, int, list, object, string } from '../schema/index.ts'
import { chapter } from './chapter.ts'
import { get } from './endpoint.ts'

const UsbDevice = object({
  device_num: int(),
  bus_num: int(),
  vendor_id: string().describe('Four hexadecimal digits'),
  product_id: string().describe('Four hexadecimal digits'),
  usb_location: string().describe('bus_num:device_num, as in the other lists'),
  manufacturer: string().nullable(),
  product: string().nullable(),
  serial: string().nullable(),
  class: string().nullable(),
  subclass: string().nullable(),
  protocol: string().nullable(),
  description: string().nullable().describe('Vendor and product, from usb.ids'),
})

const links = {
  path_by_hardware: string().nullable().describe('A link named after the port'),
  path_by_id: string().nullable().describe('A link named after the device'),
  usb_location: string().nullable().describe('As in the list of USB devices'),
}

const SerialDevice = object({
  device_type: choice('hardware_uart', 'usb', 'unknown'),
  device_path: string(),
  device_name: string(),
  driver_name: string().describe('Empty without a driver'),
  ...links,
})

const resolutions = list(string()).describe('<width>x<height>')

const VideoDevice = object({
  device_name: string(),
  device_path: string(),
  camera_name: string(),
  driver_name: string(),
  alt_name: string().nullable(),
  hardware_bus: string().describe('Empty if the device was not queried'),
  capabilities: list(string()).describe('Names of V4L2_CAP_ bits; empty if the device was not queried'),
  version: string().describe('Version of the driver; empty if the device was not queried'),
  ...links,
  modes: list(
    object({
      format: string().describe('The four characters of V4L2'),
      description: string(),
      flags: list(string()),
      resolutions,
    }),
  ),
})

const LibcameraDevice = object({
  libcamera_id: string(),
  model: string().nullable(),
  modes: list(object({ format: string(), resolutions })),
})

export const peripherals = chapter({
  title: 'Machine: Peripherals',
  about: 'USB and serial devices, cameras, nodes of a CAN bus',
  methods: {
    'machine.peripherals.usb': get('/machine/peripherals/usb', {
      summary: 'The USB devices of the machine',
      result: object({ usb_devices: list(UsbDevice) }),
    }),
    'machine.peripherals.serial': get('/machine/peripherals/serial', {
      summary: 'The serial devices of the machine',
      result: object({ serial_devices: list(SerialDevice) }),
    }),
    'machine.peripherals.video': get('/machine/peripherals/video', {
      summary: 'The cameras of the machine',
      result: object({
        v4l2_devices: list(VideoDevice),
        libcamera_devices: list(LibcameraDevice),
      }),
    }),
    'machine.peripherals.canbus': get('/machine/peripherals/canbus', {
      summary: 'The nodes of a CAN bus that wait for a node id; the query takes up to two seconds',
      params: { interface: string().default('can0').describe('The network interface of the bus') },
      result: object({
        can_uuids: list(
          object({
            uuid: string().describe('Twelve hexadecimal digits'),
            application: string().describe('Klipper, Katapult or Unknown'),
          }),
        ),
      }),
      // Too many queries drive a node off the bus: pages of other sites may send none.
      changes: true,
      role: 'operator',
    }),
  },
})
