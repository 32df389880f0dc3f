// Opens a serial port: raw bytes, one owner, no waiting.
import { closeSync, constants, openSync } from 'node:fs'
import type { DeviceCalls } from '../device-calls.ts'
import { messageOf } from '../errors.ts'
import { baudOf, rawSettings, settingsBuffer, TCGETS2, TCSETS2, TIOCEXCL } from './termios.ts'

/** What the errors of a port mean. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist: is the device plugged in?',
  EACCES: 'may not be opened: add the user of this server to the group dialout',
  EBUSY: 'is used by another program',
  EAGAIN: 'is used by another program',
  ENOTTY: 'is not a serial port',
}

/** A larger share between the rate that was set and the one that the driver chose garbles characters. */
const MAX_RATE_ERROR = 0.05

/**
 * Opens `path` at a baud rate; returns the open file, whose reads and writes do not wait. Other programs cannot use the
 * port: new ones cannot open it, and those that lock ports, as Klipper does, see the lock. Throws Error with the reason.
 */
export function openPort(calls: DeviceCalls, path: string, baud: number): number {
  try {
    const file = openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK)
    try {
      claim(calls, file, baud)
      return file
    } catch (error) {
      closeSync(file)
      throw error
    }
  } catch (error) {
    const reason = REASONS[(error as NodeJS.ErrnoException).code ?? '']
    throw new Error(`${path} ${reason ?? `cannot be opened: ${messageOf(error)}`}`, { cause: error })
  }
}

function claim(calls: DeviceCalls, file: number, baud: number): void {
  // Also shows that it is a serial port.
  const settings = settingsBuffer()
  calls.ioctl(file, TCGETS2, settings)
  calls.lock(file)
  calls.ioctl(file, TIOCEXCL, settings)
  calls.ioctl(file, TCSETS2, rawSettings(baud))
  calls.ioctl(file, TCGETS2, settings)
  const actual = baudOf(settings)
  if (Math.abs(actual / baud - 1) > MAX_RATE_ERROR) {
    throw new Error(`it cannot run at ${baud} baud, only at ${actual}`)
  }
}
