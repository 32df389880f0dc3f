// The pin of a power device of type gpio or rf.

import { messageOf } from '../../../core/errors.ts'
import { type Ioctl, loadIoctl } from '../../../core/gpio/kernel.ts'
import { type GpioOutput, openOutput } from '../../../core/gpio/output.ts'
import { parsePin } from '../../../core/gpio/pin.ts'
import type { DriverContext } from '../driver.ts'

/** Where the GPIO chips are, and how they are called. */
export interface Hardware {
  readonly load: () => Promise<Ioctl>
  /** The folder of the chips. */
  readonly folder: string
}

const THIS_MACHINE: Hardware = { load: loadIoctl, folder: '/dev' }

/** Requests the pin of the option `pin` as an output. Rejects with ConfigError that contains the reason. */
export async function outputPin(
  { section, options }: Pick<DriverContext<'gpio' | 'rf'>, 'section' | 'options'>,
  value: boolean,
  { load, folder }: Hardware = THIS_MACHINE,
): Promise<GpioOutput> {
  try {
    const pin = parsePin(options.pin)
    if (pin.bias !== null) {
      const flag = options.pin.trim()[0]
      throw new Error(`Invalid pin format ${options.pin}.  Bias flag ${flag} not available for output pins.`)
    }
    return openOutput(await load(), pin, value, folder)
  } catch (error) {
    throw section.error(
      `[${section.section}]: Option 'pin' encountered the following error while parsing: ${messageOf(error)}`,
      'pin',
    )
  }
}
