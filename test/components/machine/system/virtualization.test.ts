// Containers and virtual machines by the marks that they leave.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readVirtualization } from '../../../../src/components/machine/system/virtualization.ts'
import { MachineFolder } from '../../../support/machine-folder.ts'
import { desktop, PC_CORE, raspberryPi4, type Tree } from './machines.ts'

const GUEST_CORE = PC_CORE.replace('pse', 'pse hypervisor')
const CLOCKS = '/sys/devices/system/clocksource/clocksource0/available_clocksource'
const LXCFS = '1022 1003 0:61 /proc/cpuinfo /proc/cpuinfo rw,nosuid - fuse.lxcfs lxcfs rw,user_id=0\n'

const machines: readonly (readonly [what: string, type: string, identifier: string, tree: Tree])[] = [
  ['Docker on a board', 'container', 'docker', { ...raspberryPi4, '/.dockerenv': '' }],
  ['Docker, where the marks are gone', 'container', 'docker', { '/proc/1/cgroup': '0::/docker/4f1c\n' }],
  ['Docker of systemd', 'container', 'docker', { '/proc/1/cgroup': '0::/system.slice/docker-4f1c.scope\n' }],
  ['Podman', 'container', 'podman', { '/run/.containerenv': 'engine="podman"\n', '/.dockerenv': '' }],
  ['Podman by its group', 'container', 'podman', { '/proc/1/cgroup': '0::/machine.slice/libpod-33.scope\n' }],
  ['Kubernetes', 'container', 'container-other', { '/proc/1/cgroup': '0::/kubepods/besteffort/pod1/2\n' }],
  ['LXC with systemd', 'container', 'lxc', { ...desktop, '/run/systemd/container': 'lxc\n' }],
  ['LXC for root', 'container', 'lxc', { '/proc/1/environ': 'TERM=linux\0container=lxc\0' }],
  ['LXC by its group', 'container', 'lxc', { '/proc/1/cgroup': '4:memory:/lxc.payload.101/init.scope\n' }],
  ['LXC of Alpine', 'container', 'lxc', { ...desktop, '/proc/self/mountinfo': LXCFS }],
  ['nspawn', 'container', 'systemd-nspawn', { '/run/host/container-manager': 'systemd-nspawn\n' }],
  [
    'an OCI container of Docker',
    'container',
    'docker',
    { '/run/systemd/container': 'oci\n', '/.dockerenv': '' },
  ],
  [
    'an OCI container of an unknown manager',
    'container',
    'container-other',
    { '/run/systemd/container': 'oci\n' },
  ],
  ['WSL', 'container', 'wsl', { '/proc/sys/kernel/osrelease': '5.15.153.1-microsoft-standard-WSL2\n' }],
  [
    'Docker in WSL',
    'container',
    'docker',
    { '/proc/sys/kernel/osrelease': '5.15.153.1-microsoft-standard-WSL2\n', '/.dockerenv': '' },
  ],
  ['OpenVZ', 'container', 'openvz', { '/proc/vz/veinfo': '' }],
  ['the host of OpenVZ', 'none', 'none', { '/proc/vz/veinfo': '', '/proc/bc/0': '' }],
  [
    'proot on Android',
    'container',
    'proot',
    { '/proc/self/status': 'Name:\tnode\nTracerPid:\t7\n', '/proc/7/comm': 'proot\n' },
  ],
  ['a debugger', 'none', 'none', { '/proc/self/status': 'TracerPid:\t7\n', '/proc/7/comm': 'gdb\n' }],
  ['VirtualBox', 'vm', 'oracle', { '/sys/class/dmi/id/sys_vendor': 'innotek GmbH\n' }],
  ['VMware', 'vm', 'vmware', { '/sys/class/dmi/id/product_name': 'VMware Virtual Platform\n' }],
  ['Hyper-V', 'vm', 'microsoft', { '/sys/class/dmi/id/product_version': 'Hyper-V UEFI Release v4.1\n' }],
  [
    'QEMU with KVM',
    'vm',
    'kvm',
    {
      '/sys/class/dmi/id/sys_vendor': 'QEMU\n',
      '/proc/cpuinfo': GUEST_CORE,
      [CLOCKS]: 'kvm-clock tsc acpi_pm\n',
    },
  ],
  ['QEMU alone', 'vm', 'qemu', { '/sys/class/dmi/id/sys_vendor': 'QEMU\n', '/proc/cpuinfo': GUEST_CORE }],
  ['KVM without firmware', 'vm', 'kvm', { '/proc/cpuinfo': GUEST_CORE, [CLOCKS]: 'tsc kvm-clock\n' }],
  ['a hypervisor of no name', 'vm', 'vm-other', { '/proc/cpuinfo': GUEST_CORE }],
  ['QEMU as a board', 'vm', 'qemu', { '/proc/device-tree/fw-cfg@9020000/compatible': 'qemu,fw-cfg-mmio\0' }],
  ['KVM on Arm', 'vm', 'kvm', { '/proc/device-tree/hypervisor/compatible': 'linux,kvm\0' }],
  [
    'a board under another hypervisor',
    'vm',
    'vm-other',
    { '/proc/device-tree/hypervisor/compatible': 'acme\0' },
  ],
  ['Xen', 'vm', 'xen', { '/sys/hypervisor/type': 'xen\n' }],
  [
    'the first domain of Xen',
    'none',
    'none',
    { '/sys/hypervisor/type': 'xen\n', '/proc/xen/capabilities': 'control_d\n' },
  ],
  ['User Mode Linux', 'vm', 'uml', { '/proc/cpuinfo': 'processor\t: 0\nvendor_id\t: User Mode Linux\n' }],
  ['a PC', 'none', 'none', desktop],
]

for (const [what, virt_type, virt_identifier, tree] of machines) {
  test(`${what}: ${virt_type} ${virt_identifier}`, async () => {
    using machine = new MachineFolder(tree)
    assert.deepEqual(await readVirtualization(machine.files), { virt_type, virt_identifier })
  })
}
