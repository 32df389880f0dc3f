// The cameras that libcamera has, as its own programs list them.
import { stat } from 'node:fs/promises'
import type { ResultOf } from '../../../api/endpoint.ts'
import type { peripherals } from '../../../api/peripherals.ts'
import { messageOf } from '../../../core/errors.ts'
import type { Log } from '../../../core/log.ts'
import { runCommand } from '../../../core/run-command.ts'
import type { SystemFiles } from '../../../core/system-files.ts'

type LibcameraDevice = ResultOf<
  (typeof peripherals)['methods']['machine.peripherals.video']
>['libcamera_devices'][number]
type Mode = LibcameraDevice['modes'][number]

const FOLDERS = ['/usr/bin', '/usr/local/bin']
/** The program of libcamera leaves the sensor as it is and knows USB cameras: it comes first. */
const PROGRAMS = ['cam', 'rpicam-hello', 'libcamera-hello']
const TIMEOUT_SECONDS = 10
const MAX_BYTES = 256 * 1024
/** At most this many cameras are queried for their modes. */
const MAX_CAMERAS = 16

/** Runs the program with these arguments; what it prints. */
type Run = (...args: string[]) => Promise<string>

/**
 * All cameras; an empty list without a program of libcamera. What a failing program has not printed is missing, with
 * an entry in the log. `signal` ends it.
 */
export async function listLibcameraDevices(
  files: SystemFiles,
  log: Log,
  signal: AbortSignal,
): Promise<LibcameraDevice[]> {
  const program = await findProgram(files)
  if (program === null) return []
  const run: Run = async (...args) =>
    (await runCommand(program, args, { timeoutSeconds: TIMEOUT_SECONDS, keepBytes: MAX_BYTES, signal }))
      .stdout
  const devices: LibcameraDevice[] = []
  try {
    if (program.endsWith('/cam')) await queryModes(run, devices)
    else devices.push(...parseHello(await run('--list-cameras')))
  } catch (error) {
    if (!signal.aborted) log.warning(`the cameras of libcamera cannot be read: ${messageOf(error)}`)
  }
  return devices
}

/** A camera that does not answer leaves itself and those after it without modes: each would take as long. */
async function queryModes(run: Run, devices: LibcameraDevice[]): Promise<void> {
  const cameras = parseCamList(await run('--list')).slice(0, MAX_CAMERAS)
  devices.push(...cameras.map(({ device }) => device))
  for (const { number, device } of cameras) {
    const text = await run(`--camera=${number}`, '--stream=role=raw', '--list-properties', '--info')
    Object.assign(device, parseCamInfo(text, device.model))
  }
}

async function findProgram(files: SystemFiles): Promise<string | null> {
  for (const name of PROGRAMS) {
    for (const folder of FOLDERS) {
      const path = files.place(`${folder}/${name}`)
      const found = await stat(path).catch(() => null)
      if (found?.isFile() && (found.mode & 0o111) !== 0) return path
    }
  }
  return null
}

/** The output of `cam --list`: `1: External camera 'UVC Camera' (<id>)`; the model may be missing. */
export function parseCamList(text: string): { readonly number: string; readonly device: LibcameraDevice }[] {
  return [...text.matchAll(/^(\d+): (.*?) ?\(([^()]+)\)\s*$/gm)].map(
    ([, number = '', name = '', id = '']) => ({
      number,
      device: { libcamera_id: id, model: /'(.+)'/.exec(name)?.[1] ?? null, modes: [] },
    }),
  )
}

/** The output of `cam --info` about one camera; empty for a camera that another program uses. */
export function parseCamInfo(text: string, model: string | null): Pick<LibcameraDevice, 'model' | 'modes'> {
  const modes: Mode[] = []
  for (const line of text.split('\n')) {
    const [, format] = /^ \* Pixelformat: (\S+)/.exec(line) ?? []
    const [, resolution] = /^ {2}- (\d+x\d+)/.exec(line) ?? []
    if (format !== undefined) modes.push({ format, resolutions: [] })
    if (resolution !== undefined) modes.at(-1)?.resolutions.push(resolution)
  }
  return { model: /^Property: Model = (.+)$/m.exec(text)?.[1]?.trim() ?? model, modes }
}

/**
 * The output of `rpicam-hello --list-cameras`: a line `0 : imx219 [3280x2464 10-bit RGGB] (<id>)` for each camera, and
 * below it `Modes: 'SRGGB8' : 640x480 [...]` with the sizes in one line or in several.
 */
export function parseHello(text: string): LibcameraDevice[] {
  const cameras: LibcameraDevice[] = []
  for (const line of text.split('\n')) {
    const [, model, id] = /^\s*\d+ : (\S+)(?: \[?[^\]]*\])? \((.+)\)\s*$/.exec(line) ?? []
    if (model !== undefined && id !== undefined) {
      cameras.push({ libcamera_id: id, model, modes: [] })
      continue
    }
    const modes = cameras.at(-1)?.modes
    const [prefix = '', format] = /^(?:\s*Modes:)?\s+'([^']+)' :/.exec(line) ?? []
    if (format !== undefined) modes?.push({ format, resolutions: [] })
    // The brackets contain the parts of the sensor that are used.
    const sizes = line.slice(prefix.length).replace(/\[[^\]]*\]?/g, ' ')
    if (/^(\s+\d+x\d+)+\s*$/.test(sizes)) modes?.at(-1)?.resolutions.push(...sizes.trim().split(/\s+/))
  }
  return cameras
}
