// What the place of a device in /sys and the links in /dev show about it.
import { basename, dirname, join } from 'node:path'
import type { SystemFiles } from '../../../core/system-files.ts'

/** The links of a folder such as /dev/serial/by-id, by the name of the device that they lead to. */
export async function deviceLinks(files: SystemFiles, folder: string): Promise<ReadonlyMap<string, string>> {
  const byDevice = new Map<string, string>()
  for (const name of await files.names(folder)) {
    const link = join(folder, name)
    const device = basename(await files.follow(link))
    // Newer systems make two links of a port; the first is the one that older systems have too.
    if (!byDevice.has(device)) byDevice.set(device, link)
  }
  return byDevice
}

/** `bus:device` of the USB device that `path` belongs to; null where it belongs to none. */
export async function usbLocation(files: SystemFiles, path: string): Promise<string | null> {
  for (const folder of await andAbove(files, path)) {
    const device = await files.number(`${folder}/devnum`)
    const bus = device === null ? null : await files.number(`${folder}/busnum`)
    if (bus !== null) return `${bus}:${device}`
  }
  return null
}

/** The driver of the device at `path`; null where it has none. */
export async function driverOf(files: SystemFiles, path: string): Promise<string | null> {
  for (const folder of await andAbove(files, path)) {
    const driver = await files.real(`${folder}/driver`)
    if (driver === null) return null
    // Since Linux 6.5 a UART's port and controller are devices of their own, below the one that has the driver.
    if (!driver.startsWith('/sys/bus/serial-base/')) return basename(driver)
  }
  return null
}

/** The real folder of a device and those above it, below /sys/devices. */
async function andAbove(files: SystemFiles, path: string): Promise<string[]> {
  const folders: string[] = []
  for (let at = await files.real(path); at?.startsWith('/sys/devices/'); at = dirname(at)) folders.push(at)
  return folders
}
