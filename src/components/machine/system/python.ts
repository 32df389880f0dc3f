// The Python that Klipper runs on, found without running it.
import { basename, dirname } from 'node:path'
import type { SystemInfo } from '../../../api/system-info.ts'
import type { SystemFiles } from '../../../core/system-files.ts'
import type { Infer } from '../../../schema/index.ts'

type Python = Infer<typeof SystemInfo>['python']

/** Nothing is known. */
export const NO_PYTHON: Python = { version: [], version_string: '' }

/** Levels of a release as Python numbers them, by the letters that versions are written with. */
const LEVELS: Readonly<Record<string, string>> = { a: 'alpha', b: 'beta', c: 'candidate', rc: 'candidate' }

/**
 * The version of the program at `path`: of its virtual environment (pyvenv.cfg, PEP 405) where it has one, otherwise
 * as far as names of folders and programs show, which is major and minor.
 */
export async function readPython(files: SystemFiles, path: string): Promise<Python> {
  const folder = dirname(path)
  const settings = await files.firstText(`${folder}/pyvenv.cfg`, `${dirname(folder)}/pyvenv.cfg`)
  const written = /^version(?:_info)? *= *(\S+)/m.exec(settings ?? '')?.[1] ?? ''
  const parsed = parseVersion(written)
  if (parsed !== null) return parsed
  const names = [basename(await files.follow(path)), ...(await files.names(`${dirname(folder)}/lib`))]
  const found = names.map(name => /^python(\d+)\.(\d+)$/.exec(name)).find(match => match !== null)
  return found == null
    ? NO_PYTHON
    : { version: [Number(found[1]), Number(found[2])], version_string: `${found[1]}.${found[2]}` }
}

/** `3.11.2`, `3.13.0rc1`, or `3.11.2.final.0` as virtualenv writes it. */
function parseVersion(text: string): Python | null {
  const parts =
    /^(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:\.?(a|b|c|rc|alpha|beta|candidate|final)\.?(\d{1,9}))?/.exec(text)
  if (parts === null) return null
  const [, major, minor, micro, letters = 'final', serial = '0'] = parts
  const level = LEVELS[letters] ?? letters
  const release = `${major}.${minor}.${micro}`
  return {
    version: [Number(major), Number(minor), Number(micro), level, Number(serial)],
    version_string: level === 'final' ? release : `${release}${shortLevel(level)}${serial}`,
  }
}

function shortLevel(level: string): string {
  return level === 'candidate' ? 'rc' : level.slice(0, 1)
}
