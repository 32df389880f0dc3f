// The texts of SSDP (UPnP Device Architecture 2.0, section 1): searches, answers, announcements.

/** The type of the device; programs search for that of Moonraker. */
export const DEVICE_TYPE = 'urn:arksine.github.io:device:Moonraker:1'
/** Seconds for which other programs may keep an announcement. */
export const MAX_AGE = 1800
/** The number of the description; it never changes while the server runs. */
export const CONFIG_ID = 1
/** A search may spread its answers over so many seconds at most. */
const MAX_DELAY = 5
/** Longer searches are ignored. */
const MAX_SEARCH = 1024
const SERVER = 'Moonraker SSDP/UPNP Server'

/** The multicast group and port of SSDP. */
export const GROUP = '239.255.255.250'
export const PORT = 1900

/** The announced device. */
export interface Device {
  /** With hyphens. */
  readonly uuid: string
  /** Grows with every start. */
  readonly bootId: number
}

/** A program searches for devices. */
export interface Search {
  readonly target: string
  /** Seconds over which answers are to be spread. */
  readonly delay: number
}

/** The target of the search in the datagram; null if it is not a search. */
export function readSearch(datagram: Buffer): Search | null {
  if (datagram.length > MAX_SEARCH) return null
  const [request = '', ...lines] = datagram.toString('latin1').split('\r\n')
  if (request.trim() !== 'M-SEARCH * HTTP/1.1') return null
  const headers = new Map(lines.map(line => headerOf(line)))
  const target = headers.get('st')
  if (headers.get('man') !== '"ssdp:discover"' || target === undefined) return null
  const delay = Number(headers.get('mx') ?? 0)
  return { target, delay: Math.min(Math.max(delay || 0, 0), MAX_DELAY) }
}

function headerOf(line: string): [string, string] {
  const colon = line.indexOf(':')
  return colon === -1 ? ['', ''] : [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()]
}

/** The three search targets of a device, each with its unique name. */
function facesOf({ uuid }: Device): readonly { readonly type: string; readonly usn: string }[] {
  return [
    { type: 'upnp:rootdevice', usn: `uuid:${uuid}::upnp:rootdevice` },
    { type: `uuid:${uuid}`, usn: `uuid:${uuid}` },
    { type: DEVICE_TYPE, usn: `uuid:${uuid}::${DEVICE_TYPE}` },
  ]
}

function textOf(...lines: readonly string[]): Buffer {
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`)
}

const idsOf = ({ bootId }: Device) => [`BOOTID.UPNP.ORG: ${bootId}`, `CONFIGID.UPNP.ORG: ${CONFIG_ID}`]

/** The answers to a search, empty for another target. `location` is the address of the description. */
export function answersTo({ target }: Search, device: Device, location: string, now: Date): Buffer[] {
  return facesOf(device)
    .filter(({ type }) => target === 'ssdp:all' || target === type)
    .map(({ type, usn }) =>
      textOf(
        'HTTP/1.1 200 OK',
        `USN: ${usn}`,
        `LOCATION: ${location}`,
        `ST: ${type}`,
        'EXT:',
        `SERVER: ${SERVER}`,
        `CACHE-CONTROL: max-age=${MAX_AGE}`,
        ...idsOf(device),
        `DATE: ${now.toUTCString()}`,
      ),
    )
}

const notifyOf = (state: string, type: string, usn: string) => [
  'NOTIFY * HTTP/1.1',
  `HOST: ${GROUP}:${PORT}`,
  `NTS: ssdp:${state}`,
  `NT: ${type}`,
  `USN: ${usn}`,
]

/** Announces the device, and the address of its description. */
export function aliveTexts(device: Device, location: string): Buffer[] {
  return facesOf(device).map(({ type, usn }) =>
    textOf(
      ...notifyOf('alive', type, usn),
      `LOCATION: ${location}`,
      `SERVER: ${SERVER}`,
      `CACHE-CONTROL: max-age=${MAX_AGE}`,
      ...idsOf(device),
    ),
  )
}

/** Announces the end of the device. */
export function byebyeTexts(device: Device): Buffer[] {
  return facesOf(device).map(({ type, usn }) => textOf(...notifyOf('byebye', type, usn), ...idsOf(device)))
}
