// All power devices of the server, by their names.
import { ApiError, messageOf } from '../../core/errors.ts'
import type { PowerDevice } from './device.ts'
import type { DeviceAction, DeviceRecord, PowerDevices } from './service.ts'

/** The state of an unknown device in a reply about several devices. */
const UNKNOWN = 'device_not_found'

export class PowerGroup implements PowerDevices {
  readonly #devices: Map<string, PowerDevice>

  constructor(devices: readonly PowerDevice[]) {
    this.#devices = new Map(devices.map(device => [device.name, device]))
  }

  list(): DeviceRecord[] {
    return [...this.#devices.values()].map(({ record }) => record)
  }

  /** Removes a device that cannot be used. */
  remove(device: PowerDevice): void {
    device.stop()
    this.#devices.delete(device.name)
  }

  stop(): void {
    for (const device of this.#devices.values()) device.stop()
  }

  async request(name: string, action: DeviceAction, force = false): Promise<string> {
    const device = this.#devices.get(name)
    if (device === undefined) throw new ApiError(400, `No valid device named ${name}`)
    return device.request(action, force)
  }

  /**
   * Does the same with several devices, all at the same time. Rejects with ApiError when each has finished, if one of
   * them failed: the message has every failure, the data the state of each device.
   */
  async requestAll(names: readonly string[], action: DeviceAction): Promise<Record<string, string>> {
    const failures: { readonly status: number; readonly text: string }[] = []
    const states = await Promise.all(
      names.map(async (name): Promise<[string, string]> => {
        const device = this.#devices.get(name)
        if (device === undefined) return [name, UNKNOWN]
        try {
          return [name, await device.request(action)]
        } catch (error) {
          failures.push({ status: error instanceof ApiError ? error.status : 500, text: messageOf(error) })
          return [name, device.record.status]
        }
      }),
    )
    const devices = Object.fromEntries(states)
    const [first] = failures
    if (first === undefined) return devices
    throw new ApiError(first.status, failures.map(({ text }) => text).join('; '), { data: { devices } })
  }
}
