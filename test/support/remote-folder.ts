// Serves a folder, read-only, through FUSE on descriptor 3: `node remote-folder.ts FOLDER`. As with a network file system,
// the system notices changes in the folder only when it polls, and inotify does not report them. A look-up of STOP stops the
// process: a request that it has taken cannot be ended by any signal, and so only that one is taken.
import { closeSync, lstatSync, openSync, readdirSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'

const FOLDER = process.argv[2] as string
const DEVICE = 3
const STOP = '.stop'
/** The lengths of the headers of requests and replies. */
const REQUEST_HEADER = 40
const REPLY_HEADER = 16
/** Error numbers. */
const ENOENT = 2
const ENOSYS = 38

/** Requests that get no reply: forget, interrupt and batch forget. */
const WITHOUT_REPLY = [2, 36, 42]

/** Paths by their node ids; 1 is the folder itself. */
const paths = ['', '']

/** The replies by opcode, as in linux/fuse.h. They throw the errors of the system. */
const REPLIES: Readonly<Record<number, (path: string, body: Buffer) => Buffer>> = {
  // FUSE_LOOKUP
  1: (path, body) => {
    const child = join(path, body.toString('utf8', 0, body.indexOf(0)))
    if (child === STOP) process.kill(process.pid, 'SIGSTOP')
    const attributes = attributesOf(child)
    return Buffer.concat([numbers(40, [0, idOf(child), 8]), attributes])
  },
  // FUSE_GETATTR
  3: path => Buffer.concat([Buffer.alloc(16), attributesOf(path)]),
  // FUSE_OPEN
  14: () => Buffer.alloc(16),
  // FUSE_READ
  15: (path, body) => {
    const file = openSync(join(FOLDER, path), 'r')
    const bytes = Buffer.alloc(body.readUInt32LE(16))
    const length = readSync(file, bytes, 0, bytes.length, Number(body.readBigUInt64LE(8)))
    closeSync(file)
    return bytes.subarray(0, length)
  },
  // FUSE_INIT: version 7.31, writes of up to 64 KiB
  26: () => numbers(64, [0, 7, 4], [4, 31, 4], [20, 65_536, 4]),
  // FUSE_OPENDIR
  27: () => Buffer.alloc(16),
  // FUSE_READDIR
  28: (path, body) => (body.readBigUInt64LE(8) === 0n ? entriesOf(path) : Buffer.alloc(0)),
}

function idOf(path: string): number {
  const known = paths.indexOf(path, 1)
  return known === -1 ? paths.push(path) - 1 : known
}

/** A block of `length` bytes with numbers of 4 or 8 bytes at some offsets. */
function numbers(
  length: number,
  ...values: (readonly [offset: number, value: number, bytes: 4 | 8])[]
): Buffer {
  const block = Buffer.alloc(length)
  for (const [offset, value, bytes] of values) {
    if (bytes === 4) block.writeUInt32LE(value, offset)
    else block.writeBigUInt64LE(BigInt(value), offset)
  }
  return block
}

/** A struct fuse_attr. */
function attributesOf(path: string): Buffer {
  const { ino, size, mode, mtimeMs } = lstatSync(join(FOLDER, path))
  const seconds = Math.floor(mtimeMs / 1000)
  const nanoseconds = Math.floor((mtimeMs % 1000) * 1e6)
  return numbers(
    88,
    [0, ino, 8],
    [8, size, 8],
    ...[24, 32, 40].map(offset => [offset, seconds, 8] as const),
    ...[48, 52, 56].map(offset => [offset, nanoseconds, 4] as const),
    [60, mode, 4],
    [64, 1, 4],
    [80, 4096, 4],
  )
}

/** A struct fuse_dirent for each name. */
function entriesOf(path: string): Buffer {
  const entries = readdirSync(join(FOLDER, path)).map((name, index) => {
    const text = Buffer.from(name)
    const entry = numbers(
      24 + Math.ceil(text.length / 8) * 8,
      [0, 1, 8],
      [8, index + 1, 8],
      [16, text.length, 4],
    )
    text.copy(entry, 24)
    return entry
  })
  return Buffer.concat(entries)
}

function replyTo(request: Buffer): Buffer {
  const handle = REPLIES[request.readUInt32LE(4)]
  const path = paths[Number(request.readBigUInt64LE(16))] ?? ''
  let body: Buffer = Buffer.alloc(0)
  let error = handle === undefined ? ENOSYS : 0
  try {
    if (handle !== undefined) body = handle(path, request.subarray(REQUEST_HEADER))
  } catch {
    error = ENOENT
  }
  const header = numbers(REPLY_HEADER, [0, REPLY_HEADER + body.length, 4])
  header.writeInt32LE(-error, 4)
  request.copy(header, 8, 8, 16)
  return Buffer.concat([header, body])
}

const buffer = Buffer.alloc(256 * 1024)
for (;;) {
  let length = 0
  try {
    length = readSync(DEVICE, buffer)
  } catch {
    // The file system was unmounted.
    process.exit(0)
  }
  const request = buffer.subarray(0, length)
  if (!WITHOUT_REPLY.includes(request.readUInt32LE(4))) writeSync(DEVICE, replyTo(request))
}
