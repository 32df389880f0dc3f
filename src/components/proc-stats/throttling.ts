// What slows the processor of a Raspberry Pi down: its firmware tells, through a program or through the kernel.
import { existsSync } from 'node:fs'
import type { ThrottledState } from '../../api/machine.ts'
import { runCommand } from '../../core/run-command.ts'
import type { Infer } from '../../schema/index.ts'
import type { SmallFiles } from './small-files.ts'

const PROGRAMS = ['/usr/bin/vcgencmd', '/opt/vc/bin/vcgencmd']
const PROGRAM_TIMEOUT_SECONDS = 3
const PROGRAM_MAX_BYTES = 4096

/** Holds the firmware as a device, whose name differs from board to board. */
const FIRMWARE_DRIVER = '/sys/bus/platform/drivers/raspberrypi-firmware'
const HWMON = '/sys/class/hwmon'
/** What Linux without the patches of Raspberry Pi OS has: nothing but the voltage. */
const VOLTAGE_CHIP = 'rpi_volt'
const UNDER_VOLTAGE = 1

/** The names that clients know (API document, "Get Moonraker Process Stats"), by bit. */
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

/** Asks for the bits. Rejects where they cannot be had. */
export type AskThrottling = (signal: AbortSignal) => Promise<number>

/**
 * The ways to ask the firmware, the best first; none on machines that have no such firmware. The kernel comes after
 * the program: it forgets what was before, and complains in its log about programs that read its file.
 */
export function throttlingSources(files: SmallFiles): AskThrottling[] {
  return [...programs(files), ...firmwareFiles(files), ...voltageChips(files)]
}

function programs(files: SmallFiles): AskThrottling[] {
  const program = PROGRAMS.map(path => files.place(path)).find(path => existsSync(path))
  if (program === undefined) return []
  const ask: AskThrottling = async signal => {
    const { code, stdout, stderr } = await runCommand(program, ['get_throttled'], {
      timeoutSeconds: PROGRAM_TIMEOUT_SECONDS,
      maxBytes: PROGRAM_MAX_BYTES,
      signal,
    })
    if (code !== 0) throw new Error(`${program} ended with code ${code}: ${(stderr || stdout).trim()}`)
    return parseBits(/^throttled=0x(.*)/.exec(stdout)?.[1])
  }
  return [ask]
}

function firmwareFiles(files: SmallFiles): AskThrottling[] {
  return files
    .list(FIRMWARE_DRIVER)
    .map(device => `${FIRMWARE_DRIVER}/${device}/get_throttled`)
    .filter(path => existsSync(files.place(path)))
    .map(path => async () => parseBits(files.read(path)))
}

function voltageChips(files: SmallFiles): AskThrottling[] {
  return files
    .list(HWMON)
    .filter(chip => files.read(`${HWMON}/${chip}/name`)?.trim() === VOLTAGE_CHIP)
    .map(chip => async () => {
      const alarm = files.readNumber(`${HWMON}/${chip}/in0_lcrit_alarm`)
      if (alarm === null) throw new Error('the kernel does not tell the alarm of the voltage')
      return alarm === 0 ? 0 : UNDER_VOLTAGE
    })
}

/** Reads a hexadecimal number. Throws where there is none. */
function parseBits(text: string | null | undefined): number {
  const digits = text?.trim() ?? ''
  if (!/^[0-9a-f]{1,8}$/i.test(digits)) throw new Error('the answer of the firmware is not understood')
  return Number.parseInt(digits, 16)
}

/** The bits in words. */
export function throttledState(bits: number): Infer<typeof ThrottledState> {
  return { bits, flags: FLAGS.filter(([bit]) => (bits & (1 << bit)) !== 0).map(([, name]) => name) }
}
