// The temperature of the machine's processor.
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { SystemFiles } from '../../core/system-files.ts'
import { classEntries } from './class-entries.ts'

/** Thermal zones of a processor: `cpu-thermal` on boards, `x86_pkg_temp` on PCs, whose first zone is the mainboard. */
const CPU_ZONE = /^(cpu|x86_pkg_temp)/i
/** Sensor chips inside processors. */
const CPU_CHIPS = new Set(['coretemp', 'k10temp', 'zenpower', 'cpu_thermal'])
/** What the API document names; used where no zone or chip is that of the processor. */
const FIRST_ZONE = '/sys/class/thermal/thermal_zone0/temp'
/** Bytes of a number in thousandths of °C. */
const MAX_BYTES = 32

export class CpuTemperature {
  readonly #files: SystemFiles
  /** Null without a sensor; undefined before the first search. */
  #sensor: Sensor | null | undefined
  #isReading = false
  #latest: number | null = null

  constructor(files: SystemFiles) {
    this.#files = files
  }

  /** The last reading, °C; null without a sensor. */
  get latest(): number | null {
    return this.#latest
  }

  /** Reads the sensor, but not in parallel to a reading in progress: sensors on a slow bus may take their time. */
  async refresh(): Promise<void> {
    if (this.#isReading) return
    this.#isReading = true
    if (this.#sensor === undefined) {
      const path = await findFile(this.#files)
      this.#sensor = path === null ? null : new Sensor(this.#files.place(path))
    }
    const thousandths = this.#sensor === null ? null : await this.#sensor.read()
    this.#latest = thousandths === null ? null : thousandths / 1000
    this.#isReading = false
  }

  /** Closes the file that `refresh` keeps open. */
  async close(): Promise<void> {
    await this.#sensor?.close()
  }
}

/** A number in a file that stays open: each read is one task of the thread pool instead of four. */
class Sensor {
  readonly #path: string
  readonly #buffer = Buffer.alloc(MAX_BYTES)
  #file: FileHandle | null = null

  constructor(path: string) {
    this.#path = path
  }

  /** Null if the file is missing or contains no number. */
  async read(): Promise<number | null> {
    try {
      // Without O_NONBLOCK, opening a pipe would wait for a writer.
      this.#file ??= await open(this.#path, constants.O_RDONLY | constants.O_NONBLOCK)
      const { bytesRead } = await this.#file.read(this.#buffer, 0, MAX_BYTES, 0)
      const text = this.#buffer.toString('latin1', 0, bytesRead).trim()
      return /^-?\d{1,15}$/.test(text) ? Number(text) : null
    } catch {
      await this.close()
      return null
    }
  }

  async close(): Promise<void> {
    const file = this.#file
    this.#file = null
    await file?.close().catch(() => {})
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
