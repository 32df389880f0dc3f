// The TD-1 scanners that are plugged in, as Linux lists them in /sys.
import type { SystemFiles } from '../../core/system-files.ts'

const FOLDER = '/sys/bus/usb/devices'
const VENDOR = 'e4b2'
const PRODUCT = '0045'

/** A scanner that is plugged in. */
export interface PluggedIn {
  readonly serial: string
  /** Of its serial port. */
  readonly path: string
}

/** Those that have a serial number and a serial port. */
export async function pluggedInScanners(files: SystemFiles): Promise<PluggedIn[]> {
  const names = await files.names(FOLDER)
  const found: PluggedIn[] = []
  // With a colon: the interfaces of devices.
  for (const name of names.filter(each => !each.includes(':'))) {
    const text = (attribute: string) => files.text(`${FOLDER}/${name}/${attribute}`)
    if ((await text('idVendor')) !== VENDOR || (await text('idProduct')) !== PRODUCT) continue
    const [serial, path] = [await text('serial'), await portOf(files, names, name)]
    if (serial !== null && path !== null) found.push({ serial, path })
  }
  return found
}

async function portOf(files: SystemFiles, names: readonly string[], device: string): Promise<string | null> {
  for (const part of names.filter(name => name.startsWith(`${device}:`))) {
    const [port] = await files.names(`${FOLDER}/${part}/tty`)
    if (port !== undefined) return files.place(`/dev/${port}`)
  }
  return null
}
