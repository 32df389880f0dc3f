// Machines as their files show them: boards, a PC, containers and virtual ones.
import type { NetworkInterfaceInfo } from 'node:os'
import type { Computer } from '../../../../src/components/machine/system/computer.ts'

/** The files of a machine by their places. */
export type Tree = Readonly<Record<string, string>>

type Interfaces = Readonly<Record<string, readonly string[]>>

/** A computer of this architecture with these interfaces: name → MAC address, then addresses. */
export function computerOf(arch: string, machine: string, interfaces: Interfaces = {}): Computer {
  return {
    arch,
    machine,
    cores: 1,
    home: '/home/pi',
    interfaces: () =>
      Object.fromEntries(
        Object.entries(interfaces).map(([name, [mac = '', ...all]]) => [
          name,
          all.map(each => info(mac, each)),
        ]),
      ),
    canLink: () => Promise.reject(new Error('no kernel to query')),
  }
}

function info(mac: string, address: string): NetworkInterfaceInfo {
  const internal = address === '::1' || address.startsWith('127.')
  const rest = { address, mac, internal, cidr: null, netmask: '' }
  return address.includes(':') ? { ...rest, family: 'IPv6', scopeid: 0 } : { ...rest, family: 'IPv4' }
}

const RASPBIAN_10 = `PRETTY_NAME="Raspbian GNU/Linux 10 (buster)"
NAME="Raspbian GNU/Linux"
VERSION_ID="10"
VERSION="10 (buster)"
VERSION_CODENAME=buster
ID=raspbian
ID_LIKE=debian
HOME_URL="http://www.raspbian.org/"
`

export const DEBIAN_12 = `PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION="12 (bookworm)"
VERSION_CODENAME=bookworm
ID=debian
`

/** The example of the API document. */
export const raspberryPi3: Tree = {
  '/proc/cpuinfo': `${[0, 1, 2, 3]
    .map(
      core =>
        `processor\t: ${core}\nmodel name\t: ARMv7 Processor rev 4 (v7l)\nBogoMIPS\t: 38.40\nCPU implementer\t: 0x41\nCPU part\t: 0xd03\n`,
    )
    .join(
      '\n',
    )}\nHardware\t: BCM2835\nRevision\t: a02082\nSerial\t\t: 00000000b898bdb4\nModel\t\t: Raspberry Pi 3 Model B Rev 1.2\n`,
  '/proc/meminfo': 'MemTotal:         945364 kB\nMemFree:          400000 kB\n',
  '/proc/sys/kernel/osrelease': '5.10.17-v7+\n',
  '/etc/os-release': RASPBIAN_10,
  '/etc/debian_version': '10.9\n',
  '/sys/block/mmcblk0/size': '62333952\n',
  '/sys/block/mmcblk0/device/type': 'SD\n',
  '/sys/block/mmcblk0/device/manfid': '0x000003\n',
  '/sys/block/mmcblk0/device/oemid': '0x5344\n',
  '/sys/block/mmcblk0/device/name': 'SU32G\n',
  '/sys/block/mmcblk0/device/hwrev': '0x8\n',
  '/sys/block/mmcblk0/device/fwrev': '0x0\n',
  '/sys/block/mmcblk0/device/serial': '0x0046ba46\n',
  '/sys/block/mmcblk0/device/date': '04/2018\n',
  '/sys/class/net/wlan0/type': '1\n',
}

function armCores(...parts: string[]): string {
  return parts
    .map(
      (part, core) =>
        `processor\t: ${core}\nBogoMIPS\t: 108.00\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU part\t: ${part}\nCPU revision\t: 3\n`,
    )
    .join('\n')
}

/** 64 bits: the kernel names neither the cores nor, since 6.6, the chip. With a CAN adapter. */
export const raspberryPi4: Tree = {
  '/proc/cpuinfo': `${armCores('0xd08', '0xd08', '0xd08', '0xd08')}\nRevision\t: c03114\nSerial\t\t: 100000003d1d1c36\nModel\t\t: Raspberry Pi 4 Model B Rev 1.4\n`,
  '/proc/meminfo': 'MemTotal:        3884376 kB\n',
  '/proc/sys/kernel/osrelease': '6.6.31+rpt-rpi-v8\n',
  '/sys/firmware/devicetree/base/compatible': 'raspberrypi,4-model-b\0brcm,bcm2711\0',
  '/etc/os-release': DEBIAN_12,
  '/etc/mainsailos-release': 'MainsailOS release 2.0.1 (bookworm)\n',
  '/sys/class/net/eth0/type': '1\n',
  '/sys/class/net/can0/type': '280\n',
  '/sys/class/net/can0/ifindex': '4\n',
  '/sys/class/net/can0/operstate': 'up\n',
  '/sys/class/net/can0/tx_queue_len': '128\n',
  '/sys/class/net/can1/type': '280\n',
  '/sys/class/net/can1/ifindex': '5\n',
  '/sys/class/net/can1/operstate': 'down\n',
  '/sys/class/net/can1/tx_queue_len': '10\n',
}

