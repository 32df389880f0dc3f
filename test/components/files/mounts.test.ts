// Which file systems are remote, and when the mounts are read.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { RemoteDisks } from '../../../src/components/files/roots/remote-disks.ts'
import { parseMounts } from '../../../src/components/files/tree/mounts.ts'
import { systemClock } from '../../../src/core/clock.ts'

const MOUNTS = parseMounts(
  [
    '/dev/mmcblk0p2 / ext4 rw,noatime 0 0',
    'nas:/prints /home/pi/printer_data/gcodes/nas nfs4 rw 0 0',
    '//nas/share /mnt/my\\040share cifs rw 0 0',
    '/dev/sda1 /media/usb vfat rw 0 0',
    'sshfs /mnt/far fuse.sshfs rw 0 0',
    '/dev/sdb1 /mnt/far/local ext4 rw 0 0',
    'tmpfs /mnt/over tmpfs rw 0 0',
    'nas:/over /mnt/over nfs rw 0 0',
    'broken',
    '',
  ].join('\n'),
)

test('network file systems are remote: the deepest mount counts, and the last one at a mount point', () => {
  const expected = {
    '/home/pi/printer_data/gcodes': false,
    '/home/pi/printer_data/gcodes/nas': true,
    '/home/pi/printer_data/gcodes/nas/deep/er': true,
    '/home/pi/printer_data/gcodes/nas2': false,
    '/mnt/my share/x': true,
    '/media/usb': false,
    '/mnt/far/x': true,
    '/mnt/far/local/x': false,
    '/mnt/over': true,
  }
  const found = Object.fromEntries(Object.keys(expected).map(path => [path, MOUNTS.isRemote(path)]))
  assert.deepEqual(found, expected)
})

test('without mounts, everything is local', () => {
  assert.equal(parseMounts('').isRemote('/anywhere'), false)
})

test('the mounts are read once for all printers that check their roots at the same moment', t => {
  const folder = mkdtempSync(join(tmpdir(), 'mounts-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'mounts')
  writeFileSync(file, '')
  let seconds = 0
  const disks = new RemoteDisks({ ...systemClock, monotonic: () => seconds }, file)
  writeFileSync(file, 'nas:/prints /mnt/nas nfs4 rw 0 0\n')
  disks.refresh()
  assert.equal(disks.isRemote('/mnt/nas/x'), false)
  seconds = 1
  disks.refresh()
  assert.equal(disks.isRemote('/mnt/nas/x'), true)
})
