// System calls on device files that Node does not have, through the optional package koffi.
import { getSystemErrorName } from 'node:util'
import { messageOf } from './errors.ts'
import type { Registration } from './scope.ts'

/** The kernel refused a call. */
export class DeviceCallError extends Error {
  override readonly name = 'DeviceCallError'
  /** Such as ENOTTY. */
  readonly code: string

  constructor(call: string, code: string) {
    super(`${call}: ${code}`)
    this.code = code
  }
}

/** System calls on open files; those that return nothing throw DeviceCallError. */
export interface DeviceCalls {
  ioctl(file: number, request: number, argument: Buffer): void
  /** Locks the file for this process, without waiting. */
  lock(file: number): void
  /**
   * Calls `listener` each time there is something to read, the peer is gone or, with `writable`, output is accepted; it
   * may be called once more after the end. Uses libuv's own polling, no thread. The file becomes non-blocking.
   */
  watch(file: number, events: { readonly writable: boolean }, listener: () => void): Registration
}

/** LOCK_EX | LOCK_NB */
const EXCLUSIVE = 2 | 4

/** Loads the calls for `devices`, such as 'serial ports'. Rejects with Error that names the package to install. */
export async function loadDeviceCalls(devices: string): Promise<DeviceCalls> {
  try {
    const { default: koffi } = await import('koffi')
    const library = koffi.load(null)
    const ioctl = library.func('int ioctl(int file, unsigned long request, ...)')
    const flock = library.func('int flock(int file, int operation)')
    const check = (call: string, result: number) => {
      if (result < 0) throw new DeviceCallError(call, getSystemErrorName(-koffi.errno()))
    }
    return {
      ioctl: (file, request, argument) => check('ioctl', ioctl(file, request, 'void *', argument)),
      lock: file => check('flock', flock(file, EXCLUSIVE)),
      watch(file, { writable }, listener) {
        // koffi calls the listener outside of Node's callbacks: without setImmediate, promises would not continue after it.
        const handle = koffi.node.poll(file, { readable: true, writable }, () => setImmediate(listener))
        return { remove: () => handle.close() }
      },
    }
  } catch (error) {
    throw new Error(`${devices} need the package koffi: install it (${messageOf(error)})`)
  }
}
