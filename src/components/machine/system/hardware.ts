// What the machine is, the same for all printers of the host: hardware, distribution, network.
import type { SystemInfo } from '../../../api/system-info.ts'
import type { HostPart } from '../../../component/host.ts'
import { singleFlight } from '../../../core/single-flight.ts'
import { SystemFiles } from '../../../core/system-files.ts'
import type { Infer } from '../../../schema/index.ts'
import { type LoadCalls, systemCalls } from '../system-calls.ts'
import { type Computer, thisComputer } from './computer.ts'
import { readCpuInfo } from './cpu-info.ts'
import { readDistribution } from './distribution.ts'
import { readCanbus, readNetwork } from './network.ts'
import { NO_PYTHON, readPython } from './python.ts'
import { readSdInfo } from './sd-card.ts'
import { readVirtualization } from './virtualization.ts'

type Info = Infer<typeof SystemInfo>

/** The parts of system_info that are the machine's own. */
export type HardwareFacts = Pick<
  Info,
  'cpu_info' | 'sd_info' | 'distribution' | 'virtualization' | 'network' | 'canbus'
>

/** What the machine is read from. */
export interface HardwareSource {
  /** Where the files of the machine are; '' is this machine itself. */
  readonly root?: string
  readonly computer: Computer
}

/** Where Klipper's installation guide puts the environment, below the user's folder. */
const USUAL_PYTHON = 'klippy-env/bin/python'

/** Reads what the machine is. Nothing here fails: what cannot be read is empty or null. */
export class Hardware {
  readonly #files: SystemFiles
  readonly #computer: Computer
  #lasting: Promise<Pick<HardwareFacts, 'cpu_info' | 'sd_info' | 'distribution'>> | null = null
  #virtualization: Promise<HardwareFacts['virtualization']> | null = null

  constructor({ root = '', computer }: HardwareSource) {
    this.#files = new SystemFiles(root)
    this.#computer = computer
  }

  /** Reads the network each time; hardware and distribution only the first time. */
  readonly read = singleFlight(() => this.#read())

  async #read(): Promise<HardwareFacts> {
    const [lasting, virtualization, network, canbus] = await Promise.all([
      this.#readLasting(),
      this.virtualization(),
      readNetwork(this.#files, this.#computer),
      readCanbus(this.#files, this.#computer),
    ])
    return { ...lasting, virtualization, network, canbus }
  }

  /** Whether the machine is a container, a virtual one, or neither. */
  virtualization(): Promise<HardwareFacts['virtualization']> {
    this.#virtualization ??= readVirtualization(this.#files)
    return this.#virtualization
  }

  #readLasting(): Promise<Pick<HardwareFacts, 'cpu_info' | 'sd_info' | 'distribution'>> {
    this.#lasting ??= Promise.all([
      readCpuInfo(this.#files, this.#computer),
      readSdInfo(this.#files),
      readDistribution(this.#files),
    ]).then(([cpu_info, sd_info, distribution]) => ({ cpu_info, sd_info, distribution }))
    return this.#lasting
  }

  /** The version of a Python: the one at `path`, or the one where Klipper's is usually installed. */
  async python(path: string | undefined): Promise<Info['python']> {
    const place = path ?? `${this.#computer.home}/${USUAL_PYTHON}`
    return place.startsWith('/') ? readPython(this.#files, place) : NO_PYTHON
  }
}

/** The host's machine, with the system calls that query its devices. */
export interface Machine {
  readonly hardware: Hardware
  readonly calls: LoadCalls
}

/** The host's machine. */
export const hostMachine: HostPart<Machine> = {
  name: 'the machine',
  create({ log }) {
    const calls = systemCalls(log.child('machine'))
    return { calls, hardware: new Hardware({ computer: thisComputer(calls) }) }
  },
}
