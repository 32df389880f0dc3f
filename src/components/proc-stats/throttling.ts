// What slows the processor of a Raspberry Pi down: its firmware tells, through sysfs or through vcgencmd.
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import type { ThrottledState } from '../../api/machine.ts'
import type { Infer } from '../../schema/index.ts'
import type { SmallFiles } from './small-files.ts'

/** Hexadecimal, without 0x. */
const SYSFS = '/sys/devices/platform/soc/soc:firmware/get_throttled'
const PROGRAMS = ['/usr/bin/vcgencmd', '/opt/vc/bin/vcgencmd']
const PROGRAM_TIMEOUT_MS = 3000

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
export type AskThrottling = () => Promise<number>

/** A way to ask the firmware; null on machines that have none. */
export function findThrottling(files: SmallFiles): AskThrottling | null {
  const fromSysfs = () => parseBits(files.read(SYSFS))
  if (fromSysfs() !== null) return async () => expectBits(fromSysfs())
  const program = PROGRAMS.map(path => files.place(path)).find(path => existsSync(path))
  if (program === undefined) return null
  return async () => {
    const { execFile } = await import('node:child_process')
    const { stdout } = await promisify(execFile)(program, ['get_throttled'], { timeout: PROGRAM_TIMEOUT_MS })
    return expectBits(parseBits(/^throttled=0x(.*)/.exec(stdout)?.[1] ?? null))
  }
}

function parseBits(text: string | null): number | null {
  const digits = text?.trim() ?? ''
  return /^[0-9a-f]{1,8}$/i.test(digits) ? Number.parseInt(digits, 16) : null
}

function expectBits(bits: number | null): number {
  if (bits === null) throw new Error('the answer of the firmware is not understood')
  return bits
}

/** The bits in words. */
export function throttledState(bits: number): Infer<typeof ThrottledState> {
  return { bits, flags: FLAGS.filter(([bit]) => (bits & (1 << bit)) !== 0).map(([, name]) => name) }
}
