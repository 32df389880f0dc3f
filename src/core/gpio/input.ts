// Input lines of GPIO chips.
import { closeSync, readSync } from 'node:fs'
import { DeviceCallError } from '../device-calls.ts'
import { requestLine } from './line.ts'
import type { GpioCalls } from './machine.ts'
import type { Pin } from './pin.ts'
import {
  type Edge,
  edgesIn,
  edgesRequest,
  eventsBuffer,
  GPIO_V2_LINE_GET_VALUES,
  inputRequest,
  lineValue,
  valuesBuffer,
} from './uapi.ts'

/** An input that is held until `close`. */
export interface GpioInput {
  /** The file of the line: readable when there are edges. */
  readonly file: number
  /** False if the chip has no interrupts for the line: it reports no edges, and debounces nothing. */
  readonly hasEdges: boolean
  /** The present value. Throws DeviceCallError. */
  read(): boolean
  /** The edges since the last call, for a file that is watched. Throws Error if the chip is gone. */
  readEdges(): readonly Edge[]
  close(): void
}

/** Requests `pin` as an input. Throws Error with the reason. `folder` holds the chips. */
export function openInput(
  ioctl: GpioCalls['ioctl'],
  pin: Pin,
  debounceSeconds: number,
  folder: string,
): GpioInput {
  const { file, hasEdges } = request(ioctl, pin, debounceSeconds, folder)
  return {
    file,
    hasEdges,
    read() {
      const values = valuesBuffer()
      ioctl(file, GPIO_V2_LINE_GET_VALUES, values)
      return lineValue(values)
    },
    readEdges() {
      const events = eventsBuffer()
      try {
        return edgesIn(events.subarray(0, readSync(file, events)))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return []
        throw error
      }
    },
    close: () => closeSync(file),
  }
}

function request(ioctl: GpioCalls['ioctl'], pin: Pin, debounceSeconds: number, folder: string) {
  try {
    const file = requestLine(ioctl, pin, edgesRequest(pin, debounceSeconds), folder)
    return { file, hasEdges: true }
  } catch (error) {
    const { cause } = error as Error
    if (!(cause instanceof DeviceCallError && cause.code === 'ENXIO')) throw error
    return { file: requestLine(ioctl, pin, inputRequest(pin), folder), hasEdges: false }
  }
}
