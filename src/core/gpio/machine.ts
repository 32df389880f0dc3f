// The GPIO chips of the machine, and the calls that they need.
import { type DeviceCalls, loadDeviceCalls } from '../device-calls.ts'

export type GpioCalls = Pick<DeviceCalls, 'ioctl' | 'watch'>

/** Where GPIO chips are, and how they are called. */
export interface GpioMachine {
  /** Rejects with Error that names the package to install. */
  readonly load: () => Promise<GpioCalls>
  /** The folder of the chips. */
  readonly folder: string
}

export const THIS_MACHINE: GpioMachine = { load: () => loadDeviceCalls('GPIO pins'), folder: '/dev' }
