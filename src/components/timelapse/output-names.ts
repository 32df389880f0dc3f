// The names of videos and archives: the G-code file and the time, as front-ends show them.
import { access } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { TimelapseSettings } from '../../api/timelapse.ts'
import { strftime } from '../../core/strftime.ts'

/** Bytes of a stem: a name has up to 255, and endings follow. */
const MAX_STEM = 200

/** An unused name in `folder`: `timelapse_cube.gcode_20240131_2359` and `ending`, with `-2` and so on if it is taken. */
export async function unusedName(
  folder: string,
  { printfile, settings, ending, now }: OutputName,
): Promise<string> {
  const time = strftime(settings.time_format_code, now)
  const parts = ['timelapse', basename(printfile), time].filter(part => part !== '')
  const stem = shorten(parts.join('_').replace(/[/\0]/g, '-'))
  for (let count = 1; ; count += 1) {
    const name = `${stem}${count === 1 ? '' : `-${count}`}${ending}`
    if (!(await exists(join(folder, name)))) return name
  }
}

/** What a name is made of. */
interface OutputName {
  readonly printfile: string
  readonly settings: Pick<TimelapseSettings, 'time_format_code'>
  /** Such as `.mp4`. */
  readonly ending: string
  readonly now: Date
}

/** Whether something is at `path`. */
export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

function shorten(stem: string): string {
  let short = stem
  while (Buffer.byteLength(short) > MAX_STEM) short = short.slice(0, -1)
  return short.isWellFormed() ? short : short.toWellFormed()
}
