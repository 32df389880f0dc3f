// Machines whose files have unexpected content: the answer arrives, and is as declared.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { basename, dirname } from 'node:path'
import { test } from 'node:test'
import { SystemInfo } from '../../../../src/api/system-info.ts'
import { Hardware } from '../../../../src/components/machine/system/hardware.ts'
import { MachineReader } from '../../../../src/components/machine/system/index.ts'
import { MachineFolder } from '../../../support/machine-folder.ts'
import * as machines from './machines.ts'

/** All that is read anywhere. */
const PLACES = [
  ...new Set([
    ...[machines.raspberryPi3, machines.raspberryPi4, machines.desktop].flatMap(tree => Object.keys(tree)),
    '/etc/debian_version',
    '/etc/image-release',
    '/etc/lsb-release',
    '/home/pi/klippy-env/pyvenv.cfg',
    '/proc/1/cgroup',
    '/proc/1/environ',
    '/proc/device-tree/hypervisor/compatible',
    '/proc/self/mountinfo',
    '/proc/self/status',
    '/run/systemd/container',
    '/sys/block/mmcblk0/device/manfid',
    '/sys/hypervisor/type',
  ]),
]

const MANY = 300_000
const TEXTS: Readonly<Record<string, string | Buffer>> = {
  'names of other things':
    'ID=constructor\nDISTRIB_ID=__proto__\nCPU implementer: 0x41\nCPU part: toString\n',
  'numbers without end': `MemTotal: ${'9'.repeat(400)} kB\nversion = 3.11.2.final.${'9'.repeat(400)}\n`,
  'every byte': Buffer.from(Array.from({ length: MANY }, (_, index) => (index * 7919) % 256)),
  'NULs, then a byte': `${'\0'.repeat(MANY / 2)}x`,
  'lines without text': '\n'.repeat(MANY),
  'brackets that open': `VERSION=${'('.repeat(MANY)}`,
  'a field that goes on': `Model${' '.repeat(MANY)}: x`,
}

async function readAs(machine: MachineFolder): Promise<unknown> {
  const computer = machines.computerOf('arm64', 'aarch64', { eth0: ['dc:a6:32:00:00:01', '10.0.0.1'] })
  const reader = new MachineReader(new Hardware({ root: machine.root, computer }), () => undefined)
  const ofServices = {
    provider: 'none',
    available_services: [],
    service_state: {},
    instance_ids: { moonraker: 'moonraker', klipper: 'klipper' },
  }
  return { ...(await reader.read()), ...ofServices }
}

for (const [what, text] of Object.entries(TEXTS)) {
  test(`files of ${what}`, async () => {
    using machine = new MachineFolder()
    for (const place of PLACES) machine.write(place, text)
    const info = await readAs(machine)
    assert.deepEqual(SystemInfo.read(info, 'system_info'), info)
  })
}

const IN_PLACE_OF_FILES: Readonly<Record<string, (machine: MachineFolder) => void>> = {
  folders: machine => {
    for (const place of PLACES) machine.folder(place)
  },
  'links in a circle': machine => {
    for (const place of PLACES) machine.link(place, basename(place))
  },
  'pipes without a writer': machine => {
    for (const place of PLACES) machine.folder(dirname(place))
    execFileSync(
      'mkfifo',
      PLACES.map(place => machine.root + place),
    )
  },
}

for (const [what, make] of Object.entries(IN_PLACE_OF_FILES)) {
  test(`${what} in the place of files`, async () => {
    using machine = new MachineFolder()
    make(machine)
    const info = await readAs(machine)
    assert.deepEqual(SystemInfo.read(info, 'system_info'), info)
  })
}
