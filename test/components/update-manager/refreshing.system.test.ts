// When entries are refreshed without a request, and where the requests go: hours, intervals, mirrors, and the token.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { RefreshSchedule } from '../../../src/components/update-manager/refresh-schedule.ts'
import { nextIteration } from '../../../src/core/work-budget.ts'
import { GitRepos, publishApp } from '../../support/git-repos.ts'
import { HandClock } from '../../support/hand-clock.ts'
import { ReleaseServer } from '../../support/release-server.ts'
import { startRig } from '../../support/rig.ts'
import { WebClient } from '../../support/web-client.ts'

const hourOf = (clock: HandClock) => new Date(clock.now() * 1000).getHours()

test('the schedule has its hours, also over midnight, and no fixed minute', () => {
  for (const [from, until] of [
    [8, 12],
    [22, 3],
  ] as const) {
    const clock = new HandClock()
    const hours: number[] = []
    const schedule = new RefreshSchedule(clock, [from, until], () => void hours.push(hourOf(clock)))
    schedule.start()
    for (let look = 0; look < 100; look += 1) {
      const [wait = 0] = clock.waits()
      assert.ok(wait >= 3600 && wait <= 4500, String(wait))
      clock.pass(wait)
    }
    assert.ok(hours.length >= 10)
    const isInside = (hour: number) =>
      from < until ? hour >= from && hour < until : hour >= from || hour < until
    assert.deepEqual(
      hours.filter(hour => !isInside(hour)),
      [],
    )
    schedule.stop()
    assert.deepEqual(clock.waits(), [])
  }
})

/** A front-end for releases of dummy/page. */
function installPage(): { readonly path: string } & Disposable {
  const folder = mkdtempSync(join(tmpdir(), 'page-'))
  const path = join(folder, 'page')
  mkdirSync(path)
  const info = { project_name: 'page', project_owner: 'dummy', version: 'v1.0.0' }
  writeFileSync(join(path, 'release_info.json'), JSON.stringify(info))
  return { path, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) }
}

test('an entry is refreshed at the end of its interval', async () => {
  await using releases = await ReleaseServer.start()
  releases.repos.set('dummy/page', [{ tag: 'v1.1.0', assets: { 'page.zip': Buffer.from('') } }])
  using page = installPage()
  const clock = new HandClock()
  const hour = hourOf(clock)
  await using rig = await startRig({
    printer: 'none',
    clock,
    conf:
      `[update_manager]\nenable_system_updates: False\nenable_auto_refresh: True\nrefresh_interval: 2\n` +
      `refresh_window: ${hour}-${(hour + 10) % 24}\nrelease_api: ${releases.url}\n` +
      `[update_manager page]\ntype: web\nrepo: dummy/page\npath: ${page.path}\n`,
  })
  using client = await WebClient.open(rig.url)
  // A refresh is refused until the one of the start has ended.
  while ((await client.call('machine.update.refresh')).error !== undefined) await nextIteration()
  const { length } = releases.requests
  // Each look is at most 75 minutes after the one before.
  clock.pass(1.5 * 3600)
  for (let count = 0; count < 50; count += 1) await nextIteration()
  assert.equal(releases.requests.length, length)
  clock.pass(1.1 * 3600)
  while (releases.requests.length === length) await nextIteration()
})

test('repositories come from the mirror, and requests to the release API have the token', async () => {
  await using releases = await ReleaseServer.start()
  releases.repos.set('dummy/page', [{ tag: 'v1.1.0', assets: { 'page.zip': Buffer.from('') } }])
  using page = installPage()
  using repos = new GitRepos()
  const at = publishApp(repos)
  repos.git('app.git', 'update-server-info')
  repos.clone('app.git', 'clone', at(138))
  repos.git('clone', 'remote', 'set-url', 'origin', 'https://github.com/dummy/app.git')
  const mirror = createServer(({ url = '' }, res) => {
    const { pathname } = new URL(url, 'http://host')
    try {
      res.end(readFileSync(repos.path(pathname.replace('/mirror/dummy/', ''))))
    } catch {
      res.writeHead(404).end()
    }
  }).listen(0, '127.0.0.1')
  await once(mirror, 'listening')
  await using rig = await startRig({
    printer: 'none',
    conf:
      `[update_manager]\nenable_system_updates: False\nrelease_api: ${releases.url}\ngithub_token: letmein\n` +
      `git_mirror: http://127.0.0.1:${(mirror.address() as AddressInfo).port}/mirror/\n` +
      `[update_manager app]\ntype: git_repo\nis_system_service: False\norigin: https://github.com/dummy/app.git\n` +
      `path: ${repos.path('clone')}\n[update_manager page]\ntype: web\nrepo: dummy/page\npath: ${page.path}\n`,
  })
  using client = await WebClient.open(rig.url)
  const { error } = await client.call('machine.update.refresh')
  if (error !== undefined) await client.notified('notify_update_refreshed')
  const { result } = await client.call('machine.update.status')
  const { app } = result.version_info
  assert.deepEqual([app.is_valid, app.commits_behind_count], [true, 2])
  assert.equal(app.remote_url, 'https://github.com/dummy/app.git')
  assert.deepEqual(app.anomalies, [])
  assert.equal(result.version_info.page.remote_version, 'v1.1.0')
  assert.equal(releases.requests[0]?.headers.authorization, 'Bearer letmein')
  mirror.closeAllConnections()
  mirror.close()
})
