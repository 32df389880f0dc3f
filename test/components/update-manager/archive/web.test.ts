// Front-ends from releases: updates, failures that leave the running version, and the way back.
import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { test } from 'node:test'
import { zipOf } from '../../../support/zip-of.ts'
import { archive, info, pick, release, startWebApp as start } from './web-app.ts'

test('the status has the installed and the published version', async () => {
  await using bench = await start()
  const web = await bench.reopen()
  assert.deepEqual(await bench.refreshed(web), {
    name: 'app',
    configured_type: 'web',
    channel: 'stable',
    channel_invalid: false,
    debug_enabled: false,
    is_valid: true,
    info_tags: [],
    owner: 'dummy',
    repo_name: 'webapp',
    version: 'v1.0.0',
    remote_version: 'v1.1.0',
    rollback_version: 'v1.0.0',
    last_error: '',
    warnings: [],
    anomalies: [],
    preview: { version: 'v1.1.0', commits: null, size: archive('v1.1.0').length, packages: [], services: [] },
  })
})

test('an update replaces the folder, and keeps persistent files', async () => {
  await using bench = await start({ persistent_files: 'config.json\ndata/sub/k.txt\n.theme/' })
  bench.write('app/data/sub/k.txt', 'mine')
  bench.write('app/.theme/custom.css', 'mine')
  const web = await bench.reopen()
  await bench.refreshed(web)
  const { lines, error } = await bench.update(web)
  assert.equal(error, null)
  const kib = Math.floor(archive('v1.1.0').length / 1024)
  assert.deepEqual(lines, [
    'Web Client app: Updating...',
    'Web Client app: Downloading Release...',
    `Downloading app: ${kib} KiB / ${kib} KiB [100%]`,
    `Web Client app: Download Complete, extracting release to '${bench.path('app')}'`,
    '*Web Client app: Update Finished...',
  ])
  assert.deepEqual(bench.files(), ['.theme', 'config.json', 'data', 'index.html', 'release_info.json'])
  assert.equal(bench.read('index.html'), 'v1.1.0')
  assert.equal(bench.read('config.json'), 'mine')
  assert.equal(bench.read('data/sub/k.txt'), 'mine')
  const status = web.status()
  assert.deepEqual(pick(status, 'version', 'remote_version', 'rollback_version', 'preview'), {
    version: 'v1.1.0',
    remote_version: 'v1.1.0',
    rollback_version: 'v1.0.0',
    preview: null,
  })
  assert.deepEqual(await bench.update(web), { lines: [], error: null })
})

test('a rollback takes the previous version from the disk, with the files of today', async () => {
  await using bench = await start({ persistent_files: 'config.json' })
  const web = await bench.reopen()
  await bench.refreshed(web)
  await bench.update(web)
  bench.write('app/config.json', 'changed since')
  bench.releases.taken()
  const { lines, error } = await bench.rollback(web)
  assert.equal(error, null)
  assert.deepEqual(lines, [
    'Web Client app: Rolling Back...',
    'Web Client app: Restoring version v1.0.0 from the disk',
    '*Web Client app: Rollback Complete',
  ])
  assert.deepEqual(bench.releases.taken(), [])
  assert.equal(bench.read('index.html'), 'v1.0.0')
  assert.equal(bench.read('stale.txt'), 'of v1.0.0')
  assert.equal(bench.read('config.json'), 'changed since')
  assert.deepEqual(await bench.rollback(web), { lines: [], error: null })
  assert.equal((await bench.update(web)).error, null)
  assert.equal(bench.read('index.html'), 'v1.1.0')
})

test('a rollback downloads a version that is not on the disk', async () => {
  await using bench = await start()
  bench.write('app/release_info.json', info('v1.1.0'))
  const web = await bench.reopen()
  // Moonraker stored this.
  web.restore({ rollback_version: 'v1.0.0', rollback_repo: 'dummy/webapp', remote_version: 'v1.1.0' })
  const { lines, error } = await bench.rollback(web)
  assert.equal(error, null)
  assert.deepEqual(bench.releases.taken(), [
    'GET /repos/dummy/webapp/releases/tags/v1.0.0',
    'GET /download/dummy/webapp/v1.0.0/web.zip',
  ])
  assert.equal(lines[1], 'Web Client app: Downloading Release...')
  assert.match(lines[2] ?? '', /^Downloading rollback_app: /)
  assert.equal(bench.read('index.html'), 'v1.0.0')
})

