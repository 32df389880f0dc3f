// The server is killed at random moments of a print, while reports fail in every way: Spoolman gets each length once.
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { dataPaths } from '../../../src/core/paths.ts'
import { FakeKlippy } from '../../support/fake-klippy.ts'
import { startServerProcess } from '../../support/server-process.ts'
import { WebClient } from '../../support/web-client.ts'
import { type Failure, FakeSpoolman } from './fake-spoolman.ts'
import { STATUS } from './scene.ts'

const ROUNDS = 3
const FAILURES: readonly (Failure | null)[] = [
  null,
  'drop before',
  'drop after',
  { status: 500, body: 'database locked' },
]

async function startChild(folder: string): Promise<[ChildProcess, WebClient]> {
  const { child, port } = await startServerProcess(folder)
  const client = await WebClient.open(`http://127.0.0.1:${port}`)
  const { result } = await client.call('server.info')
  if (result.klippy_state !== 'ready') await client.notified('notify_klippy_ready')
  return [child, client]
}

test('a killed server loses no filament, and reports none twice', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'spoolman-'))
  await using klippy = await FakeKlippy.start()
  await using spoolman = await FakeSpoolman.start()
  for (const [name, fields] of Object.entries(STATUS)) klippy.change(name, fields)
  const { config, configFile } = dataPaths(folder)
  mkdirSync(config, { recursive: true })
  writeFileSync(
    configFile,
    `[server]\nhost: 127.0.0.1\nport: 0\nssl_port: 0\nklippy_uds_address: ${klippy.path}\n` +
      '[authorization]\ntrusted_clients: 127.0.0.1\n' +
      `[machine]\nprovider: none\n[announcements]\nenable_moonlight: False\n` +
      `[spoolman]\nserver: ${spoolman.url}\nsync_rate: 1\n`,
  )
  let position = 0
  let duration = 0
  /** Extrudes a little, as a print does between two updates. */
  const extrude = () => {
    position += 1
    duration += 0.1
    klippy.pushAll({
      toolhead: { position: [0, 0, 0, position] },
      print_stats: { total_duration: duration },
    })
  }
  let timer: NodeJS.Timeout | undefined
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      const [child, client] = await startChild(folder)
      const exit = once(child, 'exit')
      if (round === 0) {
        await client.call('server.spoolman.post_spool_id', { spool_id: 1 })
        const subscribed = await client.call('printer.objects.subscribe', { objects: { print_stats: null } })
        assert.ok(subscribed.result)
        klippy.push('print_stats', { state: 'printing', filename: 'a.gcode' })
        await client.notified('notify_history_changed')
        timer = setInterval(extrude, 20)
      }
      let reports = 0
      const end = Promise.withResolvers<void>()
      spoolman.failure = ({ method }) => {
        if (method !== 'PUT') return null
        const failure = FAILURES[(round + reports++) % FAILURES.length] ?? null
        if (reports < 2) return failure
        // In the last round between the report and its reply, otherwise around that moment.
        if (round === ROUNDS - 1) setImmediate(end.resolve)
        else setTimeout(end.resolve, Math.random() * 20)
        return round === ROUNDS - 1 ? 'hold after' : failure
      }
      await end.promise
      child.kill('SIGKILL')
      await exit
      client[Symbol.dispose]()
    }
    clearInterval(timer)
    spoolman.failure = () => null
    const [child, client] = await startChild(folder)
    const exit = once(child, 'exit')
    await spoolman.until(() => spoolman.used(1) >= position)
    const { result } = await client.call('server.spoolman.status')
    client[Symbol.dispose]()
    child.kill('SIGKILL')
    await exit
    assert.equal(result.spool_id, 1)
    assert.equal(spoolman.used(1), position)
  } finally {
    clearInterval(timer)
    rmSync(folder, { recursive: true, force: true })
  }
})
