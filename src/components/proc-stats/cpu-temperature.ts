// Where the machine tells how hot its processor is.
import type { SmallFiles } from './small-files.ts'

/** Thermal zones of a processor: `cpu-thermal` on boards, `x86_pkg_temp` on PCs, whose first zone is the mainboard. */
const CPU_ZONE = /^(cpu|x86_pkg_temp)/i
/** Sensor chips inside processors. */
const CPU_CHIPS = new Set(['coretemp', 'k10temp', 'zenpower', 'cpu_thermal'])
/** What the API document names, and what is left where nothing says that it is the processor. */
const FIRST_ZONE = '/sys/class/thermal/thermal_zone0/temp'

/** The file with the temperature in thousandths of °C; null where there is none. */
export function findCpuTemperature(files: SmallFiles): string | null {
  const candidates = [...zones(files), ...chips(files), FIRST_ZONE]
  return candidates.find(path => files.readNumber(path) !== null) ?? null
}

function zones(files: SmallFiles): string[] {
  const folder = '/sys/class/thermal'
  return entries(files, folder, 'thermal_zone')
    .filter(name => CPU_ZONE.test(files.read(`${folder}/${name}/type`) ?? ''))
    .map(name => `${folder}/${name}/temp`)
}

function chips(files: SmallFiles): string[] {
  const folder = '/sys/class/hwmon'
  return entries(files, folder, 'hwmon')
    .filter(name => CPU_CHIPS.has(files.read(`${folder}/${name}/name`)?.trim() ?? ''))
    .map(name => `${folder}/${name}/temp1_input`)
}

/** What a folder holds under a name and a number, by number. */
function entries(files: SmallFiles, folder: string, name: string): string[] {
  return files
    .list(folder)
    .filter(entry => entry.startsWith(name))
    .sort((a, b) => Number(a.slice(name.length)) - Number(b.slice(name.length)))
}
