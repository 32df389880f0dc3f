// Requests lines of GPIO chips from the kernel.
import { closeSync, openSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DeviceCallError } from '../device-calls.ts'
import { messageOf } from '../errors.ts'
import type { GpioCalls } from './machine.ts'
import type { Pin } from './pin.ts'
import { chipInfoBuffer, chipLabel, GPIO_GET_CHIPINFO, GPIO_V2_GET_LINE, lineFile } from './uapi.ts'

/** What the kernel's refusals of a line mean. */
const REASONS: Readonly<Record<string, string>> = {
  EBUSY: 'is used by another section or program',
  EINVAL: 'does not exist, or cannot be used like this',
  EPERM: 'may not be used by the user of this server',
}

/**
 * Requests the line of `pin` and returns its file. `folder` holds the chips. Throws Error with the reason, whose cause
 * is the DeviceCallError if the kernel refused.
 */
export function requestLine(ioctl: GpioCalls['ioctl'], pin: Pin, request: Buffer, folder: string): number {
  const chip = openChip(ioctl, pin.chip, folder)
  try {
    ioctl(chip, GPIO_V2_GET_LINE, request)
    return lineFile(request)
  } catch (error) {
    const reason =
      error instanceof DeviceCallError ? (REASONS[error.code] ?? error.message) : messageOf(error)
    throw new Error(`the line gpio${pin.line} of ${pin.chip} ${reason}`, { cause: error })
  } finally {
    closeSync(chip)
  }
}

/** Opens a chip by its name, as gpiochip0, or by its label: the numbers of the chips differ between kernels. */
function openChip(ioctl: GpioCalls['ioctl'], name: string, folder: string): number {
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
