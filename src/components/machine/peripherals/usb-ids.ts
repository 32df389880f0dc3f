// Names of USB vendors, products and classes from the file usb.ids, which is read through and never kept.
import { open, stat } from 'node:fs/promises'

/** Where distributions put the file, the one that is updated most first. */
export const USB_IDS_PLACES = [
  '/usr/share/hwdata/usb.ids',
  '/usr/share/misc/usb.ids',
  '/var/lib/usbutils/usb.ids',
  '/usr/share/usb.ids',
]

const CHUNK_BYTES = 64 * 1024
/** The real file has 0.7 MB; a longer one is another file. */
const MAX_FILE_BYTES = 16 * 1024 * 1024
/** Names that are remembered: more than one machine has. */
const MAX_KNOWN = 500

/**
 * What a printer has, in the form of usb.ids: for machines without the file, and for devices that are younger than
 * theirs.
 */
const BUILT_IN = `
0403  Future Technology Devices International, Ltd
	6001  FT232 Serial (UART) IC
	6015  Bridge(I2C/SPI/UART/FIFO)
0483  STMicroelectronics
	5740  Virtual COM Port
	df11  STM Device in DFU Mode
10c4  Silicon Labs
	ea60  CP210x UART Bridge
1a86  QinHeng Electronics
	7523  CH340 serial converter
1d50  OpenMoko, Inc
	606f  Geschwister Schneider CAN adapter
	614e  Klipper 3d-Printer Firmware
	6177  Katapult Bootloader (CDC_ACM)
1d6b  Linux Foundation
	0001  1.1 root hub
	0002  2.0 root hub
	0003  3.0 root hub
2e8a  Raspberry Pi
	0003  RP2 Boot
	000a  Pico
C 02  Communications
C 03  Human Interface Device
C 08  Mass Storage
C 09  Hub
	00  Unused
		00  Full speed (or root) hub
		01  Single TT
		02  TT per port
		03  Super speed hub
C 0e  Video
C ef  Miscellaneous Device
	02  ?
		01  Interface Association
C ff  Vendor Specific Class
`

/** Finds names by keys such as `1d50`, `1d50:614e`, `c 09` and `c 09:00:01`. */
export class UsbIds {
  readonly #places: readonly string[]
  /** By key; null for those that have no name. */
  readonly #known = new Map<string, string | null>()
  #version = ''

  /** Of the files at `places` the first that exists is read. */
  constructor(places: readonly string[]) {
    this.#places = places
  }

  /** The names of `keys`; those that have none are left out. Reads the file only for keys that are new. */
  async names(keys: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const file = await this.#file()
    if (file.version !== this.#version || this.#known.size > MAX_KNOWN) this.#known.clear()
    this.#version = file.version
    const unknown = new Set(keys.filter(key => !this.#known.has(key)))
    if (unknown.size > 0) {
      const scan = new Scan(unknown)
      if (file.path !== null) await readThrough(file.path, scan)
      for (const line of BUILT_IN.split('\n')) scan.read(line)
      for (const key of unknown) this.#known.set(key, scan.found.get(key) ?? null)
    }
    const named = keys.map(key => [key, this.#known.get(key) ?? null] as const)
    return new Map(named.filter((pair): pair is readonly [string, string] => pair[1] !== null))
  }

  async #file(): Promise<{ readonly path: string | null; readonly version: string }> {
    for (const path of this.#places) {
      const found = await stat(path).catch(() => null)
      if (found?.isFile()) return { path, version: `${path} ${found.mtimeMs} ${found.size}` }
    }
    return { path: null, version: '' }
  }
}

/** Receives the lines of a file from first to last and keeps those that are wanted. */
class Scan {
  readonly found = new Map<string, string>()
  readonly #wanted: ReadonlySet<string>
  readonly #tops: ReadonlySet<string>
  /** Keys of the entry that the next lines belong to; '' for one that is not wanted. */
  #top = ''
  #sub = ''

  constructor(wanted: ReadonlySet<string>) {
    this.#wanted = wanted
    this.#tops = new Set([...wanted].map(key => key.split(':', 1)[0] as string))
  }

  /** `line` in latin1, so that each character is a byte. */
  read(line: string): void {
    if (line === '' || line.startsWith('#')) return
    if (!line.startsWith('\t')) {
      const [, key = '', name = ''] = /^([0-9a-f]{4}|C [0-9a-f]{2})\s+(.*)/i.exec(line) ?? []
      this.#top = this.#tops.has(key.toLowerCase()) ? key.toLowerCase() : ''
      this.#sub = ''
      this.#keep(this.#top, name)
    } else if (this.#top !== '') {
      const [, tabs = '', code = '', name = ''] = /^(\t\t?)([0-9a-f]{2,4})\s+(.*)/i.exec(line) ?? []
      if (tabs === '\t') this.#sub = `${this.#top}:${code.toLowerCase()}`
      if (tabs === '\t') this.#keep(this.#sub, name)
      else if (tabs !== '' && this.#sub !== '') this.#keep(`${this.#sub}:${code.toLowerCase()}`, name)
    }
  }

  #keep(key: string, name: string): void {
    const text = decode(name.trim())
    if (text !== '' && this.#wanted.has(key) && !this.found.has(key)) this.found.set(key, text)
  }
}

/** Today's file is UTF-8, older ones are latin1. */
function decode(bytes: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(bytes, 'latin1'))
  } catch {
    return bytes
  }
}

/** In chunks; a file that cannot be read to its end counts as ending there. */
async function readThrough(path: string, scan: Scan): Promise<void> {
  const file = await open(path).catch(() => null)
  if (file === null) return
  try {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
    let rest = ''
    for (let at = 0; at < MAX_FILE_BYTES; ) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at)
      if (bytesRead === 0) break
      at += bytesRead
      const lines = (rest + buffer.toString('latin1', 0, bytesRead)).split(/\r?\n/)
      rest = (lines.pop() ?? '').slice(0, CHUNK_BYTES)
      for (const line of lines) scan.read(line)
    }
    scan.read(rest)
  } catch {
    // A disk that fails: the names that were found so far, and those that are built in.
  } finally {
    await file.close()
  }
}
