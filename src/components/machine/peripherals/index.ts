// Serves the lists of what is connected to the machine: USB and serial devices, cameras, nodes of a CAN bus.
import { join } from 'node:path'
import { peripherals as chapter } from '../../../api/peripherals.ts'
import type { Core } from '../../../component.ts'
import { ApiError } from '../../../core/errors.ts'
import type { Log } from '../../../core/log.ts'
import type { Scope } from '../../../core/scope.ts'
import { SystemFiles } from '../../../core/system-files.ts'
import { findCanInterface, queryCanBus } from './can-query.ts'
import { listLibcameraDevices } from './libcamera.ts'
import { listSerialDevices } from './serial-devices.ts'
import { loadSystemCalls, type SystemCalls } from './system-calls.ts'
import { listUsbDevices } from './usb-devices.ts'
import { USB_IDS_PLACES, UsbIds } from './usb-ids.ts'
import { VideoDevices } from './video-devices.ts'

/** What of the core the lists need. */
export type PeripheralsCore = Pick<Core, 'registry' | 'clock' | 'log' | 'paths'>

/**
 * Serves machine.peripherals.*. `root` is the folder that holds /sys, /dev and /usr, '' for the machine itself.
 * Nothing is read or loaded before somebody asks.
 */
export function servePeripherals(
  core: PeripheralsCore,
  scope: Scope,
  { root }: { readonly root: string },
): void {
  const { clock, log } = core
  const files = new SystemFiles(root)
  // A Moonraker that was here before left a file of its own.
  const idsPlaces = [
    ...USB_IDS_PLACES.map(place => files.place(place)),
    join(core.paths.data, 'misc/usb.ids'),
  ]
  const ids = new UsbIds(idsPlaces)
  const video = new VideoDevices(files, clock)
  const calls = systemCalls(log)
  const listUsb = shared(() => listUsbDevices(files, ids))
  const listSerial = shared(() => listSerialDevices(files))
  const listVideo = shared(async () => ({
    v4l2_devices: await video.list(calls),
    libcamera_devices: await listLibcameraDevices(files, log),
  }))
  const queryCan = shared(async (name: string) => {
    const index = await findCanInterface(files, name)
    const loaded = await calls()
    if (loaded === null)
      throw new ApiError(503, 'A CAN bus can only be asked with the package koffi: install it')
    return queryCanBus(index, loaded, clock)
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

/** System calls, loaded when they are first wanted; null where they cannot be had, which is logged once. */
function systemCalls(log: Log): () => Promise<SystemCalls | null> {
  const load = async () => {
    const loaded = await loadSystemCalls()
    if (!('missing' in loaded)) return loaded
    log.info(`cameras and CAN cannot be asked: the package koffi cannot be loaded: ${loaded.missing}`)
    return null
  }
  let loading: Promise<SystemCalls | null> | undefined
  return () => {
    loading ??= load()
    return loading
  }
}

/** Callers who ask for the same at the same time get one answer. */
function shared<T>(work: (key: string) => Promise<T>): (key?: string) => Promise<T> {
  const running = new Map<string, Promise<T>>()
  return (key = '') => {
    const started = running.get(key)
    if (started !== undefined) return started
    const promise = work(key).finally(() => running.delete(key))
    running.set(key, promise)
    return promise
  }
}
