// The recorded refreshes, updates and rollbacks of front-ends and programs, from a release server of the test. How often the
// progress of a download is reported depends on the network, and is not compared. The update of a program with packages is
// in update-system.test.ts.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { type Answer, ReleaseServer, type TestRelease } from '../support/release-server.ts'
import { RestartableServer } from '../support/restartable-server.ts'
import { zipOf } from '../support/zip-of.ts'
import { absentRecording, assertStatus, loadUpdates, refresh, replay } from './update-recording.ts'

const RECORDING = 'upd_net'

const FROM_DISK = 'returns to the previous version without the network'
/** What is better than recorded. */
const IMPROVED: Readonly<Record<string, string>> = {
  rollback_web: FROM_DISK,
  rollback_asset: FROM_DISK,
  rollback_zip: FROM_DISK,
  rollback_exe: FROM_DISK,
  update_newer_is_downgrade: 'an older release is no update',
  update_after_bad_zip: 'the installation is as before the damaged archive',
}
/** Fields of states that are better: the version is the tag, what the API sends is an error, an archive destroys nothing. */
const IMPROVED_STATES: Readonly<Record<string, readonly string[]>> = {
  webname: ['remote_version'],
  webnullname: ['remote_version'],
  status_of_webname: ['remote_version'],
  status_of_webnullname: ['remote_version'],
  refresh_after_bad_zip: ['is_valid', 'warnings'],
  'status_of_webapp 3': ['last_error'],
  'status_of_webbad 2': ['is_valid', 'warnings'],
}

/** How the server of the releases answers during a request. */
const ANSWERS: Readonly<Record<string, { readonly api?: Answer; readonly download?: Answer }>> = {
  refresh_500: { api: (_, response) => void response.writeHead(500).end() },
  refresh_drop: { api: request => void request.socket.destroy() },
  'status_of_webapp 3': { api: (_, response) => void response.end('{no JSON') },
  update_dl_404: { download: (_, response) => void response.writeHead(404).end() },
  update_dl_drop: { download: request => void request.socket.destroy() },
  refresh_403: {
    api: (_, response) => {
      const limit = {
        'X-RateLimit-Limit': 60,
        'X-RateLimit-Remaining': 0,
        'X-RateLimit-Reset': 4_000_000_000,
      }
      response.writeHead(403, limit).end()
    },
  },
}

const info = (repo: string, version: string, more: object = {}) => {
  const [project_owner, project_name] = repo.split('/')
  return JSON.stringify({ project_name, project_owner, version, ...more })
}
const WEB = { 'release_info.json': info('dummy/webapp', 'v1.0.0'), 'index.html': 'old' }

/** An installation: type, options and files. */
interface Entry {
  readonly type?: string
  readonly repo?: string
  readonly more?: string
  readonly path?: string
  readonly files: Readonly<Record<string, string>>
}

const webOf = (repo: string): Entry => ({
  repo,
  files: { 'release_info.json': info(repo, 'v1.0.0'), 'index.html': 'old' },
})
const exe = (more: object, files: Readonly<Record<string, string>>): Entry => ({
  type: 'executable',
  repo: 'dummy/exeapp',
  more: 'is_system_service: False\n',
  files: { 'release_info.json': info('dummy/exeapp', 'v1.0.0', more), 'other.txt': 'keep', ...files },
})
const TOOL = { asset_name: 'tool-linux' }

const ENTRIES: Readonly<Record<string, Entry>> = {
  webapp: { more: 'info_tags:\n  desc=Web\n', files: WEB },
  webbeta: { more: 'channel: beta\n', files: WEB },
  webdev: { more: 'channel: dev\n', files: WEB },
  webbad: webOf('dummy/badzip'),
  webnoassets: webOf('dummy/noassets'),
  webname: webOf('dummy/named'),
  webnullname: webOf('dummy/nullname'),
  webnewer: { files: { ...WEB, 'release_info.json': info('dummy/webapp', 'v9.9.9') } },
  webasset: {
    files: { ...WEB, 'release_info.json': info('dummy/webapp', 'v1.0.0', { asset_name: 'other.zip' }) },
  },
  webassetmissing: {
    files: { ...WEB, 'release_info.json': info('dummy/webapp', 'v1.0.0', { asset_name: 'none.zip' }) },
  },
  webmismatch: { files: { ...WEB, 'release_info.json': info('Some/Thing', 'v1.0.0') } },
  web404: webOf('dummy/missing'),
  webversiononly: { files: { '.version': 'v1.0.0\n' } },
  webempty: { files: {} },
  webbadjson: { files: { 'release_info.json': '{' } },
  webincomplete: { files: { 'release_info.json': '{"version":"v1.0.0"}' } },
  webfallback: { files: { '.version': 'v2.0.1\n', 'manifest.json': '{"name":"Mainsail"}' } },
  webfluidd: {
    repo: 'fluidd-core/fluidd',
    files: { '.version': 'v1.1\n', 'manifest.webmanifest': '{"name":"fluidd"}' },
  },
  zipapp: { ...webOf('dummy/zipapp'), type: 'zip', more: 'is_system_service: False\n' },
  zipnoinfo: { type: 'zip', repo: 'dummy/zipapp', more: 'is_system_service: False\n', files: { a: 'b' } },
  exeapp: exe(TOOL, { 'tool-linux': 'old' }),
  exenoasset: exe({}, {}),
  exemissing: exe(TOOL, {}),
  webnorollback: { files: WEB },
}

