// Whether the machine is a container, a virtual one, or neither, under the names of systemd-detect-virt(1). Where there
// is a container in a virtual machine, it is the container that counts.
import type { SystemInfo } from '../../../api/system-info.ts'
import type { SystemFiles } from '../../../core/system-files.ts'
import type { Infer } from '../../../schema/index.ts'

type Virtualization = Infer<typeof SystemInfo>['virtualization']

/** What containers have in the folder of their own root. */
const CONTAINER_MARKS: readonly (readonly [path: string, name: string])[] = [
  ['/run/.containerenv', 'podman'],
  ['/.dockerenv', 'docker'],
  ['/.dockerinit', 'docker'],
]

/** What managers of containers call the control groups that they make, in cgroup v1 and without namespaces. */
const CONTAINER_GROUPS: readonly (readonly [group: RegExp, name: string])[] = [
  [/\/libpod[-_/]/, 'podman'],
  [/\/docker[-/]/, 'docker'],
  [/\/(lxc|lxc\.payload)[./]/, 'lxc'],
  [/\/kubepods/, 'container-other'],
]

/** How names in the firmware's tables start. */
const FIRMWARE_NAMES: readonly (readonly [start: string, name: string])[] = [
  ['KVM', 'kvm'],
  ['OpenStack', 'kvm'],
  ['KubeVirt', 'kvm'],
  ['Amazon EC2', 'amazon'],
  ['QEMU', 'qemu'],
  ['VMware', 'vmware'],
  ['VMW', 'vmware'],
  ['innotek GmbH', 'oracle'],
  ['VirtualBox', 'oracle'],
  ['Xen', 'xen'],
  ['Bochs', 'bochs'],
  ['Parallels', 'parallels'],
  ['BHYVE', 'bhyve'],
  ['Hyper-V', 'microsoft'],
  ['Apple Virtualization', 'apple'],
  ['Google Compute Engine', 'google'],
]

const FIRMWARE_FILES = ['product_name', 'sys_vendor', 'board_vendor', 'bios_vendor', 'product_version']

/** Clocks that a hypervisor provides to Linux. */
const GUEST_CLOCKS: readonly (readonly [clock: RegExp, name: string])[] = [
  [/\bkvm-clock\b/, 'kvm'],
  [/\bhyperv_clocksource/, 'microsoft'],
  [/\bxen\b/, 'xen'],
]

/** Looks at files only. Where nothing can be read the machine counts as a real one. */
export async function readVirtualization(files: SystemFiles): Promise<Virtualization> {
  const container = await containerName(files)
  if (container !== null) return { virt_type: 'container', virt_identifier: container }
  const vm = await vmName(files)
  return { virt_type: vm === null ? 'none' : 'vm', virt_identifier: vm ?? 'none' }
}

async function containerName(files: SystemFiles): Promise<string | null> {
  return (
    (await nameByManager(files)) ??
    (await nameByMark(files)) ??
    (await nameByGroup(files)) ??
    (await nameBySystem(files))
  )
}

/** Managers name themselves in the environment of the first process; systemd stores that where every user can read it. */
async function nameByManager(files: SystemFiles): Promise<string | null> {
  const environment = (await files.text('/proc/1/environ')) ?? ''
  const named =
    (await files.firstText('/run/host/container-manager', '/run/systemd/container')) ??
    /(?:^|\0)container=([^\0]+)/.exec(environment)?.[1]
  if (named === undefined) return null
  // A container that follows the OCI's rules may have any manager.
  return named === 'oci' ? ((await nameByMark(files)) ?? 'container-other') : named
}

async function nameByMark(files: SystemFiles): Promise<string | null> {
  for (const [path, name] of CONTAINER_MARKS) if (await files.exists(path)) return name
  return null
}

async function nameByGroup(files: SystemFiles): Promise<string | null> {
  return find(CONTAINER_GROUPS, (await files.text('/proc/1/cgroup')) ?? '')
}

/** By what the kernel, or its replacement, looks like. */
async function nameBySystem(files: SystemFiles): Promise<string | null> {
  if ((await files.exists('/proc/vz')) && !(await files.exists('/proc/bc'))) return 'openvz'
  if (/microsoft|WSL/i.test((await files.text('/proc/sys/kernel/osrelease')) ?? '')) return 'wsl'
  // LXC lays files of its own over some of /proc.
  if (/ - fuse\.lxcfs /.test((await files.text('/proc/self/mountinfo')) ?? '')) return 'lxc'
  const tracer = /^TracerPid:\s*([1-9]\d*)$/m.exec((await files.text('/proc/self/status')) ?? '')?.[1]
  if (tracer === undefined) return null
  return (await files.text(`/proc/${tracer}/comm`))?.startsWith('proot') ? 'proot' : null
}

async function vmName(files: SystemFiles): Promise<string | null> {
  const cpuinfo = (await files.text('/proc/cpuinfo')) ?? ''
  if (/^vendor_id\s*: *User Mode Linux/m.test(cpuinfo)) return 'uml'
  const firmware = await nameInFirmware(files)
  if (firmware !== null && firmware !== 'qemu') return firmware
  if (await isXenGuest(files)) return 'xen'
  const hypervisor = /^flags\s*:.*\bhypervisor\b/m.test(cpuinfo)
  const clock = hypervisor ? await nameByClock(files) : null
  return clock ?? firmware ?? (await nameInDeviceTree(files)) ?? (hypervisor ? 'vm-other' : null)
}

async function nameInFirmware(files: SystemFiles): Promise<string | null> {
  for (const file of FIRMWARE_FILES) {
    const text = (await files.text(`/sys/class/dmi/id/${file}`)) ?? ''
    const known = FIRMWARE_NAMES.find(([start]) => text.startsWith(start))
    if (known !== undefined) return known[1]
  }
  return null
}

/** The first Xen domain runs on the real machine. */
async function isXenGuest(files: SystemFiles): Promise<boolean> {
  if ((await files.text('/sys/hypervisor/type')) !== 'xen') return false
  return !/\bcontrol_d\b/.test((await files.text('/proc/xen/capabilities')) ?? '')
}

async function nameByClock(files: SystemFiles): Promise<string | null> {
  const clocks = '/sys/devices/system/clocksource/clocksource0/available_clocksource'
  return find(GUEST_CLOCKS, (await files.text(clocks)) ?? '')
}

async function nameInDeviceTree(files: SystemFiles): Promise<string | null> {
  const hypervisor = await files.text('/proc/device-tree/hypervisor/compatible')
  if (hypervisor === null) {
    const nodes = await files.names('/proc/device-tree')
    return nodes.some(name => name.includes('fw-cfg')) ? 'qemu' : null
  }
  return /\b(kvm|xen|vmware)\b/.exec(hypervisor)?.[1] ?? 'vm-other'
}

function find(names: readonly (readonly [pattern: RegExp, name: string])[], text: string): string | null {
  return names.find(([pattern]) => pattern.test(text))?.[1] ?? null
}
