// TD-1 filament scanners, as current clients use them; they are not in the API document. Our own: notify_td1_changed.
import { float, object, record, string } from '../schema/index.ts'
import { chapter, notification } from './chapter.ts'
import { get, post } from './endpoint.ts'

const Scanner = object({
  td: float().describe('Transmission distance of the last filament, mm').nullable(),
  color: string().describe('Its colour, six hexadecimal digits').nullable(),
  scan_time: string().describe('When it was scanned, ISO 8601 in UTC').nullable(),
  error: string().describe('The error file of the scanner').nullable(),
})

/** The scanners by their serial numbers. */
export const Scanners = record(Scanner).describe('Each scanner by its serial number')

export const td1 = chapter({
  title: 'TD-1 APIs',
  about: 'TD-1 filament scanners: colour and transmission distance',
  methods: {
    'machine.td1.data': get('/machine/td1/data', {
      summary: 'The scanners that are connected, with their last scans',
      result: object({ status: string().describe('ok'), devices: Scanners }),
    }),
    'machine.td1.reboot': post('/machine/td1/reboot', {
      summary: 'Restart a scanner',
      params: { serial: string().describe('Its serial number') },
      example: { serial: 'E6625877D318C430' },
      result: object({ status: string().describe('ok, or serial_error for an unknown scanner') }),
    }),
  },
  notifications: {
    notify_td1_changed: notification(
      'A scanner was connected or removed, or has scanned a filament',
      object({ devices: Scanners }),
    ),
  },
})