const archive = (repo: string, version: string) =>
  zipOf([
    { name: 'release_info.json', content: info(repo, version) },
    { name: 'index.html', content: version },
  ])

/** The releases of a repository, each with its archive. */
function releasesOf(repo: string): TestRelease[] {
  const release = (tag: string, more: Partial<TestRelease> = {}): TestRelease => {
    const zip = archive(repo, tag)
    return { tag, assets: { 'web.zip': zip, 'other.zip': zip }, ...more }
  }
  return [release('v1.2.0-beta.1', { prerelease: true }), release('v1.1.0'), release('v1.0.0')]
}

function publish({ repos }: ReleaseServer): void {
  for (const repo of ['dummy/webapp', 'Some/Thing', 'dummy/zipapp']) repos.set(repo, releasesOf(repo))
  repos.set('dummy/badzip', [{ tag: 'v1.1.0', assets: { 'web.zip': Buffer.from('no zip '.repeat(500)) } }])
  repos.set('dummy/noassets', [{ tag: 'v1.1.0', assets: {} }])
  for (const [repo, name] of [
    ['dummy/named', 'Release 1.1'],
    ['dummy/nullname', null],
  ] as const)
    repos.set(repo, [{ tag: 'v1.1.0', name, assets: { 'web.zip': archive('dummy/webapp', 'v1.1.0') } }])
  repos.set('mainsail-crew/mainsail', [{ tag: 'v2.1.0', assets: {} }])
  const tool = (version: string) => ({ 'tool-linux': Buffer.from(version) })
  repos.set('dummy/exeapp', [
    { tag: 'v1.1.0', assets: tool('v1.1.0') },
    { tag: 'v1.0.0', assets: tool('v1.0.0') },
  ])
}

/** Requests of the recording that were not handed out. */
const BEFORE: Readonly<Record<string, readonly [method: string, name: string]>> = {
  'status_of_webapp 3': ['refresh', 'webapp'],
  'status_of_webapp 4': ['refresh', 'webapp'],
  'status_of_webapp 5': ['client', 'webapp'],
  'status_of_exeapp 1': ['client', 'exeapp'],
}

test('front-ends and programs are updated as recorded', { skip: absentRecording(RECORDING) }, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'update-releases-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  await using releases = await ReleaseServer.start()
  releases.quota = { ...releases.quota, remaining: 1000 }
  publish(releases)
  const sections = Object.entries(ENTRIES).map(
    ([name, { type = 'web', repo = 'dummy/webapp', more = '', files }]) => {
      mkdirSync(join(folder, name))
      for (const [file, content] of Object.entries(files)) {
        mkdirSync(dirname(join(folder, name, file)), { recursive: true })
        writeFileSync(join(folder, name, file), content, { mode: 0o755 })
      }
      return `[update_manager ${name}]\ntype: ${type}\nrepo: ${repo}\npath: ${join(folder, name)}\n${more}`
    },
  )
  const general = `[update_manager]\nenable_system_updates: False\nrelease_api: ${releases.url}\n`
  await using server = await RestartableServer.start({ conf: general + sections.join('') })
  const client = await server.client()
  await refresh(client)
  const statuses = async () => (await client.call('machine.update.status')).result.version_info

  const seen = new Map<string, number>()
  for (const recorded of loadUpdates(RECORDING)) {
    const { name, request, response } = recorded
    const times = (seen.get(name) ?? 0) + 1
    seen.set(name, times)
    const key = name.startsWith('status_of_') ? `${name} ${times}` : name
    const { api = null, download = null } = ANSWERS[key] ?? {}
    Object.assign(releases, { api, download })
    const [method, entry] = BEFORE[key] ?? []
    if (method !== undefined) await client.call(`machine.update.${method}`, { name: entry })
    const improved = IMPROVED_STATES[key] ?? IMPROVED_STATES[name]
    // With the previous version on the disk it needs no request.
    if (name === 'rollback_limit_reached') rmSync(join(folder, '.webbeta.update'), { recursive: true })
    if (name === 'status_all') {
      const [present, before] = [await statuses(), response.result.version_info]
      for (const entry of Object.keys(ENTRIES))
        await t.test(`${name}: ${entry}`, () =>
          assertStatus(present[entry], before[entry], IMPROVED_STATES[entry]),
        )
    } else if (name.startsWith('status_of_')) {
      const present = await statuses()
      await t.test(key, () => assertStatus(present[name.slice('status_of_'.length)], response, improved))
    } else if (request !== undefined && name !== 'update_zip')
      await replay(t, client, recorded, IMPROVED[name], improved)
  }
})
