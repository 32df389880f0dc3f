// What the machine is, for machine.system_info: all that does not come from its services.
import type { SystemInfo } from '../../../api/system-info.ts'
import { singleFlight } from '../../../core/single-flight.ts'
import { SystemFiles } from '../../../core/system-files.ts'
import type { Infer } from '../../../schema/index.ts'
import { readCpuInfo } from './cpu-info.ts'
import { readDistribution } from './distribution.ts'
import type { Host } from './host.ts'
import { readCanbus, readNetwork } from './network.ts'
import { NO_PYTHON, readPython } from './python.ts'
import { readSdInfo } from './sd-card.ts'
import { readVirtualization } from './virtualization.ts'

/** The parts of system_info that are read here. */
export type MachineFacts = Pick<
  Infer<typeof SystemInfo>,
  'python' | 'cpu_info' | 'sd_info' | 'distribution' | 'virtualization' | 'network' | 'canbus'
>

/** What the machine is read from. */
export interface SystemInfoSource {
  /** Where the files of the machine are; '' is this machine itself. */
  readonly root?: string
  readonly host: Host
  /** The Python that runs Klippy, as Klippy tells it (`python_path` of printer.info). */
  readonly klipperPython: () => unknown
}

/** Where Klipper's installation guide puts the environment, below the user's folder. */
const USUAL_PYTHON = 'klippy-env/bin/python'

/** Reads what the machine is. Nothing here fails: what the machine does not tell is empty or null. */
export class MachineReader {
  readonly #files: SystemFiles
  readonly #host: Host
  readonly #klipperPython: () => unknown
  #lastPython: string | undefined
  #lasting: Promise<Pick<MachineFacts, 'cpu_info' | 'sd_info' | 'distribution'>> | null = null
  #virtualization: Promise<MachineFacts['virtualization']> | null = null

  constructor({ root = '', host, klipperPython }: SystemInfoSource) {
    this.#files = new SystemFiles(root)
    this.#host = host
    this.#klipperPython = klipperPython
  }

  /** Everything; hardware and distribution as they were when they were first asked for, network and Python anew. */
  readonly read = singleFlight(() => this.#read())

  async #read(): Promise<MachineFacts> {
    const [python, lasting, virtualization, network, canbus] = await Promise.all([
      this.#python(),
      this.#readLasting(),
      this.virtualization(),
      readNetwork(this.#files, this.#host),
      readCanbus(this.#files, this.#host),
    ])
    return { python, ...lasting, virtualization, network, canbus }
  }

  /** Whether the machine is a container, a virtual one, or neither. */
  virtualization(): Promise<MachineFacts['virtualization']> {
    this.#virtualization ??= readVirtualization(this.#files)
    return this.#virtualization
  }

  #readLasting(): Promise<Pick<MachineFacts, 'cpu_info' | 'sd_info' | 'distribution'>> {
    this.#lasting ??= Promise.all([
      readCpuInfo(this.#files, this.#host),
      readSdInfo(this.#files),
      readDistribution(this.#files),
    ]).then(([cpu_info, sd_info, distribution]) => ({ cpu_info, sd_info, distribution }))
    return this.#lasting
  }

  /** Klippy is not always there to say what it runs on; then it is what it was, or what it usually is. */
  async #python(): Promise<MachineFacts['python']> {
    const told = this.#klipperPython()
    if (typeof told === 'string') this.#lastPython = told
    const path = this.#lastPython ?? `${this.#host.home}/${USUAL_PYTHON}`
    return path.startsWith('/') ? readPython(this.#files, path) : NO_PYTHON
  }
}
