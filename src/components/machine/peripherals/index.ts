// Serves the lists of what is connected to the machine: USB and serial devices, cameras, nodes of a CAN bus.
import { join } from 'node:path'
import { peripherals as chapter } from '../../../api/peripherals.ts'
import type { Core } from '../../../component/component.ts'
import { ApiError } from '../../../core/errors.ts'
import type { Scope } from '../../../core/scope.ts'
import { singleFlight } from '../../../core/single-flight.ts'
import { SystemFiles } from '../../../core/system-files.ts'
import type { LoadCalls } from '../system-calls.ts'
import { findCanInterface, queryCanBus } from './can-query.ts'
import { listLibcameraDevices } from './libcamera.ts'
import { listSerialDevices } from './serial-devices.ts'
import { listUsbDevices } from './usb-devices.ts'
import { USB_IDS_PLACES, UsbIds } from './usb-ids.ts'
import { VideoDevices } from './video-devices.ts'

/** What of the core the lists need. */
export type PeripheralsCore = Pick<Core, 'registry' | 'clock' | 'log' | 'paths'>

/** Which machine is looked at, and with what. */
export interface PeripheralsOptions {
  /** The folder that holds /sys, /dev and /usr; '' for the machine itself. */
  readonly root: string
  readonly calls: LoadCalls
  /** Aborted when the server stops: no device is waited for any more. */
  readonly signal: AbortSignal
}

/** Serves machine.peripherals.*. Nothing is read or loaded before the first call. */
export function servePeripherals(core: PeripheralsCore, scope: Scope, options: PeripheralsOptions): void {
  const { clock, log } = core
  const { root, calls, signal } = options
  const files = new SystemFiles(root)
  // Moonraker may have left its own file in this data folder.
  const idsPlaces = [
    ...USB_IDS_PLACES.map(place => files.place(place)),
    join(core.paths.data, 'misc/usb.ids'),
  ]
  const ids = new UsbIds(idsPlaces)
  const video = new VideoDevices(files, clock)
  const listUsb = singleFlight(() => listUsbDevices(files, ids))
  const listSerial = singleFlight(() => listSerialDevices(files))
  const listVideo = singleFlight(async () => ({
    v4l2_devices: await video.list(calls),
    libcamera_devices: await listLibcameraDevices(files, log, signal),
  }))
  const queryCan = singleFlight(async (name: string) => {
    const index = await findCanInterface(files, name)
    const loaded = await calls()
    if (loaded === null) throw new ApiError(503, 'Querying a CAN bus needs the package koffi: install it')
    return queryCanBus(index, loaded, clock, signal)
  })
  scope.use(
    core.registry.serve(chapter, {
      'machine.peripherals.usb': async () => ({ usb_devices: await listUsb() }),
      'machine.peripherals.serial': async () => ({ serial_devices: await listSerial() }),
      'machine.peripherals.video': () => listVideo(),
      'machine.peripherals.canbus': async params => ({ can_uuids: await queryCan(params.interface) }),
    }),
  )
}
