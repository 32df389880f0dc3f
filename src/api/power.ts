// API document: "Power APIs". Our own: the event power:changed.
import { bool, keyNames, list, object, record, string } from '../schema/index.ts'
import { chapter, event, notification } from './chapter.ts'
import { get, post } from './endpoint.ts'

/** A power device as clients see it. */
export const PowerDeviceRecord = object({
  device: string().describe('Its name'),
  status: string().describe(
    'on, off, error, or init until the device replies for the first time; another text if the device reports one',
  ),
  locked_while_printing: bool().describe('Whether clients cannot switch it during a print'),
  type: string().describe('The option `type` of its section'),
  is_shutdown: bool().describe('Only for klipper_device: whether Klippy has shut down').optional(),
})

const device = string().describe('The name of the device')
const devices = keyNames().describe('Each key is the name of a device')
const States = record(string()).describe(
  'The state of each device by its name; `device_not_found` for an unknown name',
)

export const power = chapter({
  title: 'Power APIs',
  about: 'Plugs, relays, and outputs of Klipper: list, switch',
  methods: {
    'machine.device_power.devices': get('/machine/device_power/devices', {
      summary: 'Every power device with its last known state',
      result: object({ devices: list(PowerDeviceRecord) }),
    }),
    'machine.device_power.get_device': get('/machine/device_power/device', {
      summary: 'Read the state of one device from the device',
      params: { device },
      result: States,
    }),
    'machine.device_power.post_device': post('/machine/device_power/device', {
      summary: 'Switch one device',
      params: {
        device,
        action: string().describe('on, off, toggle or status, in upper or lower case'),
      },
      example: { device: 'printer', action: 'on' },
      result: States,
    }),
    'machine.device_power.status': get('/machine/device_power/status', {
      summary: 'Read the states of several devices',
      params: { devices },
      result: States,
    }),
    'machine.device_power.on': post('/machine/device_power/on', {
      summary: 'Switch several devices on, all at the same time',
      params: { devices },
      result: States,
    }),
    'machine.device_power.off': post('/machine/device_power/off', {
      summary: 'Switch several devices off, all at the same time',
      params: { devices },
      result: States,
    }),
  },
  notifications: {
    notify_power_changed: notification(
      'A power device was switched, or its state changed',
      PowerDeviceRecord,
    ),
  },
  events: {
    'power:changed': event<[device: string, status: string]>(
      'A power device was switched, or its state changed',
    ),
  },
})
