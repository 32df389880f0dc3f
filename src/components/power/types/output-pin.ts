// The pin of a power device of type gpio or rf.
import { messageOf } from '../../../core/errors.ts'
import { type GpioMachine, THIS_MACHINE } from '../../../core/gpio/machine.ts'
import { type GpioOutput, openOutput } from '../../../core/gpio/output.ts'
import { parsePin } from '../../../core/gpio/pin.ts'
import type { DriverContext } from '../driver.ts'

/** Requests the pin of the option `pin` as an output. Rejects with ConfigError that contains the reason. */
export async function outputPin(
  { section, options }: Pick<DriverContext<'gpio' | 'rf'>, 'section' | 'options'>,
  value: boolean,
  { load, folder }: GpioMachine = THIS_MACHINE,
): Promise<GpioOutput> {
  try {
    const pin = parsePin(options.pin)
    if (pin.bias !== null) {
      const flag = options.pin.trim()[0]
      throw new Error(`Invalid pin format ${options.pin}.  Bias flag ${flag} not available for output pins.`)
    }
    return openOutput((await load()).ioctl, pin, value, folder)
  } catch (error) {
    throw section.error(
      `[${section.section}]: Option 'pin' encountered the following error while parsing: ${messageOf(error)}`,
      'pin',
    )
  }
}
