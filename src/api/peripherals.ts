// API document: "Machine Requests", what is connected to the machine.
import { choice, int, list, object, string } from '../schema/index.ts'
import { chapter } from './chapter.ts'
import { get } from './endpoint.ts'

const UsbDevice = object({
  device_num: int(),
  bus_num: int(),
  vendor_id: string().describe('Four hexadecimal digits'),
  product_id: string().describe('Four hexadecimal digits'),
  usb_location: string().describe('bus_num:device_num, as the other lists name it'),
  manufacturer: string().nullable(),
  product: string().nullable(),
  serial: string().nullable(),
  class: string().nullable(),
  subclass: string().nullable(),
  protocol: string().nullable(),
  description: string().nullable().describe('Vendor and product as usb.ids names them'),
})

const links = {
  path_by_hardware: string().nullable().describe('A link named after the port'),
  path_by_id: string().nullable().describe('A link named after the device'),
  usb_location: string().nullable().describe('As the list of USB devices has it'),
}

const SerialDevice = object({
  device_type: choice('hardware_uart', 'usb', 'unknown'),
  device_path: string(),
  device_name: string(),
  driver_name: string().describe('Empty where it has none'),
  ...links,
})

const resolutions = list(string()).describe('<width>x<height>')

const VideoDevice = object({
  device_name: string(),
  device_path: string(),
  camera_name: string(),
  driver_name: string(),
  alt_name: string().nullable(),
  hardware_bus: string().describe('Empty where the device was not asked'),
  capabilities: list(string()).describe('Names of V4L2_CAP_ bits; empty where the device was not asked'),
  version: string().describe('Of the driver; empty where the device was not asked'),
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
      summary:
        'The nodes of a CAN bus that wait for a node id: they are asked, and answer within two seconds',
      params: { interface: string().default('can0').describe('The network interface of the bus') },
      result: object({
        can_uuids: list(
          object({
            uuid: string().describe('Twelve hexadecimal digits'),
            application: string().describe('Klipper, Katapult or Unknown'),
          }),
        ),
      }),
      // Too many questions drive a node off the bus: no page of another site may ask.
      changes: true,
      role: 'operator',
    }),
  },
})
