// Frames of a CAN bus in Linux's layout (linux/can.h), and the messages that Klipper's nodes understand before
// they have a node id (Klipper's docs/CANBUS_protocol.md; Katapult's are the same but for its own number).

/** A node that waits for its id. */
export interface UnassignedNode {
  /** Twelve hexadecimal digits. */
  readonly uuid: string
  readonly application: string
}

export const FRAME_BYTES = 16

/** The bus id that every node receives, and the one on which nodes without an id answer. */
const ADMIN = 0x3f0
const ADMIN_ANSWER = 0x3f1
const QUERY_UNASSIGNED = 0x00
const NEED_NODE_ID = 0x20
/** The answer ends with the command that would give the node its id: each program has its own. */
const APPLICATIONS: ReadonlyMap<number | undefined, string> = new Map([
  [0x01, 'Klipper'],
  [0x11, 'Katapult'],
])

/** Flags in the id of a frame: extended id, remote request, error. */
const FLAGS = 0xe0000000
const STANDARD_ID = 0x7ff
const MAX_DATA = 8

/** The request that every node without an id answers. */
export function queryFrame(): Buffer {
  const frame = Buffer.alloc(FRAME_BYTES)
  frame.writeUInt32LE(ADMIN, 0)
  frame.writeUInt8(1, 4)
  frame.writeUInt8(QUERY_UNASSIGNED, 8)
  return frame
}

/** The node that answers with `frame`; null for a frame of another kind. */
export function nodeOf(frame: Buffer): UnassignedNode | null {
  if (frame.length < FRAME_BYTES || frame.readUInt32LE(0) !== ADMIN_ANSWER) return null
  const data = frame.subarray(8, 8 + Math.min(frame.readUInt8(4), MAX_DATA))
  if (data.length < 7 || data[0] !== NEED_NODE_ID) return null
  return { uuid: data.toString('hex', 1, 7), application: APPLICATIONS.get(data[7]) ?? 'Unknown' }
}

/** A filter of a socket (struct can_filter) that lets only answers of such nodes through. */
export function answerFilter(): Buffer {
  const filter = Buffer.alloc(8)
  filter.writeUInt32LE(ADMIN_ANSWER, 0)
  filter.writeUInt32LE((FLAGS | STANDARD_ID) >>> 0, 4)
  return filter
}

/** The family of CAN's sockets and addresses. */
export const AF_CAN = 29

/** The address of an interface (struct sockaddr_can), by its number. */
export function interfaceAddress(index: number): Buffer {
  const address = Buffer.alloc(24)
  address.writeUInt16LE(AF_CAN, 0)
  address.writeInt32LE(index, 4)
  return address
}
