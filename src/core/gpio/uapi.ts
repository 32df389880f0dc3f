// The requests of Linux's GPIO character device, version 2 (linux/gpio.h, Linux 5.10 and later). The layout is the same
// on x86-64, arm and arm64; all of them are little-endian.

/** The numbers of the requests. */
export const GPIO_GET_CHIPINFO = 0x8044b401
export const GPIO_V2_GET_LINE = 0xc250b407
export const GPIO_V2_LINE_SET_VALUES = 0xc010b40f

/** GPIO_V2_LINE_FLAG_* */
export const LINE_FLAGS = { activeLow: 2n, output: 8n } as const

const NAME_BYTES = 32
const CHIP_INFO_BYTES = 68
const LINE_REQUEST_BYTES = 592
const AT = { consumer: 256, flags: 288, attributes: 296, firstAttribute: 320, lines: 560, file: 588 } as const
/** GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES */
const OUTPUT_VALUES = 2

/** A buffer for GPIO_GET_CHIPINFO. */
export function chipInfoBuffer(): Buffer {
  return Buffer.alloc(CHIP_INFO_BYTES)
}

/** The label of a chip, from the answer to GPIO_GET_CHIPINFO. */
export function chipLabel(info: Buffer): string {
  const label = info.subarray(NAME_BYTES, 2 * NAME_BYTES)
  const end = label.indexOf(0)
  return label.toString('utf8', 0, end === -1 ? label.length : end)
}

/** GPIO_V2_GET_LINE for one line as an output with a value. */
export function outputRequest(line: number, flags: bigint, value: boolean, consumer: string): Buffer {
  const request = Buffer.alloc(LINE_REQUEST_BYTES)
  request.writeUInt32LE(line)
  request.write(consumer, AT.consumer, NAME_BYTES - 1)
  request.writeBigUInt64LE(flags | LINE_FLAGS.output, AT.flags)
  request.writeUInt32LE(1, AT.attributes)
  request.writeUInt32LE(OUTPUT_VALUES, AT.firstAttribute)
  request.writeBigUInt64LE(value ? 1n : 0n, AT.firstAttribute + 8)
  request.writeBigUInt64LE(1n, AT.firstAttribute + 16)
  request.writeUInt32LE(1, AT.lines)
  return request
}

/** The file of the line, from the answer to GPIO_V2_GET_LINE. */
export function lineFile(request: Buffer): number {
  return request.readInt32LE(AT.file)
}

/** GPIO_V2_LINE_SET_VALUES for the only line of a request. */
export function valuesBuffer(value: boolean): Buffer {
  const values = Buffer.alloc(16)
  values.writeBigUInt64LE(value ? 1n : 0n)
  values.writeBigUInt64LE(1n, 8)
  return values
}
