// A server in a process of its own, which tests kill during updates.
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { setTimeout } from 'node:timers/promises'
import { startServerProcess } from '../../support/server-process.ts'
import { WebClient } from '../../support/web-client.ts'

/**
 * Starts a server for the data folder; resolves when it has repaired what it found. `started` receives the process at
 * once, `env` is added to the environment.
 */
export async function startRepaired(
  data: string,
  started: (child: ChildProcess) => void,
  env: Readonly<Record<string, string>> = {},
): Promise<WebClient> {
  const { port } = await startServerProcess(data, { started, env })
  const client = await WebClient.open(`http://127.0.0.1:${port}`)
  for (;;) {
    const { error } = await client.call('machine.update.refresh')
    if (error === undefined) return client
    assert.equal(error.code, 503, error.message)
    await setTimeout(5)
  }
}
