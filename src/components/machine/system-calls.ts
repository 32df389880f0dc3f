// System calls that Node does not have: ioctl and sockets of other families, through the optional package koffi.
import { getSystemErrorName } from 'node:util'
import { messageOf } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { Registration } from '../../core/scope.ts'

/** A system call failed. */
export class SystemCallError extends Error {
  override readonly name: string = 'SystemCallError'

  /** Such as ENODEV. */
  readonly code: string

  constructor(call: string, code: string) {
    super(`${call}: ${code}`)
    this.code = code
  }
}

/** The calls that query devices. Those that may wait run on another thread. */
export interface SystemCalls {
  /** Whether the driver did what `request` means; `argument` is read and written as its structure demands. */
  ioctl(file: number, request: number, argument: Buffer): Promise<boolean>
  /** A new socket. Throws SystemCallError. */
  socket(family: number, type: number, protocol: number): number
  /** Throws SystemCallError. */
  setSocketOption(socket: number, level: number, name: number, value: Buffer): void
  /** Throws SystemCallError. */
  bind(socket: number, address: Buffer): void
  /** Calls `listener` whenever there is something to read. */
  onReadable(socket: number, listener: () => void): Registration
}

/** Gives the system calls; null where they cannot be had. */
export type LoadCalls = () => Promise<SystemCalls | null>

/** Loads them at first use. A failure is logged once. */
export function systemCalls(log: Log): LoadCalls {
  const load = async () => {
    const loaded = await loadSystemCalls()
    if (!('missing' in loaded)) return loaded
    log.info(`cameras and CAN cannot be queried: the package koffi cannot be loaded: ${loaded.missing}`)
    return null
  }
  let loading: Promise<SystemCalls | null> | undefined
  return () => {
    loading ??= load()
    return loading
  }
}

/** Loads koffi; returns the reason if it is not installed, or not made for this machine. */
export async function loadSystemCalls(): Promise<SystemCalls | { readonly missing: string }> {
  try {
    const { default: koffi } = await import('koffi')
    // The program itself: the C library is in it, under whatever name.
    const library = koffi.load(null)
    // Declared with fixed arguments, because calls with variable ones cannot run on another thread. On the processors
    // that Linux hosts of printers have, both are called alike.
    const ioctl = library.func('ioctl', 'int', ['int', 'ulong', 'void *'])
    const functions = {
      socket: library.func('socket', 'int', ['int', 'int', 'int']),
      setsockopt: library.func('setsockopt', 'int', ['int', 'int', 'int', 'void *', 'uint']),
      bind: library.func('bind', 'int', ['int', 'void *', 'uint']),
    }
    const call = (name: keyof typeof functions, ...args: readonly (number | Buffer)[]): number => {
      const result = functions[name](...args) as number
      if (result < 0) throw new SystemCallError(name, getSystemErrorName(-koffi.errno()))
      return result
    }
    return {
      ioctl: (file, request, argument) =>
        new Promise((resolve, reject) => {
          ioctl.async(file, request, argument, (error: Error | null, result: number) =>
            error === null ? resolve(result >= 0) : reject(error),
          )
        }),
      socket: (family, type, protocol) => call('socket', family, type, protocol),
      setSocketOption: (socket, level, name, value) =>
        void call('setsockopt', socket, level, name, value, value.length),
      bind: (socket, address) => void call('bind', socket, address, address.length),
      onReadable(socket, listener) {
        const handle = koffi.node.poll(socket, { readable: true }, listener)
        return { remove: () => handle.close() }
      },
    }
  } catch (error) {
    return { missing: messageOf(error) }
  }
}
