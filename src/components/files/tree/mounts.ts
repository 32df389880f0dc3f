// Which file systems the system cannot tell changes of: those that other machines change too.
import { readFile } from 'node:fs/promises'
import { isWithin } from '../roots/tree-lock.ts'

/** Kinds of file systems, as /proc/mounts names them, whose changes by others no notification tells of. */
const REMOTE =
  /^(nfs\d*|cifs|smb\d*|smbfs|9p|afs|ncpfs|ceph|glusterfs|davfs|virtiofs|vboxsf|fuse(\..+)?|fuseblk)$/

/** Mount points of remote file systems and of local ones, the deepest first. */
export interface Mounts {
  /** Whether `path`, without links, stands on a file system that has to be looked at from time to time. */
  isRemote(path: string): boolean
}

/** Reads the mounts. Where the system does not tell them, all is local. */
export async function readMounts(file = '/proc/mounts'): Promise<Mounts> {
  return parseMounts(await readFile(file, 'utf8').catch(() => ''))
}

/** Reads the text of /proc/mounts: device, mount point, kind and options on each line (proc(5)). */
export function parseMounts(text: string): Mounts {
  const mounts = text
    .split('\n')
    .map(line => line.split(' '))
    .flatMap(([, point, kind]) =>
      point === undefined || kind === undefined ? [] : [{ point: readEscapes(point), kind }],
    )
    .reverse()
    .sort((a, b) => b.point.length - a.point.length)
  return {
    isRemote: path => REMOTE.test(mounts.find(({ point }) => isWithin(path, point))?.kind ?? ''),
  }
}

/** Spaces, tabs, line breaks and backslashes are written as octal numbers. */
function readEscapes(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_all, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  )
}
