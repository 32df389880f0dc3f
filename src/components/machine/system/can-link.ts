// What the kernel reports about a CAN interface over netlink (rtnetlink(7)), and nowhere else: its bitrate.
import { closeSync, readSync, writeSync } from 'node:fs'
import type { LoadCalls } from '../system-calls.ts'

export interface CanLink {
  /** Bits per second; null where none is set, as in virtual interfaces. */
  readonly bitrate: number | null
  /** As the driver names its controller: mcp251x, gs_usb … */
  readonly driver: string | null
}

const AF_NETLINK = 16
const SOCK_RAW = 3
const SOCK_NONBLOCK = 0o4000
const SOCK_CLOEXEC = 0o2000000
const NETLINK_ROUTE = 0

const RTM_NEWLINK = 16
const RTM_GETLINK = 18
const NLM_F_REQUEST = 1

/** struct nlmsghdr, and struct ifinfomsg behind it. */
const HEADER_BYTES = 16
const INTERFACE_BYTES = 16
/** Attributes start at multiples of this. */
const ALIGNMENT = 4
const MAX_REPLY_BYTES = 32 * 1024

const IFLA_LINKINFO = 18
const IFLA_INFO_KIND = 1
const IFLA_INFO_DATA = 2
const IFLA_CAN_BITTIMING = 1
const IFLA_CAN_BITTIMING_CONST = 2
/** The name at the start of struct can_bittiming_const. */
const NAME_BYTES = 16

/** Queries the kernel. Rejects if it cannot be queried or does not answer. */
export async function queryCanLink(index: number, load: LoadCalls): Promise<CanLink> {
  const calls = await load()
  if (calls === null) throw new Error('no system calls to query the kernel with')
  const socket = calls.socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE)
  try {
    writeSync(socket, linkRequest(index))
    // The kernel has answered before it returns from the writing: there is nothing to wait for.
    const buffer = Buffer.alloc(MAX_REPLY_BYTES)
    return parseCanLink(buffer.subarray(0, readSync(socket, buffer)))
  } finally {
    closeSync(socket)
  }
}

/** The request for one interface. Numbers are in the order of the machine: little-endian wherever Node runs. */
function linkRequest(index: number): Buffer {
  const message = Buffer.alloc(HEADER_BYTES + INTERFACE_BYTES)
  message.writeUInt32LE(message.length, 0)
  message.writeUInt16LE(RTM_GETLINK, 4)
  message.writeUInt16LE(NLM_F_REQUEST, 6)
  message.writeInt32LE(index, HEADER_BYTES + 4)
  return message
}

/** Reads the kernel's answer; both values are null for an interface of another kind. Throws for errors. */
export function parseCanLink(message: Buffer): CanLink {
  const type = message.length < HEADER_BYTES ? 0 : message.readUInt16LE(4)
  if (type !== RTM_NEWLINK) throw new Error('the kernel does not know this interface')
  const info = attribute(message.subarray(HEADER_BYTES + INTERFACE_BYTES), IFLA_LINKINFO)
  if (text(attribute(info, IFLA_INFO_KIND)) !== 'can') return { bitrate: null, driver: null }
  const data = attribute(info, IFLA_INFO_DATA)
  const timing = attribute(data, IFLA_CAN_BITTIMING)
  const limits = attribute(data, IFLA_CAN_BITTIMING_CONST)
  const bitrate = timing.length < 4 ? 0 : timing.readUInt32LE(0)
  return { bitrate: bitrate || null, driver: text(limits.subarray(0, NAME_BYTES)) || null }
}

/** The content of the attribute of this type; empty without one. */
function attribute(attributes: Buffer, wanted: number): Buffer {
  let place = 0
  while (place + ALIGNMENT <= attributes.length) {
    const length = attributes.readUInt16LE(place)
    if (length < ALIGNMENT) break
    if (attributes.readUInt16LE(place + 2) === wanted)
      return attributes.subarray(place + ALIGNMENT, place + length)
    place += Math.ceil(length / ALIGNMENT) * ALIGNMENT
  }
  return attributes.subarray(0, 0)
}

function text(content: Buffer): string {
  return content.toString('latin1').split('\0', 1).join()
}
