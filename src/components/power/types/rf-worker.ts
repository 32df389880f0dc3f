// The thread that sends the signal of a remote control: it waits in a loop for each pulse, since timers are too slow.
import { workerData } from 'node:worker_threads'
import { THIS_MACHINE } from '../../../core/gpio/machine.ts'
import { GPIO_V2_LINE_SET_VALUES, valuesBuffer } from '../../../core/gpio/uapi.ts'
import { pulsesOf, REPEATS, UNIT_NANOSECONDS } from './rf-signal.ts'

async function transmit({ file, code }: { readonly file: number; readonly code: string }): Promise<void> {
  const { ioctl } = await THIS_MACHINE.load()
  const [low, high] = [valuesBuffer(false), valuesBuffer(true)]
  const pulses = pulsesOf(code)
  let end = process.hrtime.bigint()
  for (let count = 0; count < REPEATS; count += 1) {
    for (const { isHigh, units } of pulses) {
      ioctl(file, GPIO_V2_LINE_SET_VALUES, isHigh ? high : low)
      end += BigInt(units) * UNIT_NANOSECONDS
      while (process.hrtime.bigint() < end);
    }
  }
}

// A rejection ends the thread with an error, which the server receives.
void transmit(workerData)
