// [power NAME] of type gpio: an output pin of this machine.
import type { GpioMachine } from '../../../core/gpio/machine.ts'
import type { DriverContext, PowerDriver } from '../driver.ts'
import { outputPin } from './output-pin.ts'

export const failure = (name: string) => `Error Toggling Device Power: ${name}`

export async function open(context: DriverContext<'gpio'>, machine?: GpioMachine): Promise<PowerDriver> {
  let isOn = context.common.initial_state ?? false
  const output = await outputPin(context, isOn, machine)
  return {
    offAfterSeconds: context.options.timer,
    read: async () => (isOn ? 'on' : 'off'),
    async write(to) {
      output.write(to === 'on')
      isOn = to === 'on'
      return to
    },
    stop: () => output.close(),
  }
}
