// The uid of a webcam of the configuration: the same at every start, and the same as the original's.
import { createHash } from 'node:crypto'

/** A UUID of version 5 (RFC 9562) over the webcam's name, in the namespace of the server's instance id. */
export function configuredUid(instanceId: string, name: string): string {
  const hash = createHash('sha1').update(namespaceOf(instanceId)).update(`moonraker.webcam.${name}`).digest()
  const bytes = hash.subarray(0, 16)
  bytes[6] = (bytes.readUInt8(6) & 0x0f) | 0x50
  bytes[8] = (bytes.readUInt8(8) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return [[0, 8], [8, 12], [12, 16], [16, 20], [20]].map(part => hex.slice(...part)).join('-')
}

/** The sixteen bytes of an instance id; for any other text, the start of its hash. */
function namespaceOf(instanceId: string): Buffer {
  const hex = instanceId.replaceAll(/[{}-]|urn:|uuid:/g, '')
  const isNumber = /^[0-9a-f]{32}$/i.test(hex)
  return isNumber ? Buffer.from(hex, 'hex') : createHash('sha1').update(instanceId).digest().subarray(0, 16)
}