test('a rollback finds a tag without the v of the version', async () => {
  await using bench = await start()
  bench.write('app/release_info.json', info('v1.1.0'))
  bench.releases.repos.set('dummy/webapp', [release('1.0.0')])
  const web = await bench.reopen()
  web.restore({ rollback_version: 'v1.0.0', rollback_repo: 'dummy/webapp' })
  assert.equal((await bench.rollback(web)).error, null)
  assert.equal(bench.read('index.html'), '1.0.0')
})

test('a rollback to a version that no longer exists is an error', async () => {
  await using bench = await start()
  const web = await bench.reopen()
  web.restore({ rollback_version: 'v0.1.0', rollback_repo: 'dummy/webapp' })
  assert.equal((await bench.rollback(web)).error?.message, 'Failed to retrieve release asset data')
  bench.write('app/release_info.json', '{}')
  const unknown = await bench.reopen()
  assert.equal((await bench.rollback(unknown)).error?.message, 'Incomplete Rollback Data')
})

test('an older release is no update', async () => {
  await using bench = await start()
  bench.write('app/release_info.json', info('v9.9.9'))
  const web = await bench.reopen()
  const status = await bench.refreshed(web)
  assert.deepEqual(pick(status, 'version', 'remote_version', 'preview'), {
    version: 'v9.9.9',
    remote_version: 'v1.1.0',
    preview: null,
  })
  assert.deepEqual(await bench.update(web), { lines: [], error: null })
  assert.equal(bench.read('index.html'), 'v1.0.0')
})

test('the channel beta offers previews, and newer releases before older previews', async () => {
  await using bench = await start({ channel: 'beta' })
  const web = await bench.reopen()
  assert.equal(pick(await bench.refreshed(web), 'remote_version').remote_version, 'v1.2.0-beta.1')
  bench.releases.repos.set('dummy/webapp', [
    release('v1.1.9'),
    release('v1.2.0-beta.1', { prerelease: true }),
    release('v1.2.0'),
  ])
  assert.equal(pick(await bench.refreshed(web), 'remote_version').remote_version, 'v1.2.0')
})

test('the channel stable never offers a preview, marked or not', async () => {
  await using bench = await start()
  bench.releases.repos.set('dummy/webapp', [release('v2.0.0-rc.1'), release('v1.1.0')])
  const web = await bench.reopen()
  assert.equal(pick(await bench.refreshed(web), 'remote_version').remote_version, 'v1.1.0')
})

test('the channel dev becomes stable with a warning', async () => {
  await using bench = await start({ channel: 'dev' })
  const web = await bench.reopen()
  assert.deepEqual(pick(web.status(), 'channel', 'channel_invalid'), {
    channel: 'stable',
    channel_invalid: true,
  })
  assert.match(
    bench.core.warnings.list().join('\n'),
    /\[update_manager app\]: Invalid value 'dev' for option 'channel'\. Type 'web' supports/,
  )
})

test('the title of a release is not its version', async () => {
  await using bench = await start()
  bench.releases.repos.set('dummy/webapp', [release('v1.1.0', { name: 'The great release' })])
  const web = await bench.reopen()
  assert.equal(pick(await bench.refreshed(web), 'remote_version').remote_version, 'v1.1.0')
})

test('the asset is the one that the installation names', async () => {
  await using bench = await start()
  bench.write('app/release_info.json', info('v1.0.0', { asset_name: 'other.zip' }))
  const other = archive('v1.1.0', { asset_name: 'other.zip' })
  const assets = { 'checksums.txt': Buffer.from('x'), 'web.zip': archive('v1.1.0'), 'other.zip': other }
  bench.releases.repos.set('dummy/webapp', [{ tag: 'v1.1.0', assets }])
  const web = await bench.reopen()
  await bench.refreshed(web)
  assert.equal((await bench.update(web)).error, null)
  assert.match(bench.releases.taken().join(), /download\/dummy\/webapp\/v1\.1\.0\/other\.zip/)
})

