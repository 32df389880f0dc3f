// [td1]: TD-1 filament scanners, which are found by themselves when they are plugged in.
import { td1 as chapter } from '../../api/td1.ts'
import { type ComponentType, type Core, component } from '../../component/component.ts'
import { messageOf } from '../../core/errors.ts'
import { singleFlight } from '../../core/single-flight.ts'
import { SystemFiles } from '../../core/system-files.ts'
import { int } from '../../schema/index.ts'
import { Scanner } from './scanner.ts'
import { pluggedInScanners } from './usb-scanners.ts'

/** Seconds between two looks at what is plugged in. */
const SCAN_SECONDS = 5

const options = {
  baudrate: int({ min: 50, max: 4_000_000 }).describe('The baud rate of the serial ports').default(115_200),
}

/** The scanners that are plugged in. */
class Scanners {
  readonly #core: Core
  readonly #files: SystemFiles
  readonly #baud: number
  readonly #scanners = new Map<string, Scanner>()

  constructor(core: Core, files: SystemFiles, baud: number) {
    this.#core = core
    this.#files = files
    this.#baud = baud
  }

  /** Those that have replied. */
  get devices() {
    const known = [...this.#scanners].map(([serial, { data }]) => [serial, data] as const)
    return Object.fromEntries(
      known.filter((entry): entry is [string, NonNullable<(typeof entry)[1]>] => entry[1] !== null),
    )
  }

  /** Finds scanners that were plugged in, and forgets those that were removed. Rejects as `Scanner.start` does. */
  readonly update = singleFlight(async () => {
    const pluggedIn = new Map(
      (await pluggedInScanners(this.#files)).map(({ serial, path }) => [serial, path]),
    )
    for (const [serial, { path }] of this.#scanners) if (pluggedIn.get(serial) !== path) this.#forget(serial)
    for (const [serial, path] of pluggedIn) {
      if (!this.#scanners.has(serial)) await this.#add(serial, path)
    }
  })

  async #add(serial: string, path: string): Promise<void> {
    this.#core.log.info(`scanner ${serial} is at ${path}`)
    const onChange = () => this.#core.connections.notify('notify_td1_changed', { devices: this.devices })
    const scanner = new Scanner(this.#core, { serial, path, baud: this.#baud, onChange })
    this.#scanners.set(serial, scanner)
    await scanner.start()
  }

  #forget(serial: string): void {
    const scanner = this.#scanners.get(serial)
    this.#scanners.delete(serial)
    scanner?.stop()
  }

  /** Restarts a scanner: it closes its port, and is found again. */
  readonly reboot = singleFlight(async serial => {
    const scanner = this.#scanners.get(serial)
    if (scanner === undefined || scanner.data === null) return { status: 'serial_error' }
    await scanner.reboot()
    this.#forget(serial)
    return { status: 'ok' }
  })

  stop(): void {
    for (const serial of this.#scanners.keys()) this.#forget(serial)
  }
}

/** The component for the scanners of a machine with `files`. */
export function td1(section: string, files: SystemFiles): ComponentType {
  return component({
    section,
    presence: 'configured',
    options,
    create({
      core,
      section: {
        options: { baudrate },
      },
      scope,
    }) {
      const scanners = new Scanners(core, files, baudrate)
      scope.use(
        core.registry.serve(chapter, {
          'machine.td1.data': () => ({ status: 'ok', devices: scanners.devices }),
          'machine.td1.reboot': ({ serial }) => scanners.reboot(serial),
        }),
      )
      const update = () =>
        scanners
          .update()
          .catch((error: unknown) => core.log.warning(`cannot look for scanners: ${messageOf(error)}`))
      return {
        async start() {
          await scanners.update()
          const timer = core.clock.every(SCAN_SECONDS, () => void update())
          scope.defer(() => timer.stop())
        },
        stop: () => scanners.stop(),
      }
    },
  })
}

export default td1('td1', new SystemFiles(''))
