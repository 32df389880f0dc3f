// Kills a server and what it has started while it updates and rolls back a front-end, a program in an archive, an
// executable and a Python package: afterwards each is the old or the new version, whole, files of the user are there, and an
// update can be run again. KILL_ROUNDS=300 runs more rounds.
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { ReleaseServer } from '../../support/release-server.ts'
import { Installations, NAMES, type Name } from './installations.ts'

const ROUNDS = Number(process.env.KILL_ROUNDS ?? 1)
/** Milliseconds of an update before one was measured. */
const FIRST_GUESS = 400

test(`killed ${ROUNDS} times`, async () => {
  await using releases = await ReleaseServer.start()
  releases.quota = { ...releases.quota, remaining: 1_000_000 }
  await using bench = new Installations(releases)
  bench.publish('1.0.0')
  const milliseconds = new Map<Name, number>()
  let client = await bench.start()
  for (let round = 0; round < ROUNDS; round += 1) {
    const name = NAMES[round % NAMES.length] as Name
    const [before, next] = [bench.wholeVersion(name), `1.0.${round + 1}`]
    // Every third time it is the way back to the version of before that is interrupted.
    const isRollback = round % 12 >= 8 && before !== '1.0.0'
    bench.publish(next)
    await client.call('machine.update.refresh')
    const method = isRollback ? 'machine.update.rollback' : 'machine.update.client'
    const ended = client.call(method, { name })
    await Promise.race([setTimeout(randomInt(milliseconds.get(name) ?? FIRST_GUESS)), ended])
    await bench.kill()
    client[Symbol.dispose]()
    client = await bench.start()
    const state = `round ${round}, ${method} of ${name} from ${before}`
    const version = bench.wholeVersion(name)
    if (!isRollback) assert.ok([before, next].includes(version), `${state} is at ${version}`)
    const isNew = version === next
    const startedAt = performance.now()
    const { result, error } = await client.call('machine.update.client', { name })
    if (!isNew) milliseconds.set(name, Math.ceil(performance.now() - startedAt))
    assert.equal(result, 'ok', `${state}: ${error?.message}`)
    assert.equal(bench.wholeVersion(name), next, state)
  }
  client[Symbol.dispose]()
})
