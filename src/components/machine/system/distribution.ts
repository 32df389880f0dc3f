// The distribution, from os-release(5), and the image that was built on it, such as MainsailOS.
import type { SystemInfo } from '../../../api/system-info.ts'
import { readOsRelease } from '../../../core/os-release.ts'
import { readAssignments, type Variables } from '../../../core/shell-assignments.ts'
import type { SystemFiles } from '../../../core/system-files.ts'
import type { Infer } from '../../../schema/index.ts'

type Distribution = Infer<typeof SystemInfo>['distribution']

/** Ids that clients know under another name. */
const CLIENTS_IDS: ReadonlyMap<string, string> = new Map([
  ['ol', 'oracle'],
  ['opensuse-leap', 'opensuse'],
])

/** Longer lines are not of this format. */
const MAX_LINE = 500

/** Files with such a name that belong to something else. */
const OTHER_RELEASE_FILES = new Set([
  'board-release',
  'debian_version',
  'ec2_version',
  'iredmail-release',
  'lsb-release',
  'oem-release',
  'os-release',
  'plesk-release',
  'system-release',
])

/** Reads /etc/os-release, what some distributions have in its place, and the release file of an image. */
export async function readDistribution(files: SystemFiles): Promise<Distribution> {
  const os = await readOsRelease(files)
  const lsb = readAssignments(await files.text('/etc/lsb-release'))
  const release_info = await readReleaseInfo(files)
  const id = (os.ID ?? lsb.DISTRIB_ID ?? release_info.id ?? '').toLowerCase().replaceAll(' ', '_')
  const like = os.ID_LIKE ?? ''
  const version =
    os.VERSION_ID ??
    lsb.DISTRIB_RELEASE ??
    release_info.version_id ??
    (/\bdebian\b/.test(`${id} ${like}`) ? await files.text('/etc/debian_version') : null) ??
    ''
  return {
    name: os.PRETTY_NAME ?? lsb.DISTRIB_DESCRIPTION ?? imageName(release_info),
    id: CLIENTS_IDS.get(id) ?? id,
    version,
    version_parts: versionParts(version),
    like,
    codename: codename(os) ?? lsb.DISTRIB_CODENAME ?? release_info.codename ?? '',
    release_info,
    kernel_version: (await files.text('/proc/sys/kernel/osrelease')) ?? '',
  }
}

function versionParts(version: string): Distribution['version_parts'] {
  const [, major = '', minor = '', build_number = ''] = /^(\d+)\.?(\d+)?\.?(\d+)?/.exec(version) ?? []
  return { major, minor, build_number }
}

/** An empty VERSION_CODENAME means that the release has no name. Older systems have it in VERSION: `10 (buster)`. */
function codename(os: Variables): string | undefined {
  const inVersion = /\((\D{1,99})\)|, *(\D{1,99})/.exec(os.VERSION ?? '')
  return os.VERSION_CODENAME ?? os.UBUNTU_CODENAME ?? inVersion?.[1] ?? inVersion?.[2]
}

/** Of the first file such as /etc/mainsailos-release; empty without one. */
async function readReleaseInfo(files: SystemFiles): Promise<Variables> {
  for (const file of await files.names('/etc')) {
    const id = /^(\w+)[-_](?:release|version)$/.exec(file)?.[1]
    if (id === undefined || OTHER_RELEASE_FILES.has(file)) continue
    const [line = ''] = ((await files.text(`/etc/${file}`)) ?? '').split('\n')
    // Armbian keeps assignments in its file, under a comment.
    if (line === '' || line.length > MAX_LINE || line.startsWith('#') || /^[A-Z_]+=/.test(line)) continue
    return { name: id, ...parseReleaseLine(line.trim()), id }
  }
  return {}
}

/** `Fedora release 39 (Thirty Nine)`, `MainsailOS 1.3.0`, or a number alone: name, number, name of the release. */
function parseReleaseLine(line: string): Variables {
  if (/^\d[\w.+-]*$/.test(line)) return { version_id: line }
  const parts =
    /^(.{1,200}?) {0,9}(?:release {0,9})?(\d[\w.+-]{0,99})(?: LTS)? {0,9}(?:\((.{0,200})\)[^)]{0,99})?$/.exec(
      line,
    )
  if (parts === null) return { name: line }
  const [, name = '', version_id = '', codename = ''] = parts
  return { name, version_id, ...(codename !== '' && { codename }) }
}

function imageName({ name = '', version_id, codename }: Variables): string {
  return [name, version_id, codename === undefined ? undefined : `(${codename})`]
    .filter(part => part !== undefined)
    .join(' ')
}
