// Updates on a disk that is too small, in a mount namespace of its own: `node full-disk.ts`.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { zipOf } from '../../../support/zip-of.ts'
import { info, release, startWebApp } from './web-app.ts'

const MEBIBYTE = 1024 * 1024

await using bench = await startWebApp({ persistent_files: 'mine' })
const disk = bench.path('app')
// The folder around the installation is the disk.
const folder = bench.path('disk')
mkdirSync(folder)
execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=40m', 'none', folder])
try {
  execFileSync('mv', [disk, folder])
  const web = await bench.open('web', {
    path: join(folder, 'app'),
    repo: 'dummy/webapp',
    persistent_files: 'mine',
  })
  await bench.refreshed(web)
  const assertUnchanged = () => {
    assert.ok(existsSync(join(folder, 'app/stale.txt')))
    assert.ok(!existsSync(join(folder, '.app.update/incoming')))
    assert.ok(!existsSync(join(folder, '.app.update/download')))
  }

  // The archive contains how much it needs.
  const large = zipOf([
    { name: 'release_info.json', content: info('v1.1.0') },
    { name: 'large', content: Buffer.alloc(60 * MEBIBYTE) },
  ])
  bench.releases.repos.set('dummy/webapp', [{ tag: 'v1.1.0', assets: { 'web.zip': large } }])
  await bench.refreshed(web)
  assert.match((await bench.update(web)).error?.message ?? '', /not enough free space/)
  assertUnchanged()

  // The files of the user fill the disk when they are copied.
  mkdirSync(join(folder, 'app/mine'))
  for (let file = 0; file < 18; file += 1)
    writeFileSync(join(folder, `app/mine/${file}`), randomBytes(MEBIBYTE))
  bench.releases.repos.set('dummy/webapp', [release('v1.2.0')])
  await bench.refreshed(web)
  writeFileSync(join(folder, 'other'), randomBytes(4 * MEBIBYTE))
  const { error } = await bench.update(web)
  assert.equal(error?.message, 'The disk is full. The installed version is unchanged')
  assertUnchanged()
} finally {
  execFileSync('umount', [folder])
}
