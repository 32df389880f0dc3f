// Output lines of GPIO chips.
import { closeSync, openSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../errors.ts'
import { GpioCallError, type Ioctl } from './kernel.ts'
import type { Pin } from './pin.ts'
import {
  chipInfoBuffer,
  chipLabel,
  GPIO_GET_CHIPINFO,
  GPIO_V2_GET_LINE,
  GPIO_V2_LINE_SET_VALUES,
  LINE_FLAGS,
  lineFile,
  outputRequest,
  valuesBuffer,
} from './uapi.ts'

/** The name under which the kernel lists the lines of this server. */
const CONSUMER = 'moonraker'

/** What the kernel's refusals of a line mean. */
const REASONS: Readonly<Record<string, string>> = {
  EBUSY: 'is used by another section or program',
  EINVAL: 'does not exist, or cannot be an output',
  EPERM: 'may not be used by the user of this server',
}

/** An output that is held until `close`. */
export interface GpioOutput {
  /** The file of the line, for a thread that writes it. */
  readonly file: number
  /** Throws GpioCallError. */
  write(value: boolean): void
  /** Releases the line: many chips make it an input then. */
  close(): void
}

/** Requests `pin` as an output with a first value. Throws Error with the reason. `folder` holds the chips. */
export function openOutput(ioctl: Ioctl, pin: Pin, value: boolean, folder: string): GpioOutput {
  const chip = openChip(ioctl, pin.chip, folder)
  try {
    const flags = pin.isInverted ? LINE_FLAGS.activeLow : 0n
    const request = outputRequest(pin.line, flags, value, CONSUMER)
    ioctl(chip, GPIO_V2_GET_LINE, request)
    const file = lineFile(request)
    return {
      file,
      write: next => ioctl(file, GPIO_V2_LINE_SET_VALUES, valuesBuffer(next)),
      close: () => closeSync(file),
    }
  } catch (error) {
    const reason = error instanceof GpioCallError ? (REASONS[error.code] ?? error.message) : messageOf(error)
    throw new Error(`the line gpio${pin.line} of ${pin.chip} ${reason}`, { cause: error })
  } finally {
    closeSync(chip)
  }
}

/** Opens a chip by its name, as gpiochip0, or by its label: the numbers of the chips differ between kernels. */
function openChip(ioctl: Ioctl, name: string, folder: string): number {
  if (/^gpiochip\d+$/.test(name)) return openFile(join(folder, name))
  const chips = readdirSync(folder).filter(file => /^gpiochip\d+$/.test(file))
  for (const each of chips) {
    const file = openFile(join(folder, each))
    const info = chipInfoBuffer()
    try {
      ioctl(file, GPIO_GET_CHIPINFO, info)
      if (chipLabel(info) === name) return file
    } catch {
      // Not a GPIO chip.
    }
    closeSync(file)
  }
  throw new Error(`no GPIO chip has the name or the label ${name}`)
}

function openFile(path: string): number {
  try {
    return openSync(path, 'r+')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') throw new Error(`Chip path ${path} does not exist`)
    if (code !== 'EACCES' && code !== 'EPERM') throw error
    throw new Error(`${path} cannot be opened: add the user of this server to the group gpio`)
  }
}
