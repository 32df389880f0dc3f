// Queries a CAN bus for the nodes that have no node id yet.
import { closeSync, readSync, writeSync } from 'node:fs'
import { type Clock, sleep } from '../../../core/clock.ts'
import { ApiError, messageOf } from '../../../core/errors.ts'
import type { SystemFiles } from '../../../core/system-files.ts'
import type { SystemCalls } from '../system-calls.ts'
import {
  AF_CAN,
  answerFilter,
  FRAME_BYTES,
  interfaceAddress,
  nodeOf,
  queryFrame,
  type UnassignedNode,
} from './can-frames.ts'

/** How long answers are waited for, in seconds: as long as Klipper's own tool does. */
const ANSWER_TIME = 2
/** More answers mean that the bus is flooded. */
const MAX_FRAMES = 10_000

/** SOCK_RAW, with SOCK_NONBLOCK and SOCK_CLOEXEC. */
const RAW_SOCKET = 3 | 0x800 | 0x80000
const CAN_RAW = 1
const SOL_CAN_RAW = 101
const CAN_RAW_FILTER = 1
/** ARPHRD_CAN, the type of a network interface. */
const CAN_INTERFACE = 280
const IFF_UP = 1

/** Explanations of a socket's errors; others are reported by their code. */
const REASONS: Readonly<Record<string, string>> = {
  EAFNOSUPPORT: 'the kernel of this machine has no support for CAN',
  EPROTONOSUPPORT: 'the kernel of this machine has no support for raw CAN sockets',
  EPERM: 'the server may not use CAN sockets',
  EACCES: 'the server may not use CAN sockets',
  ENODEV: 'the interface is gone',
  ENETDOWN: 'the interface is down',
  ENOBUFS: 'no frame can be sent: no other node is on the bus, or its bit rate differs',
}

/**
 * The number of the network interface `name`. Throws ApiError: 400 for what is no name of one, for one that does not
 * exist and for one that is no CAN bus; 503 for one that is down.
 */
export async function findCanInterface(files: SystemFiles, name: string): Promise<number> {
  if (!/^[\w.-]{1,15}$/.test(name) || /^\.+$/.test(name)) {
    throw new ApiError(
      400,
      'Invalid argument [interface]: the name of a network interface has at most 15 letters, digits, dots, dashes and underscores',
    )
  }
  const folder = `/sys/class/net/${name}`
  const index = await files.number(`${folder}/ifindex`)
  if (index === null) throw new ApiError(400, `There is no network interface '${name}'`)
  if ((await files.number(`${folder}/type`)) !== CAN_INTERFACE) {
    throw new ApiError(400, `The network interface '${name}' is no CAN bus`)
  }
  const flags = (await files.number(`${folder}/flags`)) ?? IFF_UP
  if ((flags & IFF_UP) === 0) {
    throw new ApiError(503, `The CAN interface '${name}' is down: bring it up, for example with ip link set`)
  }
  return index
}

/**
 * Queries the bus behind the interface with that number, and collects answers until `signal` aborts. Throws ApiError 503
 * with the reason.
 */
export async function queryCanBus(
  interfaceIndex: number,
  calls: SystemCalls,
  clock: Clock,
  signal: AbortSignal,
): Promise<UnassignedNode[]> {
  let socket: number | undefined
  try {
    socket = calls.socket(AF_CAN, RAW_SOCKET, CAN_RAW)
    // The printer's own traffic on the bus stays outside.
    calls.setSocketOption(socket, SOL_CAN_RAW, CAN_RAW_FILTER, answerFilter())
    calls.bind(socket, interfaceAddress(interfaceIndex))
    writeSync(socket, queryFrame())
    return await gatherAnswers(socket, calls, clock, signal)
  } catch (error) {
    const { code = '' } = error as { readonly code?: string }
    throw new ApiError(503, `The CAN bus cannot be queried: ${REASONS[code] ?? messageOf(error)}`, {
      cause: error,
    })
  } finally {
    if (socket !== undefined) closeSync(socket)
  }
}

async function gatherAnswers(
  socket: number,
  calls: SystemCalls,
  clock: Clock,
  signal: AbortSignal,
): Promise<UnassignedNode[]> {
  const nodes = new Map<string, UnassignedNode>()
  const broken = new AbortController()
  let left = MAX_FRAMES
  const readable = calls.onReadable(socket, () => {
    try {
      for (let frame = readFrame(socket); frame !== null; frame = readFrame(socket)) {
        const node = nodeOf(frame)
        if (node !== null) nodes.set(node.uuid, node)
        left -= 1
        if (left < 0) throw new Error('it is flooded with answers')
      }
    } catch (error) {
      broken.abort(error)
    }
  })
  try {
    await sleep(clock, ANSWER_TIME, AbortSignal.any([broken.signal, signal]))
    return [...nodes.values()]
  } finally {
    readable.remove()
  }
}

/** Null if no frame has arrived. */
function readFrame(socket: number): Buffer | null {
  const frame = Buffer.alloc(FRAME_BYTES)
  try {
    const length = readSync(socket, frame)
    if (length === 0) throw new Error('the interface is gone')
    return frame.subarray(0, length)
  } catch (error) {
    if ((error as { code?: string }).code === 'EAGAIN') return null
    throw error
  }
}
