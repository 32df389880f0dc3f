// The cameras that Video4Linux has: what sysfs says of them, and what they answer themselves.
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { ResultOf } from '../../../api/endpoint.ts'
import type { peripherals } from '../../../api/peripherals.ts'
import { type Clock, sleep } from '../../../core/clock.ts'
import type { SystemFiles } from '../../../core/system-files.ts'
import type { SystemCalls } from '../system-calls.ts'
import { deviceLinks, driverOf, usbLocation } from './devices.ts'
import { askCamera, type Camera } from './v4l2.ts'

type VideoDevice = ResultOf<
  (typeof peripherals)['methods']['machine.peripherals.video']
>['v4l2_devices'][number]

type Ioctl = Pick<SystemCalls, 'ioctl'>

const FOLDER = '/sys/class/video4linux'
/** How long a device may take to answer, in seconds. */
const PATIENCE = 3

/** What came of asking a device. `unasked`: it may not be opened, does not answer, or there is nothing to ask with. */
type Answer = Camera | 'no camera' | 'unasked'

export class VideoDevices {
  readonly #files: SystemFiles
  readonly #clock: Clock
  /** A device that has not answered yet occupies a thread: until it does, none is asked. */
  #hanging = false

  constructor(files: SystemFiles, clock: Clock) {
    this.#files = files
    this.#clock = clock
  }

  /**
   * All capture devices, by number. Of those that cannot be asked there is only what sysfs has, and so of all where
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
      const answer = calls === null ? 'unasked' : await this.#ask(name, calls)
      const camera = answer === 'unasked' ? await this.#fromSysfs(name) : answer
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

  async #ask(name: string, calls: Ioctl): Promise<Answer> {
    if (this.#hanging) return 'unasked'
    this.#hanging = true
    const answered = new AbortController()
    const answer = ask(this.#files.place(`/dev/${name}`), calls).finally(() => {
      this.#hanging = false
      answered.abort()
    })
    const late = sleep(this.#clock, PATIENCE, answered.signal).catch(() => answer)
    return (await Promise.race([answer, late])) ?? 'unasked'
  }

  /** The first node of a device: of a USB camera the second carries no pictures. */
  async #fromSysfs(name: string): Promise<Exclude<Answer, 'unasked'>> {
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

async function ask(path: string, calls: Ioctl): Promise<Answer> {
  // Not waiting, as a camera that is in use can be asked all the same.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => null)
  if (file === null) return 'unasked'
  try {
    return (await askCamera(file.fd, calls)) ?? 'no camera'
  } catch {
    return 'unasked'
  } finally {
    await file.close()
  }
}
