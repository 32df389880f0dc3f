// What the machine is, for machine.system_info of one printer: all that does not come from its services.
import type { SystemInfo } from '../../../api/system-info.ts'
import { singleFlight } from '../../../core/single-flight.ts'
import type { Infer } from '../../../schema/index.ts'
import type { Hardware, HardwareFacts } from './hardware.ts'

/** The parts of system_info that are read here. */
export type MachineFacts = HardwareFacts & Pick<Infer<typeof SystemInfo>, 'python'>

export class MachineReader {
  readonly #hardware: Hardware
  readonly #klipperPython: () => unknown
  #lastPython: string | undefined

  /** `klipperPython` is the Python that runs Klippy, as Klippy reports it (`python_path` of printer.info). */
  constructor(hardware: Hardware, klipperPython: () => unknown) {
    this.#hardware = hardware
    this.#klipperPython = klipperPython
  }

  readonly read = singleFlight(() => this.#read())

  async #read(): Promise<MachineFacts> {
    const [python, facts] = await Promise.all([this.#python(), this.#hardware.read()])
    return { python, ...facts }
  }

  /** While Klippy is disconnected, its Python is the last one that it reported. */
  #python(): Promise<MachineFacts['python']> {
    const reported = this.#klipperPython()
    if (typeof reported === 'string') this.#lastPython = reported
    return this.#hardware.python(this.#lastPython)
  }
}
