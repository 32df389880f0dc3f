// Reads what Linux tells of its devices in /sys and /dev.
import { open, readdir, readlink, realpath } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'

/** An attribute of sysfs is never longer. */
const MAX_ATTRIBUTE_BYTES = 4096
/** Links of links that are followed in /dev. */
const MAX_LINKS = 8

/**
 * The files of one machine. Paths are as on that machine and count from its root. What is missing or may not be read
 * is null or empty: devices come and go while they are looked at.
 */
export class DeviceFiles {
  readonly #root: string

  /** '' is the machine itself; another root is a folder that holds what its /sys and /dev would. */
  constructor(root: string) {
    this.#root = root
  }

  /** Where `path` of that machine is on this one. */
  place(path: string): string {
    return this.#root + path
  }

  /** The text of an attribute without the space around it; null also where it is empty. */
  async text(path: string): Promise<string | null> {
    try {
      const file = await open(this.place(path))
      try {
        const buffer = Buffer.alloc(MAX_ATTRIBUTE_BYTES)
        const { bytesRead } = await file.read(buffer, 0, buffer.length)
        const text = buffer.toString('utf8', 0, bytesRead)
        return text.trim() || null
      } finally {
        await file.close()
      }
    } catch {
      return null
    }
  }

  /** The whole number that an attribute holds; hexadecimal ones begin with 0x. */
  async number(path: string): Promise<number | null> {
    const text = await this.text(path)
    return text !== null && /^(\d+|0x[0-9a-f]+)$/i.test(text) ? Number(text) : null
  }

  /** What a folder holds, `tty2` before `tty10`. */
  async names(folder: string): Promise<string[]> {
    const names = await readdir(this.place(folder)).catch(() => [])
    const keyed = names.map(name => [sortKey(name), name] as const)
    return keyed.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, name]) => name)
  }

  /** Where `path` really is, all links followed. */
  async real(path: string): Promise<string | null> {
    try {
      const [root, found] = await Promise.all([realpath(this.place('/')), realpath(this.place(path))])
      return root === '/' ? found : found.startsWith(`${root}/`) ? found.slice(root.length) : null
    } catch {
      return null
    }
  }

  /** The links of a folder such as /dev/serial/by-id, by the name of the device that they lead to. */
  async links(folder: string): Promise<ReadonlyMap<string, string>> {
    const byDevice = new Map<string, string>()
    for (const name of await this.names(folder)) {
      const link = join(folder, name)
      const device = basename(await this.#followed(link))
      // Newer systems make two links of a port; the first is the one that older systems have too.
      if (!byDevice.has(device)) byDevice.set(device, link)
    }
    return byDevice
  }

  /** Step by step: the end of a link need not exist, and an absolute one counts from the root. */
  async #followed(link: string): Promise<string> {
    let path = link
    for (let step = 0; step < MAX_LINKS; step += 1) {
      const target = await readlink(this.place(path)).catch(() => null)
      if (target === null) break
      path = resolve(dirname(path), target)
    }
    return path
  }

  /** `bus:device` of the USB device that `path` belongs to; null where it belongs to none. */
  async usbLocation(path: string): Promise<string | null> {
    for (const folder of await this.#andAbove(path)) {
      const device = await this.number(`${folder}/devnum`)
      const bus = device === null ? null : await this.number(`${folder}/busnum`)
      if (bus !== null) return `${bus}:${device}`
    }
    return null
  }

  /** The driver of the device at `path`; '' where it has none. */
  async driver(path: string): Promise<string> {
    for (const folder of await this.#andAbove(path)) {
      const driver = await this.real(`${folder}/driver`)
      if (driver === null) return ''
      // Since Linux 6.5 a UART's port and controller are devices of their own, below the one that has the driver.
      if (!driver.startsWith('/sys/bus/serial-base/')) return basename(driver)
    }
    return ''
  }

  /** The real folder of a device and those above it, below /sys/devices. */
  async #andAbove(path: string): Promise<string[]> {
    const folders: string[] = []
    for (let at = await this.real(path); at?.startsWith('/sys/devices/'); at = dirname(at)) folders.push(at)
    return folders
  }
}

/** Numbers as people count them. */
function sortKey(name: string): string {
  return name.replace(/\d+/g, digits => digits.padStart(10, '0'))
}
