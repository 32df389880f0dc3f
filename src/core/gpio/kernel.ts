// ioctl for GPIO chips, through the optional package koffi.
import { getSystemErrorName } from 'node:util'
import { messageOf } from '../errors.ts'

/** ioctl on an open file. Throws GpioCallError. */
export type Ioctl = (file: number, request: number, argument: Buffer) => void

/** The kernel refused a call. */
export class GpioCallError extends Error {
  override readonly name = 'GpioCallError'
  /** Such as EBUSY. */
  readonly code: string

  constructor(code: string) {
    super(`ioctl: ${code}`)
    this.code = code
  }
}

/** Loads ioctl. Rejects with Error that names the package to install. */
export async function loadIoctl(): Promise<Ioctl> {
  try {
    const { default: koffi } = await import('koffi')
    const ioctl = koffi.load(null).func('int ioctl(int file, unsigned long request, ...)')
    return (file, request, argument) => {
      if (ioctl(file, request, 'void *', argument) < 0)
        throw new GpioCallError(getSystemErrorName(-koffi.errno()))
    }
  } catch (error) {
    throw new Error(`GPIO pins need the package koffi: install it (${messageOf(error)})`)
  }
}
