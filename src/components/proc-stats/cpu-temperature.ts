// How hot the machine's processor is.
import type { SystemFiles } from '../../core/system-files.ts'
import { classEntries } from './class-entries.ts'

/** Thermal zones of a processor: `cpu-thermal` on boards, `x86_pkg_temp` on PCs, whose first zone is the mainboard. */
const CPU_ZONE = /^(cpu|x86_pkg_temp)/i
/** Sensor chips inside processors. */
const CPU_CHIPS = new Set(['coretemp', 'k10temp', 'zenpower', 'cpu_thermal'])
/** What the API document names, and what is left where nothing says that it is the processor. */
const FIRST_ZONE = '/sys/class/thermal/thermal_zone0/temp'

export class CpuTemperature {
  readonly #files: SystemFiles
  /** Where it is told; undefined before anybody has looked for it. */
  #file: string | null | undefined
  #reading = false
  #latest: number | null = null

  constructor(files: SystemFiles) {
    this.#files = files
  }

  /** As it was when it was last read, °C; null where the machine does not tell. */
  get latest(): number | null {
    return this.#latest
  }

  /** Reads it, but not beside a reading that still goes on: sensors on a slow bus may take their time. */
  async refresh(): Promise<void> {
    if (this.#reading) return
    this.#reading = true
    if (this.#file === undefined) this.#file = await findFile(this.#files)
    const thousandths = this.#file === null ? null : await this.#files.number(this.#file)
    this.#latest = thousandths === null ? null : thousandths / 1000
    this.#reading = false
  }
}

/** The file with the temperature in thousandths of °C; null where there is none. */
async function findFile(files: SystemFiles): Promise<string | null> {
  const zones = await classEntries(files, '/sys/class/thermal/thermal_zone', 'type', type =>
    CPU_ZONE.test(type),
  )
  const chips = await classEntries(files, '/sys/class/hwmon/hwmon', 'name', name => CPU_CHIPS.has(name))
  const candidates = [...zones.map(zone => `${zone}/temp`), ...chips.map(chip => `${chip}/temp1_input`)]
  for (const path of [...candidates, FIRST_ZONE]) if ((await files.number(path)) !== null) return path
  return null
}
