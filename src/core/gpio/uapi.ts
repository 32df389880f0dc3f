// The requests of Linux's GPIO character device, version 2 (linux/gpio.h, Linux 5.10 and later). The layout is the same
// on x86-64, arm and arm64; all of them are little-endian.
import type { Pin } from './pin.ts'

/** The numbers of the requests. */
export const GPIO_GET_CHIPINFO = 0x8044b401
export const GPIO_V2_GET_LINE = 0xc250b407
export const GPIO_V2_LINE_GET_VALUES = 0xc010b40e
export const GPIO_V2_LINE_SET_VALUES = 0xc010b40f

/** GPIO_V2_LINE_FLAG_* */
const FLAGS = {
  activeLow: 2n,
  input: 4n,
  output: 8n,
  risingEdges: 16n,
  fallingEdges: 32n,
  pullUp: 256n,
  pullDown: 512n,
  noBias: 1024n,
} as const

/** The name under which the kernel lists the lines of this server. */
const CONSUMER = 'moonraker'
const NAME_BYTES = 32
const CHIP_INFO_BYTES = 68
const LINE_REQUEST_BYTES = 592
const AT = { consumer: 256, flags: 288, attributes: 296, firstAttribute: 320, lines: 560, file: 588 } as const
/** GPIO_V2_LINE_ATTR_ID_* */
const ATTRIBUTES = { outputValues: 2, debounce: 3 } as const
/** struct gpio_v2_line_event */
const EVENT = { bytes: 48, id: 8, rising: 1 } as const

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

/** GPIO_V2_GET_LINE for a pin as an output with a value. */
export function outputRequest(pin: Pin, value: boolean): Buffer {
  return lineRequest(pin, FLAGS.output, [ATTRIBUTES.outputValues, value ? 1n : 0n])
}

/** GPIO_V2_GET_LINE for a pin as an input whose value is read. */
export function inputRequest(pin: Pin): Buffer {
  return lineRequest(pin, FLAGS.input | biasFlag(pin))
}

/** GPIO_V2_GET_LINE for a pin as an input whose edges are reported once the level is stable for so many seconds. */
export function edgesRequest(pin: Pin, debounceSeconds: number): Buffer {
  const flags = FLAGS.input | FLAGS.risingEdges | FLAGS.fallingEdges | biasFlag(pin)
  return lineRequest(pin, flags, [ATTRIBUTES.debounce, BigInt(Math.round(debounceSeconds * 1e6))])
}

function biasFlag({ bias }: Pin): bigint {
  if (bias === null) return FLAGS.noBias
  return bias === 'pull_up' ? FLAGS.pullUp : FLAGS.pullDown
}

function lineRequest(
  { line, isInverted }: Pin,
  flags: bigint,
  attribute?: readonly [number, bigint],
): Buffer {
  const request = Buffer.alloc(LINE_REQUEST_BYTES)
  request.writeUInt32LE(line)
  request.write(CONSUMER, AT.consumer, NAME_BYTES - 1)
  request.writeBigUInt64LE(flags | (isInverted ? FLAGS.activeLow : 0n), AT.flags)
  request.writeUInt32LE(1, AT.lines)
  if (attribute === undefined) return request
  const [id, value] = attribute
  request.writeUInt32LE(1, AT.attributes)
  request.writeUInt32LE(id, AT.firstAttribute)
  request.writeBigUInt64LE(value, AT.firstAttribute + 8)
  // The attribute is that of the first line.
  request.writeBigUInt64LE(1n, AT.firstAttribute + 16)
  return request
}

/** The file of the line, from the answer to GPIO_V2_GET_LINE. */
export function lineFile(request: Buffer): number {
  return request.readInt32LE(AT.file)
}

/** GPIO_V2_LINE_SET_VALUES, or GPIO_V2_LINE_GET_VALUES, for the only line of a request. */
export function valuesBuffer(value = false): Buffer {
  const values = Buffer.alloc(16)
  values.writeBigUInt64LE(value ? 1n : 0n)
  values.writeBigUInt64LE(1n, 8)
  return values
}

/** The value of the only line, from the answer to GPIO_V2_LINE_GET_VALUES. */
export function lineValue(values: Buffer): boolean {
  return (values.readBigUInt64LE() & 1n) === 1n
}

/** A change of an input. */
export interface Edge {
  /** On the kernel's monotonic clock. */
  readonly seconds: number
  /** The value after it; an inverted pin has the value true while it is low. */
  readonly value: boolean
}

/** A buffer for the events that one read of a line's file returns. */
export function eventsBuffer(): Buffer {
  return Buffer.alloc(64 * EVENT.bytes)
}

/** The events in what was read from a line's file. */
export function edgesIn(events: Buffer): Edge[] {
  return Array.from({ length: Math.floor(events.length / EVENT.bytes) }, (_, index) => {
    const at = index * EVENT.bytes
    return {
      seconds: Number(events.readBigUInt64LE(at)) / 1e9,
      value: events.readUInt32LE(at + EVENT.id) === EVENT.rising,
    }
  })
}
