// The serial devices of the machine: USB adapters and boards, and the UARTs of the processor.
import type { ResultOf } from '../../../api/endpoint.ts'
import type { peripherals } from '../../../api/peripherals.ts'
import type { SystemFiles } from '../../../core/system-files.ts'
import { deviceLinks, driverOf, usbLocation } from './devices.ts'

type SerialDevice = ResultOf<
  (typeof peripherals)['methods']['machine.peripherals.serial']
>['serial_devices'][number]

const FOLDER = '/sys/class/tty'
/** The driver that also has entries for ports that a PC might have. */
const ANY_PC_PORT = 'serial8250'

/** All that have hardware behind them; consoles and pseudo terminals do not. */
export async function listSerialDevices(files: SystemFiles): Promise<SerialDevice[]> {
  const [byPath, byId] = await Promise.all([
    deviceLinks(files, '/dev/serial/by-path'),
    deviceLinks(files, '/dev/serial/by-id'),
  ])
  const devices: SerialDevice[] = []
  for (const name of await files.names(FOLDER)) {
    const folder = `${FOLDER}/${name}`
    const device = await files.real(`${folder}/device`)
    if (device === null) continue
    const driver = (await driverOf(files, device)) ?? ''
    const isUart = await hasAll(files, folder, ['uartclk', 'port'])
    if (isUart && !(await isFitted(files, folder, driver))) continue
    const location = isUart ? null : await usbLocation(files, device)
    devices.push({
      device_type: isUart ? 'hardware_uart' : location === null ? 'unknown' : 'usb',
      device_path: `/dev/${name}`,
      device_name: name,
      driver_name: driver,
      path_by_hardware: byPath.get(name) ?? null,
      path_by_id: byId.get(name) ?? null,
      usb_location: location,
    })
  }
  return devices
}

async function hasAll(files: SystemFiles, folder: string, names: readonly string[]): Promise<boolean> {
  const present = await files.names(folder)
  return names.every(name => present.includes(name))
}

/**
 * Whether there is a chip. `type` is 0 where none was found; kernels that keep it to themselves leave the address,
 * which is 0 for the UARTs of a board and that of a PC's port for a mere possibility.
 */
async function isFitted(files: SystemFiles, folder: string, driver: string): Promise<boolean> {
  const type = await files.number(`${folder}/type`)
  if (type !== null) return type !== 0
  return driver !== ANY_PC_PORT || ((await files.number(`${folder}/port`)) ?? 0) === 0
}