export const raspberryPi5: Tree = {
  '/proc/cpuinfo': `${armCores('0xd0b', '0xd0b', '0xd0b', '0xd0b')}\nRevision\t: c04170\nSerial\t\t: 7bcd2e5f1a0b3c4d\nModel\t\t: Raspberry Pi 5 Model B Rev 1.0\n`,
  '/proc/meminfo': 'MemTotal:        4147824 kB\n',
  '/proc/sys/kernel/osrelease': '6.6.31+rpt-rpi-2712\n',
  '/proc/device-tree/compatible': 'raspberrypi,5-model-b\0brcm,bcm2712\0',
  '/etc/os-release': DEBIAN_12,
  '/sys/block/mmcblk0/size': '249737216\n',
  '/sys/block/mmcblk0/device/type': 'SD\n',
  '/sys/block/mmcblk0/device/manfid': '0x00009f\n',
  '/sys/block/mmcblk0/device/oemid': '0x5449\n',
  '/sys/block/mmcblk0/device/name': 'SD128\n',
  '/sys/block/mmcblk0/device/hwrev': '0x6\n',
  '/sys/block/mmcblk0/device/fwrev': '0xb\n',
  '/sys/block/mmcblk0/device/serial': '0x4a0c1d2e\n',
  '/sys/block/mmcblk0/device/date': '11/2023\n',
}

/** Armbian on a board with fast and slow cores, an eMMC, and no card. */
export const orangePi4: Tree = {
  '/proc/cpuinfo': `${armCores('0xd03', '0xd03', '0xd03', '0xd03', '0xd08', '0xd08')}\nSerial\t\t: 8fe3b2c1d4a59607\n`,
  '/proc/meminfo': 'MemTotal:        3924564 kB\n',
  '/proc/sys/kernel/osrelease': '6.6.16-current-rockchip64\n',
  '/sys/firmware/devicetree/base/model': 'Orange Pi 4 LTS\0',
  '/sys/firmware/devicetree/base/compatible': 'xunlong,orangepi-4-lts\0rockchip,rk3399\0',
  '/etc/os-release': `PRETTY_NAME="Armbian 24.2.1 bookworm"\n${DEBIAN_12.split('\n').slice(1).join('\n')}`,
  '/etc/armbian-release': '# PLEASE DO NOT EDIT THIS FILE\nBOARD=orangepi4-lts\n',
  '/sys/block/mmcblk1/size': '30535680\n',
  '/sys/block/mmcblk1/device/type': 'MMC\n',
  '/sys/block/mmcblk1/device/manfid': '0x000015\n',
  '/sys/block/mmcblk1/device/oemid': '0x0100\n',
  '/sys/block/mmcblk1/device/name': 'AJTD4R\n',
  '/sys/block/mmcblk1/device/prv': '0x8a\n',
  '/sys/block/mmcblk1/device/serial': '0x5d3f00a1\n',
  '/sys/block/mmcblk1/device/date': '06/2021\n',
  '/sys/block/mmcblk1boot0/size': '8192\n',
  '/sys/block/mmcblk2/device/type': 'SDIO\n',
}

export const PC_CORE =
  'processor\t: 0\nvendor_id\t: GenuineIntel\nmodel\t\t: 158\nmodel name\t: Intel(R) Core(TM) i5-7500T CPU @ 2.70GHz\nflags\t\t: fpu vme de pse\n'

export const desktop: Tree = {
  '/proc/cpuinfo': `${PC_CORE}\n${PC_CORE.replace(': 0', ': 1')}`,
  '/proc/meminfo': 'MemTotal:       16257132 kB\n',
  '/proc/sys/kernel/osrelease': '6.8.0-45-generic\n',
  '/sys/class/dmi/id/sys_vendor': 'Dell Inc.\n',
  '/sys/class/dmi/id/product_name': 'OptiPlex 7050\n',
  '/usr/lib/os-release': `PRETTY_NAME="Ubuntu 24.04.1 LTS"
NAME="Ubuntu"
VERSION_ID="24.04"
VERSION="24.04.1 LTS (Noble Numbat)"
VERSION_CODENAME=noble
ID=ubuntu
ID_LIKE=debian
UBUNTU_CODENAME=noble
`,
  '/etc/lsb-release': 'DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=24.04\n',
}
