// Updates from a git server over HTTP that is slow, breaks off, or refuses.
import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { after, test } from 'node:test'
import { GitRepos, publishApp } from '../../support/git-repos.ts'
import { GitServer } from '../../support/git-server.ts'
import { gitUpdater, refreshed, runOf } from './git-bench.ts'

const repos = new GitRepos()
const at = publishApp(repos)
after(() => repos[Symbol.dispose]())

/** A clone three commits behind, from a server of its own. */
async function opened(name: string) {
  const server = await GitServer.start(repos.folder)
  repos.clone('app.git', name, at(137))
  repos.git(name, 'remote', 'set-url', 'origin', server.url('app.git'))
  repos.git(name, 'update-ref', '-d', 'refs/remotes/origin/feature')
  forgetNewer(name)
  const updater = gitUpdater(repos.path(name))
  return { server, updater, head: () => repos.git(name, 'rev-parse', 'HEAD') }
}

/** Removes the newer commits from a clone: they must come over the network. */
function forgetNewer(name: string): void {
  repos.git(name, 'update-ref', 'refs/remotes/origin/master', at(137))
  repos.git(name, 'tag', '--delete', 'v2.0.0-alpha.3')
  repos.git(name, 'reflog', 'expire', '--expire=now', '--all')
  repos.git(name, 'gc', '--quiet', '--prune=now')
}

const isPack = ({ method, url = '' }: IncomingMessage) =>
  method === 'POST' && url.endsWith('/git-upload-pack')

test('an update over a slow connection', async () => {
  const { server, updater, head } = await opened('slow')
  await using _ = server
  server.failure = () => ({ delay: 20 })
  const status = await refreshed(updater)
  assert.deepEqual([status.is_valid, status.commits_behind_count], [true, 3])
  assert.equal((await runOf(run => updater.update(run))).error, null)
  assert.equal(head(), at(140))
  assert.ok(server.requests.some(line => line.startsWith('POST ')))
})

test('a transfer that breaks off is repeated', async () => {
  const { server, updater, head } = await opened('broken')
  await using _ = server
  // The state of before: the transfer is that of the update.
  updater.restore(await storedBehind('broken'))
  let packs = 0
  server.failure = request => {
    if (!isPack(request)) return null
    packs += 1
    return packs === 2 ? { cutAfter: 300 } : null
  }
  const { error, lines } = await runOf(run => updater.update(run))
  assert.equal(error, null, lines.join('\n'))
  assert.ok(packs > 2, `${packs}`)
  assert.equal(head(), at(140))
  assert.equal(repos.git('broken', 'fsck', '--no-dangling'), '')
})

/** The stored state of a clone that knows of a newer commit. */
async function storedBehind(name: string) {
  const updater = gitUpdater(repos.path(name))
  const status = await refreshed(updater)
  assert.equal(status.commits_behind_count, 3)
  forgetNewer(name)
  return updater.stored()
}

for (const [title, failure] of [
  ['breaks off every time', { cutAfter: 300 }],
  ['refuses with an error', { status: 503 }],
] as const)
  test(`a server that ${title} leaves the repository as it was`, async () => {
    const name = title.replaceAll(' ', '-')
    const { server, updater, head } = await opened(name)
    await using _ = server
    updater.restore(await storedBehind(name))
    server.failure = request => (isPack(request) ? failure : null)
    const { error, lines } = await runOf(run => updater.update(run))
    assert.equal(error, "Git Command 'fetch origin --prune --progress' failed")
    assert.ok(
      lines.some(line => /^(fatal|error): /.test(line)),
      lines.join('\n'),
    )
    assert.equal(head(), at(137))
    assert.equal(repos.git(name, 'status', '--porcelain'), '')
    assert.equal(repos.git(name, 'fsck', '--no-dangling'), '')
  })
