// What throttles the processor of a Raspberry Pi, read from its firmware through a program or the kernel.
import type { ThrottledState } from '../../api/machine.ts'
import { commandFailure } from '../../core/command-failure.ts'
import { runCommand } from '../../core/run-command.ts'
import type { SystemFiles } from '../../core/system-files.ts'
import type { Infer } from '../../schema/index.ts'
import { classEntries } from './class-entries.ts'

const PROGRAMS = ['/usr/bin/vcgencmd', '/opt/vc/bin/vcgencmd']
const PROGRAM_TIMEOUT_SECONDS = 3
const PROGRAM_KEEP_BYTES = 4096

/** Contains the firmware as a device, whose name depends on the board. */
const FIRMWARE_DRIVER = '/sys/bus/platform/drivers/raspberrypi-firmware'
/** The chip in Linux without the patches of Raspberry Pi OS: only the voltage. */
const VOLTAGE_CHIP = 'rpi_volt'
const UNDER_VOLTAGE = 1

/** The names in the API (API document, "Get Moonraker Process Stats"), by bit. */
const FLAGS: readonly (readonly [bit: number, name: string])[] = [
  [0, 'Under-Voltage Detected'],
  [1, 'Frequency Capped'],
  [2, 'Currently Throttled'],
  [3, 'Temperature Limit Active'],
  [16, 'Previously Under-Volted'],
  [17, 'Previously Frequency Capped'],
  [18, 'Previously Throttled'],
  [19, 'Previously Temperature Limited'],
]

/** Reads the bits. Rejects if they cannot be read. */
export type ReadThrottling = (signal: AbortSignal) => Promise<number>

/**
 * The ways to read the state, the best first; none on other machines. The kernel comes after the program: it does not
 * know the previous states, and writes to its log about programs that read its file.
 */
export async function throttlingSources(files: SystemFiles): Promise<ReadThrottling[]> {
  return [...(await programs(files)), ...(await firmwareFiles(files)), ...(await voltageChips(files))]
}

async function programs(files: SystemFiles): Promise<ReadThrottling[]> {
  const [found] = await existing(files, PROGRAMS)
  if (found === undefined) return []
  const program = files.place(found)
  const read: ReadThrottling = async signal => {
    const result = await runCommand(program, ['get_throttled'], {
      timeoutSeconds: PROGRAM_TIMEOUT_SECONDS,
      keepBytes: PROGRAM_KEEP_BYTES,
      signal,
    })
    if (result.code !== 0) throw new Error(commandFailure(program, result))
    return parseBits(/^throttled=0x(.*)/.exec(result.stdout)?.[1])
  }
  return [read]
}

async function firmwareFiles(files: SystemFiles): Promise<ReadThrottling[]> {
  const devices = await files.names(FIRMWARE_DRIVER)
  const places = devices.map(device => `${FIRMWARE_DRIVER}/${device}/get_throttled`)
  return (await existing(files, places)).map(path => async () => parseBits(await files.text(path)))
}

async function voltageChips(files: SystemFiles): Promise<ReadThrottling[]> {
  const chips = await classEntries(files, '/sys/class/hwmon/hwmon', 'name', name => name === VOLTAGE_CHIP)
  return chips.map(chip => async () => {
    const alarm = await files.number(`${chip}/in0_lcrit_alarm`)
    if (alarm === null) throw new Error('the kernel has no alarm of the voltage')
    return alarm === 0 ? 0 : UNDER_VOLTAGE
  })
}

async function existing(files: SystemFiles, paths: readonly string[]): Promise<string[]> {
  const exists = await Promise.all(paths.map(path => files.exists(path)))
  return paths.filter((_, index) => exists[index])
}

/** Parses a hexadecimal number. Throws for any other text. */
function parseBits(text: string | null | undefined): number {
  const digits = text?.trim() ?? ''
  if (!/^[0-9a-f]{1,8}$/i.test(digits))
    throw new Error('the reply of the firmware is not a hexadecimal number')
  return Number.parseInt(digits, 16)
}

/** The state with the names of its bits. */
export function throttledState(bits: number): Infer<typeof ThrottledState> {
  return { bits, flags: FLAGS.filter(([bit]) => (bits & (1 << bit)) !== 0).map(([, name]) => name) }
}
