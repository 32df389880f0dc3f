// A server in a process of its own, which tests kill during updates.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { WebClient } from '../../support/web-client.ts'

const SERVER = fileURLToPath(new URL('../../support/crash-server.ts', import.meta.url))

/**
 * Starts a server for the data folder; resolves when it has repaired what it found. `started` receives the process at
 * once. `klippy` is the path of a socket that does not exist; `env` is added to the environment.
 */
export async function startRepaired(
  data: string,
  klippy: string,
  started: (child: ChildProcess) => void,
  env: Readonly<Record<string, string>> = {},
): Promise<WebClient> {
  const child = spawn(process.execPath, [SERVER, data, klippy], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  })
  started(child)
  const [line] = await once(child.stdout, 'data')
  const client = await WebClient.open(`http://127.0.0.1:${Number(String(line))}`)
  for (;;) {
    const { error } = await client.call('machine.update.refresh')
    if (error === undefined) return client
    assert.equal(error.code, 503, error.message)
    await setTimeout(5)
  }
}
