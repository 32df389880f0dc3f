// The cameras of Video4Linux: what sysfs contains about them, and what they report themselves.
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { ResultOf } from '../../../api/endpoint.ts'
import type { peripherals } from '../../../api/peripherals.ts'
import { type Clock, sleep } from '../../../core/clock.ts'
import type { SystemFiles } from '../../../core/system-files.ts'
import type { SystemCalls } from '../system-calls.ts'
import { deviceLinks, driverOf, usbLocation } from './devices.ts'
import { type Camera, queryCamera } from './v4l2.ts'

type VideoDevice = ResultOf<
  (typeof peripherals)['methods']['machine.peripherals.video']
>['v4l2_devices'][number]

type Ioctl = Pick<SystemCalls, 'ioctl'>

const FOLDER = '/sys/class/video4linux'
/** How long a device may take to answer, in seconds. */
const TIMEOUT = 3

/** The result of a query. `unknown`: the device may not be opened or does not answer, or no system calls are available. */
type Answer = Camera | 'no camera' | 'unknown'

export class VideoDevices {
  readonly #files: SystemFiles
  readonly #clock: Clock
  /** A device that has not answered yet occupies a thread: until it does, no other is queried. */
  #hanging = false

  constructor(files: SystemFiles, clock: Clock) {
    this.#files = files
    this.#clock = clock
  }

  /**
   * All capture devices, by number. Of those that cannot be queried there is only what sysfs has, and so of all where
   * `load`, which is called only if there are any, gives null.
   */
  async list(load: () => Promise<Ioctl | null>): Promise<VideoDevice[]> {
    const names = (await this.#files.names(FOLDER)).filter(name => /^video\d+$/.test(name))
    if (names.length === 0) return []
    const calls = await load()
    const byPath = await deviceLinks(this.#files, '/dev/v4l/by-path')
    const byId = await deviceLinks(this.#files, '/dev/v4l/by-id')
    const devices: VideoDevice[] = []
    for (const name of names) {
      const answer = calls === null ? 'unknown' : await this.#query(name, calls)
      const camera = answer === 'unknown' ? await this.#fromSysfs(name) : answer
      if (camera === 'no camera') continue
      devices.push({
        device_name: name,
        device_path: `/dev/${name}`,
        ...camera,
        path_by_hardware: byPath.get(name) ?? null,
        path_by_id: byId.get(name) ?? null,
        alt_name: await this.#files.text(`${FOLDER}/${name}/name`),
        usb_location: await usbLocation(this.#files, `${FOLDER}/${name}/device`),
      })
    }
    return devices
  }

  async #query(name: string, calls: Ioctl): Promise<Answer> {
    if (this.#hanging) return 'unknown'
    this.#hanging = true
    const answered = new AbortController()
    const answer = query(this.#files.place(`/dev/${name}`), calls).finally(() => {
      this.#hanging = false
      answered.abort()
    })
    const late = sleep(this.#clock, TIMEOUT, answered.signal).catch(() => answer)
    return (await Promise.race([answer, late])) ?? 'unknown'
  }

  /** The first node of a device: of a USB camera the second one has no pictures. */
  async #fromSysfs(name: string): Promise<Exclude<Answer, 'unknown'>> {
    const index = await this.#files.number(`${FOLDER}/${name}/index`)
    if (index !== null && index !== 0) return 'no camera'
    return {
      camera_name: (await this.#files.text(`${FOLDER}/${name}/name`)) ?? name,
      driver_name: (await driverOf(this.#files, `${FOLDER}/${name}/device`)) ?? '',
      hardware_bus: '',
      capabilities: [],
      version: '',
      modes: [],
    }
  }
}

async function query(path: string, calls: Ioctl): Promise<Answer> {
  // Without waiting: a camera that another program uses can be queried, too.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => null)
  if (file === null) return 'unknown'
  try {
    return (await queryCamera(file.fd, calls)) ?? 'no camera'
  } catch {
    return 'unknown'
  } finally {
    await file.close()
  }
}