const broken: readonly [title: string, asset: Buffer, message: RegExp][] = [
  ['is no archive', Buffer.from('this is no zip'.repeat(500)), /^File is not a zip file$/],
  ['has a link', zipOf([{ name: 'l', content: '/', mode: 0o120777 }]), /neither file nor folder/],
  ['has no release_info.json', zipOf([{ name: 'index.html', content: 'x' }]), /no release_info\.json/],
]
for (const [title, asset, message] of broken) {
  test(`a release that ${title} leaves the running version`, async () => {
    await using bench = await start({ persistent_files: 'config.json' })
    bench.releases.repos.set('dummy/webapp', [{ tag: 'v1.1.0', assets: { 'web.zip': asset } }])
    const web = await bench.reopen()
    await bench.refreshed(web)
    const before = statSync(bench.path('app')).ino
    const { error } = await bench.update(web)
    assert.match(error?.message ?? '', message)
    assert.equal(statSync(bench.path('app')).ino, before)
    assert.deepEqual(bench.files(), ['config.json', 'index.html', 'release_info.json', 'stale.txt'])
    assert.equal(pick(web.status(), 'version', 'is_valid').is_valid, true)
    bench.releases.repos.set('dummy/webapp', [release('v1.1.0')])
    await bench.refreshed(web)
    assert.equal((await bench.update(web)).error, null)
    assert.equal(bench.read('index.html'), 'v1.1.0')
  })
}

test('another content than the digest of the API is not installed', async () => {
  await using bench = await start()
  const web = await bench.reopen()
  await bench.refreshed(web)
  const size = archive('v1.1.0').length
  bench.releases.download = (_, response) =>
    void response.writeHead(200, { 'Content-Length': size }).end(Buffer.alloc(size))
  assert.match((await bench.update(web)).error?.message ?? '', /checksum/)
  assert.equal(bench.read('index.html'), 'v1.0.0')
})

test('another size than that of the API is not installed', async () => {
  await using bench = await start()
  bench.releases.hasDigests = false
  const web = await bench.reopen()
  await bench.refreshed(web)
  bench.releases.download = (_, response) => void response.end('short')
  assert.match((await bench.update(web)).error?.message ?? '', /has 5 bytes/)
})

test('a download that is not there is an error', async () => {
  await using bench = await start()
  const web = await bench.reopen()
  await bench.refreshed(web)
  bench.releases.download = (_, response) => void response.writeHead(404).end()
  const { lines, error } = await bench.update(web)
  assert.equal(error?.message, 'HTTP 404: Not Found')
  assert.deepEqual(lines, ['Web Client app: Updating...', 'Web Client app: Downloading Release...'])
})

test('an update can be cancelled, and its download is resumed later', async () => {
  await using bench = await start()
  const web = await bench.reopen()
  await bench.refreshed(web)
  const cancel = new AbortController()
  bench.releases.download = (_, response) => {
    response.writeHead(200, { 'Content-Length': archive('v1.1.0').length })
    response.write('PK', () => cancel.abort(new Error('cancelled')))
  }
  assert.equal((await bench.update(web, cancel.signal)).error?.message, 'cancelled')
  assert.equal(bench.read('index.html'), 'v1.0.0')
  bench.releases.download = null
  assert.equal((await bench.update(web)).error, null)
  assert.equal(bench.read('index.html'), 'v1.1.0')
})

test('the state survives a restart without requests', async () => {
  await using bench = await start()
  const first = await bench.reopen()
  await bench.refreshed(first)
  const stored = JSON.parse(JSON.stringify(first.stored()))
  bench.releases.taken()
  const second = await bench.reopen()
  second.restore(stored)
  assert.deepEqual(second.status(), first.status())
  assert.deepEqual(bench.releases.taken(), [])
  assert.equal((await bench.update(second)).error, null)
})
