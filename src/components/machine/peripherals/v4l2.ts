// What Video4Linux reports about a camera: its requests and structures (linux/videodev2.h), which have the same layout
// whatever the word size, and the modes that follow from them.
import type { ResultOf } from '../../../api/endpoint.ts'
import type { peripherals } from '../../../api/peripherals.ts'
import type { SystemCalls } from '../system-calls.ts'

type Mode = ResultOf<
  (typeof peripherals)['methods']['machine.peripherals.video']
>['v4l2_devices'][number]['modes'][number]

/** What a capture device reports about itself. */
export interface Camera {
  readonly camera_name: string
  readonly driver_name: string
  readonly hardware_bus: string
  readonly capabilities: string[]
  readonly version: string
  readonly modes: Mode[]
}

const READ = 2
const READ_AND_WRITE = 3

/** The number of a request of Video4Linux: direction, size of its structure, 'V', its own number. */
const request = (direction: number, size: number, number: number) =>
  ((direction << 30) | (size << 16) | (0x56 << 8) | number) >>> 0

const CAPABILITY_BYTES = 104
const FORMAT_BYTES = 64
const FRAME_SIZE_BYTES = 44

/** VIDIOC_QUERYCAP, VIDIOC_ENUM_FMT and VIDIOC_ENUM_FRAMESIZES. */
export const REQUESTS = {
  capability: request(READ, CAPABILITY_BYTES, 0),
  format: request(READ_AND_WRITE, FORMAT_BYTES, 2),
  frameSize: request(READ_AND_WRITE, FRAME_SIZE_BYTES, 74),
} as const

/** V4L2_BUF_TYPE_VIDEO_CAPTURE */
const CAPTURE = 1
/** V4L2_FRMSIZE_TYPE_DISCRETE; others have ranges in place of a list. */
const DISCRETE = 1
const VIDEO_CAPTURE = 1
const HAS_DEVICE_CAPABILITIES = 0x80000000

/** At most this many formats of a camera, and sizes of a format, are read. */
const MAX_ITEMS = 128

/** The names of the bits V4L2_CAP_*. */
const CAPABILITIES: readonly (readonly [bit: number, name: string])[] = [
  [0x00000001, 'VIDEO_CAPTURE'],
  [0x00000002, 'VIDEO_OUTPUT'],
  [0x00000004, 'VIDEO_OVERLAY'],
  [0x00000010, 'VBI_CAPTURE'],
  [0x00000020, 'VBI_OUTPUT'],
  [0x00000040, 'SLICED_VBI_CAPTURE'],
  [0x00000080, 'SLICED_VBI_OUTPUT'],
  [0x00000100, 'RDS_CAPTURE'],
  [0x00000200, 'VIDEO_OUTPUT_OVERLAY'],
  [0x00000400, 'HW_FREQ_SEEK'],
  [0x00000800, 'RDS_OUTPUT'],
  [0x00001000, 'VIDEO_CAPTURE_MPLANE'],
  [0x00002000, 'VIDEO_OUTPUT_MPLANE'],
  [0x00004000, 'VIDEO_M2M_MPLANE'],
  [0x00008000, 'VIDEO_M2M'],
  [0x00010000, 'TUNER'],
  [0x00020000, 'AUDIO'],
  [0x00040000, 'RADIO'],
  [0x00080000, 'MODULATOR'],
  [0x00100000, 'SDR_CAPTURE'],
  [0x00200000, 'EXT_PIX_FORMAT'],
  [0x00400000, 'SDR_OUTPUT'],
  [0x00800000, 'META_CAPTURE'],
  [0x01000000, 'READWRITE'],
  [0x04000000, 'STREAMING'],
  [0x08000000, 'META_OUTPUT'],
  [0x10000000, 'TOUCH'],
  [0x20000000, 'IO_MC'],
]

const FORMAT_FLAGS: readonly (readonly [bit: number, name: string])[] = [
  [0x0001, 'COMPRESSED'],
  [0x0002, 'EMULATED'],
]

/** Queries the opened device `file`; null if it is not a camera. Rejects if the call itself fails. */
export async function queryCamera(
  file: number,
  { ioctl }: Pick<SystemCalls, 'ioctl'>,
): Promise<Camera | null> {
  const capability = Buffer.alloc(CAPABILITY_BYTES)
  if (!(await ioctl(file, REQUESTS.capability, capability))) return null
  const version = capability.readUInt32LE(80)
  const ofAllNodes = capability.readUInt32LE(84)
  const bits = (ofAllNodes & HAS_DEVICE_CAPABILITIES) === 0 ? ofAllNodes : capability.readUInt32LE(88)
  if ((bits & VIDEO_CAPTURE) === 0) return null
  return {
    driver_name: textAt(capability, 0, 16),
    camera_name: textAt(capability, 16, 32),
    hardware_bus: textAt(capability, 48, 32),
    capabilities: namesOf(bits, CAPABILITIES),
    version: `${(version >>> 16) & 0xff}.${(version >>> 8) & 0xff}.${version & 0xff}`,
    modes: await queryModes(file, ioctl),
  }
}

/** Those with a list of sizes. */
async function queryModes(file: number, ioctl: SystemCalls['ioctl']): Promise<Mode[]> {
  const modes: Mode[] = []
  for (let index = 0; index < MAX_ITEMS; index += 1) {
    const format = Buffer.alloc(FORMAT_BYTES)
    format.writeUInt32LE(index, 0)
    format.writeUInt32LE(CAPTURE, 4)
    if (!(await ioctl(file, REQUESTS.format, format))) break
    const code = format.readUInt32LE(44)
    const resolutions = await queryResolutions(file, code, ioctl)
    if (resolutions.length === 0) continue
    modes.push({
      format: fourCharacters(code),
      description: textAt(format, 12, 32),
      flags: namesOf(format.readUInt32LE(8), FORMAT_FLAGS),
      resolutions,
    })
  }
  return modes
}

async function queryResolutions(
  file: number,
  format: number,
  ioctl: SystemCalls['ioctl'],
): Promise<string[]> {
  const resolutions: string[] = []
  for (let index = 0; index < MAX_ITEMS; index += 1) {
    const size = Buffer.alloc(FRAME_SIZE_BYTES)
    size.writeUInt32LE(index, 0)
    size.writeUInt32LE(format, 4)
    if (!(await ioctl(file, REQUESTS.frameSize, size)) || size.readUInt32LE(8) !== DISCRETE) break
    resolutions.push(`${size.readUInt32LE(12)}x${size.readUInt32LE(16)}`)
  }
  return resolutions
}

/** The last bit of the code only means that the bytes are in the other order. */
function fourCharacters(code: number): string {
  const bytes = [code, code >>> 8, code >>> 16, (code >>> 24) & 0x7f].map(byte => byte & 0xff)
  return String.fromCharCode(...bytes.filter(byte => byte >= 0x20 && byte < 0x7f))
}

function namesOf(bits: number, names: readonly (readonly [bit: number, name: string])[]): string[] {
  return names.filter(([bit]) => (bits & bit) !== 0).map(([, name]) => name)
}

/** Text of C in a field of fixed length. */
function textAt(buffer: Buffer, start: number, length: number): string {
  const field = buffer.subarray(start, start + length)
  const end = field.indexOf(0)
  return field.toString('utf8', 0, end === -1 ? length : end)
}
