// Output lines of GPIO chips.
import { closeSync } from 'node:fs'
import { requestLine } from './line.ts'
import type { GpioCalls } from './machine.ts'
import type { Pin } from './pin.ts'
import { GPIO_V2_LINE_SET_VALUES, outputRequest, valuesBuffer } from './uapi.ts'

/** An output that is held until `close`. */
export interface GpioOutput {
  /** The file of the line, for a thread that writes it. */
  readonly file: number
  /** Throws DeviceCallError. */
  write(value: boolean): void
  /** Releases the line: many chips make it an input then. */
  close(): void
}

/** Requests `pin` as an output with a first value. Throws Error with the reason. `folder` holds the chips. */
export function openOutput(ioctl: GpioCalls['ioctl'], pin: Pin, value: boolean, folder: string): GpioOutput {
  const file = requestLine(ioctl, pin, outputRequest(pin, value), folder)
  return {
    file,
    write: next => ioctl(file, GPIO_V2_LINE_SET_VALUES, valuesBuffer(next)),
    close: () => closeSync(file),
  }
}
