// A repository that has moved: the web server of the previous URL redirects to the official one.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { assertAsRecorded } from '../../recordings/update-states.ts'
import { GitRepos, publishApp } from '../../support/git-repos.ts'
import { sendRequest } from '../../support/raw-http.ts'
import { startRig } from '../../support/rig.ts'
import { type Frame, WebClient } from '../../support/web-client.ts'

/** Serves the files of `app.git` at /new/app.git, and redirects the pages below /old to those below /new. */
function serve(repos: GitRepos) {
  return ({ url = '' }: IncomingMessage, res: ServerResponse) => {
    const { pathname } = new URL(url, 'http://host')
    const [, where, ...rest] = pathname.split('/')
    if (where === 'old' && !pathname.includes('.git')) {
      return res.writeHead(301, { Location: ['', 'new', ...rest].join('/') }).end()
    }
    if (pathname === '/new/app') return res.end('<html>app</html>')
    try {
      if (where !== 'new') throw new Error('not found')
      return res.end(readFileSync(repos.path(rest.join('/'))))
    } catch {
      return res.writeHead(404).end()
    }
  }
}

for (const { title, previous, name, isValid } of [
  { title: 'the official URL takes its place', previous: 'app', name: 'app', isValid: true },
  {
    title: 'a redirect to another repository changes nothing',
    previous: 'thing',
    name: 'app',
    isValid: false,
  },
])
  test(title, async () => {
    using repos = new GitRepos()
    const at = publishApp(repos)
    repos.git('app.git', 'update-server-info')
    repos.clone('app.git', 'clone', at(138))
    const web = createServer(serve(repos)).listen(0, '127.0.0.1')
    await once(web, 'listening')
    const base = `http://127.0.0.1:${(web.address() as AddressInfo).port}`
    const before = `${base}/old/${previous}.git`
    repos.git('clone', 'remote', 'set-url', 'origin', before)
    const section = `[update_manager app]\ntype: git_repo\nis_system_service: False\norigin: ${base}/new/${name}.git\n`
    await using rig = await startRig({
      printer: 'none',
      conf: `[update_manager]\nenable_system_updates: False\n${section}path: ${repos.path('clone')}\n`,
    })
    using client = await WebClient.open(rig.url)
    const { error } = await client.call('machine.update.refresh')
    if (error !== undefined) await client.find(({ method }: Frame) => method === 'notify_update_refreshed')
    const { json } = await sendRequest(rig.port, '/machine/update/status')
    const { is_valid, remote_url, version, anomalies } = json.result.version_info.app
    const { json: info } = await sendRequest(rig.port, '/server/info')
    const hasWarning = info.result.warnings.some((text: string) =>
      text.includes("'moved_origin'option. Expected: "),
    )
    assert.deepEqual([is_valid, hasWarning], [isValid, isValid])
    assert.equal(remote_url, isValid ? `${base}/new/app.git` : before)
    assert.equal(version, isValid ? 'v2.0.0-alpha.3-8' : '?')
    assert.deepEqual(anomalies, isValid ? [] : [`Unofficial remote url: ${before}`])
    // The messages contain the URL.
    const differing = isValid ? [] : ['git_messages']
    assertAsRecorded(isValid ? 'moved' : 'movedno', json.result.version_info.app, differing)
    web.closeAllConnections()
    web.close()
  })
