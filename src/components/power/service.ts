// The power devices, for other components.
import type { PowerDeviceRecord } from '../../api/power.ts'
import { service } from '../../component/service.ts'
import type { Infer } from '../../schema/index.ts'

/** A power device as clients see it. */
export type DeviceRecord = Infer<typeof PowerDeviceRecord>

/** What can be done with a device. */
export type DeviceAction = 'on' | 'off' | 'toggle' | 'status'

/** The power devices. The event `power:changed` reports their changes. */
export interface PowerDevices {
  /** Every device with its last known state, in the order of the sections. */
  list(): DeviceRecord[]
  /**
   * Switches a device, or reads its state; resolves with its state. `force` also switches a device that is locked while
   * a print runs. Rejects with ApiError: 400 for an unknown device, a locked one, or one that was not switched; within
   * about 10 s where the device does not reply.
   */
  request(device: string, action: DeviceAction, force?: boolean): Promise<string>
}

/** The power devices. */
export const powerService = service<PowerDevices>('power')
