// The temperature of the processor.
import type { SystemFiles } from '../../core/system-files.ts'
import { classEntries } from './class-entries.ts'

/** Thermal zones of a processor: `cpu-thermal` on boards, `x86_pkg_temp` on PCs, whose first zone is the mainboard. */
const CPU_ZONE = /^(cpu|x86_pkg_temp)/i
/** Sensor chips inside processors. */
const CPU_CHIPS = new Set(['coretemp', 'k10temp', 'zenpower', 'cpu_thermal'])
/** The file in the API document; used when no zone or chip identifies itself as the processor. */
const FIRST_ZONE = '/sys/class/thermal/thermal_zone0/temp'

export class CpuTemperature {
  readonly #files: SystemFiles
  /** The file with the temperature; undefined before the first search. */
  #file: string | null | undefined
  #isReading = false
  #latest: number | null = null

  constructor(files: SystemFiles) {
    this.#files = files
  }

  /** The temperature at the last refresh, °C; null if the machine has no sensor for it. */
  get latest(): number | null {
    return this.#latest
  }

  /** Reads the temperature, unless another read is running: a sensor on a slow bus may take long. */
  async refresh(): Promise<void> {
    if (this.#isReading) return
    this.#isReading = true
    if (this.#file === undefined) this.#file = await findFile(this.#files)
    const thousandths = this.#file === null ? null : await this.#files.number(this.#file)
    this.#latest = thousandths === null ? null : thousandths / 1000
    this.#isReading = false
  }
}

/** The file with the temperature in thousandths of °C; null without a sensor. */
async function findFile(files: SystemFiles): Promise<string | null> {
  const zones = await classEntries(files, '/sys/class/thermal/thermal_zone', 'type', type =>
    CPU_ZONE.test(type),
  )
  const chips = await classEntries(files, '/sys/class/hwmon/hwmon', 'name', name => CPU_CHIPS.has(name))
  const candidates = [...zones.map(zone => `${zone}/temp`), ...chips.map(chip => `${chip}/temp1_input`)]
  for (const path of [...candidates, FIRST_ZONE]) if ((await files.number(path)) !== null) return path
  return null
}
