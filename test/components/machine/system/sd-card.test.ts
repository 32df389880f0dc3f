// Cards of all sizes, and files that hold nonsense.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readSdInfo } from '../../../../src/components/machine/system/sd-card.ts'
import { MachineFolder } from '../../../support/machine-folder.ts'

const sizes: readonly (readonly [sectors: number, expected: string])[] = [
  [3854336, '1882.0 MiB'],
  [4194304, '2048.0 MiB'],
  [15523840, '7.4 GiB'],
  [4294967296, '2048.0 GiB'],
  [8589934592, '4.0 TiB'],
]

for (const [sectors, expected] of sizes) {
  test(`${sectors} sectors are ${expected}`, async () => {
    using machine = new MachineFolder({
      '/sys/block/mmcblk0/device/type': 'SD\n',
      '/sys/block/mmcblk0/size': `${sectors}\n`,
    })
    const { capacity, total_bytes } = await readSdInfo(machine.files)
    assert.equal(capacity, expected)
    assert.equal(total_bytes, sectors * 512)
  })
}

test('the card comes before a soldered chip, wherever it is', async () => {
  using machine = new MachineFolder({
    '/sys/block/mmcblk0/device/type': 'MMC\n',
    '/sys/block/mmcblk0/device/name': 'CHIP\n',
    '/sys/block/mmcblk1/device/type': 'SD\n',
    '/sys/block/mmcblk1/device/name': 'CARD\n',
  })
  assert.equal((await readSdInfo(machine.files)).product_name, 'CARD')
})

test('a card without any facts', async () => {
  using machine = new MachineFolder({
    '/sys/block/mmcblk0/device/type': 'SD\n',
    '/sys/block/mmcblk0/device/hwrev': '0xzz\n',
    '/sys/block/mmcblk0/size': 'many\n',
  })
  assert.deepEqual(await readSdInfo(machine.files), {
    manufacturer_id: '',
    manufacturer: 'Unknown',
    oem_id: '',
    product_name: '',
    product_revision: '0.0',
    serial_number: '',
    manufacturer_date: '',
    capacity: 'Unknown',
    total_bytes: 0,
  })
})
