// What the command reports to the service manager that started it.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { NotifySocket } from '../support/notify-socket.ts'
import { serverBundle } from '../support/server-bundle.ts'

/** Where the command finds koffi, which is not part of the bundle. */
const NODE_PATH = fileURLToPath(new URL('../../node_modules', import.meta.url))

test('the command reports that it is ready, that its event loop runs, and that it stops', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'notification-'))
  mkdirSync(join(folder, 'config'))
  writeFileSync(join(folder, 'config', 'moonraker.conf'), '[server]\nhost: 127.0.0.1\nport: 0\nssl_port: 0\n')
  const NOTIFY_SOCKET = join(folder, 'notify')
  using socket = new NotifySocket(NOTIFY_SOCKET)
  const env = { PATH: process.env.PATH, HOME: folder, NODE_PATH, NOTIFY_SOCKET, WATCHDOG_USEC: '3000000' }
  const program = join(await serverBundle(), 'moonraker.cjs')
  const child = spawn(process.execPath, [program, '-d', folder], { env })
  const received: string[] = []
  const receive = (text: string) =>
    new Promise<void>(resolve => {
      const timer = setInterval(() => {
        received.push(...socket.received())
        if (!received.includes(text)) return
        clearInterval(timer)
        resolve()
      }, 20)
    })
  try {
    await receive('READY=1')
    await receive('WATCHDOG=1')
    child.kill('SIGTERM')
    assert.deepEqual(await once(child, 'close'), [0, null])
    received.push(...socket.received())
    assert.equal(received[0], 'READY=1')
    assert.equal(received.at(-1), 'STOPPING=1')
  } finally {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
})
