// The longest MQTT packet that is read: the library keeps a packet in memory until its end, up to 256 MiB.
import type { Duplex } from 'node:stream'

/** Bytes of a packet: a message with its topic. Every client of the broker may publish where this server subscribes. */
export const MAX_PACKET_BYTES = 8 * 1024 * 1024

/** Bits of a byte of a packet's length, and of the bits before the last byte (MQTT 5, section 1.5.5). */
const LENGTH_BITS = 7
const LAST_SHIFT = 21

/**
 * Follows the packets of `stream`, and calls `onTooLong` at the head of one that is longer than allowed. What is no MQTT
 * is left to the library.
 */
export function limitPackets(stream: Duplex, onTooLong: (error: Error) => void): void {
  /** Bytes of the packet that are still to come; null in its head. */
  let rest: number | null = 0
  let length = 0
  let shift = 0
  const read = (part: Buffer) => {
    for (let at = 0; at < part.length; ) {
      if (rest !== null && rest > 0) {
        const passed = Math.min(rest, part.length - at)
        rest -= passed
        at += passed
      } else if (rest === 0) {
        // The type of the next packet.
        rest = null
        length = 0
        shift = 0
        at += 1
      } else {
        const byte = part[at] ?? 0
        at += 1
        length += (byte & 0x7f) << shift
        const isMore = byte >= 0x80 && shift < LAST_SHIFT
        shift += LENGTH_BITS
        if (isMore) continue
        rest = length
        if (length <= MAX_PACKET_BYTES) continue
        stream.off('data', read)
        return onTooLong(tooLong(length))
      }
    }
  }
  stream.on('data', read)
}

/** With a code, so that it is a warning, and the server waits longer before it tries again. */
function tooLong(length: number): Error {
  const text = `a message of ${length} bytes came in, and at most ${MAX_PACKET_BYTES} are read; it may be retained`
  return Object.assign(new Error(text), { code: 'message too long' })
}
