// Which file systems send no notifications of all changes: those that other machines change too.
import { readFileSync } from 'node:fs'
import { isWithin } from '../roots/path-lock.ts'

/** Types of file systems in /proc/mounts for which inotify does not report the changes of other machines. */
const REMOTE =
  /^(nfs\d*|cifs|smb\d*|smbfs|9p|afs|ncpfs|ceph|glusterfs|davfs|virtiofs|vboxsf|fuse(\..+)?|fuseblk)$/

/** Mount points of remote file systems and of local ones, the deepest first. */
export interface Mounts {
  /** The content of /proc/mounts. */
  readonly text: string
  /** Whether something is mounted at `path`, without links: a file system, or a single file. */
  isMountPoint(path: string): boolean
  /** Whether `path`, without links, is on a file system that has to be polled. */
  isRemote(path: string): boolean
  /** The mount point of the remote file system that `path`, without links, is on; undefined if it is on a local one. */
  remotePointOf(path: string): string | undefined
  /** Whether a remote file system is mounted. */
  readonly hasRemote: boolean
}

/** Reads the mounts; `last` again if they are unchanged. If /proc/mounts cannot be read, everything counts as local. */
export function readMounts(file = '/proc/mounts', last?: Mounts): Mounts {
  const text = readText(file)
  return text === last?.text ? last : parseMounts(text)
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** Parses /proc/mounts: device, mount point, type and options on each line (proc(5)). */
export function parseMounts(text: string): Mounts {
  const mounts = text
    .split('\n')
    .map(line => line.split(' '))
    .flatMap(([, point, kind]) =>
      point === undefined || kind === undefined ? [] : [{ point: readEscapes(point), kind }],
    )
    .reverse()
    .sort((a, b) => b.point.length - a.point.length)
  const points = new Set(mounts.map(({ point }) => point))
  const remotePointOf = (path: string) => {
    const mount = mounts.find(({ point }) => isWithin(path, point))
    return mount !== undefined && REMOTE.test(mount.kind) ? mount.point : undefined
  }
  return {
    text,
    isMountPoint: path => points.has(path),
    isRemote: path => remotePointOf(path) !== undefined,
    remotePointOf,
    hasRemote: mounts.some(({ kind }) => REMOTE.test(kind)),
  }
}

/** Replaces the octal codes of spaces, tabs, line breaks and backslashes. */
function readEscapes(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_all, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  )
}
