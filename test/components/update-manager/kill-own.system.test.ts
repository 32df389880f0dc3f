// Kills this server while it updates itself and rolls back: the service manager starts the old or the new version, whole, and
// an update can be run again. KILL_ROUNDS=300 runs more rounds.
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { ReleaseServer } from '../../support/release-server.ts'
import { fakePrograms } from '../machine/fake-programs.ts'
import { OwnServerBench, ownVersion, SYSTEMD_RUN } from './own-server-bench.ts'

const ROUNDS = Number(process.env.KILL_ROUNDS ?? 1)
/** Files of which each version has its own. */
const FILES = Array.from({ length: 100 }, (_, number) => `dist/versions/${number}`)

test(`killed ${ROUNDS} times`, { timeout: 60_000 + ROUNDS * 30_000 }, async () => {
  using _ = fakePrograms({ systemctl: '', 'systemd-run': SYSTEMD_RUN })
  await using releases = await ReleaseServer.start()
  releases.quota = { ...releases.quota, remaining: 1_000_000 }
  await using bench = await OwnServerBench.start({
    releases,
    guardSeconds: 60,
    prepare: root => {
      mkdirSync(join(root, 'dist/versions'))
      for (const name of FILES) writeFileSync(join(root, name), 'v1.0.0')
    },
  })
  /** The version of the server, all of whose files are of that version. */
  const wholeVersion = () => {
    const read = (name: string) => readFileSync(join(bench.root, name), 'utf8')
    const { version } = JSON.parse(read('release_info.json'))
    for (const name of FILES) assert.equal(read(name), version, name)
    assert.equal(read('node_modules/koffi/kept'), 'mine')
    return version
  }
  let client = await bench.client()
  const restarted = async () => {
    client[Symbol.dispose]()
    bench.restart()
    client = await bench.client()
  }
  let milliseconds = 1000
  for (let round = 1; round <= ROUNDS; round += 1) {
    const before = wholeVersion()
    const next = `v1.0.${round}`
    const archive = bench.archive(next, Object.fromEntries(FILES.map(name => [name, next])))
    releases.repos.set('dummy/moonraker-ts', [{ tag: next, assets: { 'moonraker-ts.zip': archive } }])
    await client.call('machine.update.refresh')
    // Every third time it is the way back that is interrupted.
    const method = round % 3 === 0 ? 'rollback' : 'client'
    const ended = client.call(`machine.update.${method}`, { name: 'moonraker' })
    await Promise.race([setTimeout(randomInt(milliseconds)), ended])
    await restarted()
    const state = `round ${round}, ${method} from ${before}`
    const version = wholeVersion()
    if (method === 'client') assert.ok([before, next].includes(version), `${state} is at ${version}`)
    assert.equal(await ownVersion(client), version, state)
    const startedAt = performance.now()
    const { result, error } = await client.call('machine.update.moonraker')
    if (version !== next) milliseconds = Math.ceil(performance.now() - startedAt)
    assert.equal(result, 'ok', `${state}: ${error?.message}`)
    await restarted()
    assert.deepEqual([wholeVersion(), await ownVersion(client)], [next, next], state)
  }
  client[Symbol.dispose]()
})
