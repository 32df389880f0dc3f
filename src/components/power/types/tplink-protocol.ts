// The local protocol of TP-Link Kasa plugs: JSON over TCP, each message with its length and obscured by a running XOR.
import { connect } from 'node:net'
import type { Deadline } from '../deadline.ts'

/** The key of the first byte; that of each further byte is the obscured byte before it. */
const FIRST_KEY = 171
const LENGTH_BYTES = 4
/** A longer reply is an error. */
const MAX_BYTES = 256 * 1024

/** A command as it is sent. */
export function encodeMessage(text: string): Buffer {
  const plain = Buffer.from(text)
  const message = Buffer.alloc(LENGTH_BYTES + plain.length)
  message.writeUInt32BE(plain.length)
  let key = FIRST_KEY
  for (const [index, byte] of plain.entries()) {
    key ^= byte
    message[LENGTH_BYTES + index] = key
  }
  return message
}

/** The text of a message without its length. */
export function decodeMessage(obscured: Buffer): string {
  const plain = Buffer.alloc(obscured.length)
  let key = FIRST_KEY
  for (const [index, byte] of obscured.entries()) {
    plain[index] = byte ^ key
    key = byte
  }
  return plain.toString()
}

/** Sends a command on a connection of its own. Rejects if the plug does not reply, or with the reason of the deadline. */
export async function sendCommand(
  { host, port }: { readonly host: string; readonly port: number },
  command: unknown,
  deadline: Deadline,
): Promise<unknown> {
  deadline.throwIfCancelled()
  const socket = connect({ host, port })
  const onCancel = (reason: unknown) => socket.destroy(reason as Error)
  deadline.onCancel(onCancel)
  try {
    socket.write(encodeMessage(JSON.stringify(command)))
    const parts: Buffer[] = []
    let received = 0
    let end = Number.POSITIVE_INFINITY
    for await (const part of socket as AsyncIterable<Buffer>) {
      received += part.length
      parts.push(part)
      // Joined twice only, however short the parts are.
      if (end === Number.POSITIVE_INFINITY && received >= LENGTH_BYTES) {
        const length = Buffer.concat(parts).readUInt32BE()
        if (length > MAX_BYTES) throw new Error(`${host} replies with more than ${MAX_BYTES} bytes`)
        end = LENGTH_BYTES + length
      }
      if (received >= end) return parse(decodeMessage(Buffer.concat(parts).subarray(LENGTH_BYTES, end)), host)
    }
    throw new Error(`${host} closes the connection without a reply`)
  } finally {
    deadline.offCancel(onCancel)
    socket.destroy()
  }
}

function parse(text: string, host: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error(`${host} replies with something that is not JSON`)
  }
}
