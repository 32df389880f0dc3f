// The GPIO inputs of the machine, which the buttons of all printers share.
import type { HostPart } from '../../component/host.ts'
import { GpioInputs } from '../../core/gpio/inputs.ts'

export const hostInputs: HostPart<GpioInputs> = {
  name: 'the GPIO inputs',
  create: ({ clock }) => new GpioInputs(clock),
}
