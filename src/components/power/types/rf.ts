// [power NAME] of type rf: a socket with a 433 MHz remote control; a transmitter at a GPIO pin sends the codes.
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { GpioMachine } from '../../../core/gpio/machine.ts'
import type { DriverContext, PowerDriver } from '../driver.ts'
import { outputPin } from './output-pin.ts'

/** The thread's program: in this folder, or built next to the bundle. */
const PROGRAMS = ['rf-worker.ts', 'rf-worker.cjs'].map(name => join(import.meta.dirname, name))
/** Bits of a code. */
const BITS = 24

export const failure = (name: string) => `Error Toggling Device Power: ${name}`

export async function open(context: DriverContext<'rf'>, machine?: GpioMachine): Promise<PowerDriver> {
  const codes = { on: codeOf(context, 'on_code'), off: codeOf(context, 'off_code') }
  const output = await outputPin(context, false, machine)
  let isOn = false
  return {
    offAfterSeconds: context.options.timer,
    read: async () => (isOn ? 'on' : 'off'),
    async write(to) {
      await transmit(output.file, codes[to])
      isOn = to === 'on'
      return to
    },
    stop: () => output.close(),
  }
}

function codeOf({ section, options }: DriverContext<'rf'>, option: 'on_code' | 'off_code'): string {
  const code = options[option].trim()
  if (/^[01]{1,24}$/.test(code)) return code.padStart(BITS, '0')
  throw section.error(
    `the option "${option}" of section [${section.section}] must be up to ${BITS} digits 0 and 1`,
    option,
  )
}

/** Sends a code on the line of `file`, on a thread of its own; takes about half a second. */
async function transmit(file: number, code: string): Promise<void> {
  const { Worker } = await import('node:worker_threads')
  const program = PROGRAMS.find(path => existsSync(path))
  if (program === undefined) throw new Error(`the program of the transmitter is missing: ${PROGRAMS.at(-1)}`)
  const worker = new Worker(program, { workerData: { file, code } })
  const [exitCode] = await once(worker, 'exit')
  if (exitCode !== 0) throw new Error(`the transmitter ended with code ${exitCode}`)
}
