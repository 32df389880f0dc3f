// The server process after errors that no code handles, without free file descriptors, and on a full disk.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { sendRequest } from '../support/raw-http.ts'
import { serverBundle } from '../support/server-bundle.ts'
import { WebClient } from '../support/web-client.ts'

const MAIN = join(await serverBundle(), 'moonraker.cjs')
const CONF =
  '[server]\nhost: 127.0.0.1\nport: 0\nklippy_uds_address: {data_path}/none.sock\n[authorization]\ntrusted_clients: 127.0.0.1\n[machine]\nprovider: none\n[announcements]\nenable_moonlight: False\n'

/** A server in a process of its own, and in a folder of its own. */
class Program implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'failures-'))
  readonly process: ChildProcess
  out = ''
  #notify: () => void = () => undefined

  /** `limits` is a shell command that runs before it. */
  constructor({
    limits = 'true',
    node = [],
    args = [],
  }: { limits?: string; node?: string[]; args?: string[] }) {
    mkdirSync(join(this.folder, 'config'))
    writeFileSync(join(this.folder, 'config', 'moonraker.conf'), CONF)
    const command = [process.execPath, ...node, MAIN, '-d', this.folder, ...args]
    const { PATH, NODE_COMPILE_CACHE } = process.env
    const env = { PATH, NODE_COMPILE_CACHE, HOME: this.folder }
    this.process = spawn('sh', ['-c', `${limits}; exec "$@"`, 'sh', ...command], { env })
    for (const output of [this.process.stdout, this.process.stderr]) {
      output?.on('data', text => {
        this.out += text
        this.#notify()
      })
    }
    this.process.on('close', () => this.#notify())
  }

  /** Resolves with the first match in its output. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.out)
      if (found !== null) return found
      assert.equal(this.process.exitCode ?? this.process.signalCode, null, `it ended: ${this.out}`)
      await new Promise<void>(resolve => {
        this.#notify = resolve
      })
    }
  }

  async port(): Promise<number> {
    return Number((await this.printed(/is up: http:\/\/[^:]+:(\d+)/))[1])
  }

  get log(): string {
    return readFileSync(join(this.folder, 'logs', 'moonraker.log'), 'utf8')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      this.process.kill('SIGKILL')
      await once(this.process, 'close')
    }
    rmSync(this.folder, { recursive: true, force: true })
  }
}

test('a promise that is rejected without a handler is logged, and the server continues', async () => {
  const rejects = "process.on('SIGUSR2', () => Promise.reject(new Error('from a forgotten promise')))"
  await using program = new Program({ node: ['--import', `data:text/javascript,${rejects}`] })
  const port = await program.port()
  program.process.kill('SIGUSR2')
  await program.printed(/ERROR {3}unhandled rejection: Error: from a forgotten promise\n\s+at /)
  assert.equal((await sendRequest(port, '/server/info')).status, 200)
  assert.match(program.log, /unhandled rejection: Error: from a forgotten promise/)
})

test('a log file on a full disk is reported once, and the server works', {
  skip: !existsSync('/dev/full'),
}, async () => {
  await using program = new Program({ args: ['-l', '/dev/full', '-v'] })
  const port = await program.port()
  for (let count = 0; count < 3; count += 1)
    assert.equal((await sendRequest(port, '/server/info')).status, 200)
  using _ = await WebClient.open(`http://127.0.0.1:${port}`)
  await program.printed(/WebSocket \d+ opened/)
  assert.equal(program.out.match(/cannot write the log file \/dev\/full: ENOSPC/g)?.length, 1)
})

/** Opens connections until the server has no file descriptor left for one. */
async function exhaust(port: number): Promise<Socket[]> {
  const open = Array.from({ length: 150 }, () => connect(port, '127.0.0.1'))
  await new Promise<void>(resolve => {
    for (const socket of open) socket.on('error', () => undefined).on('close', () => resolve())
  })
  return open
}

test('without free file descriptors connections, database and log survive', async () => {
  await using program = new Program({ limits: 'ulimit -n 100', args: ['-v'] })
  const port = await program.port()
  using client = await WebClient.open(`http://127.0.0.1:${port}`)
  const sockets = await exhaust(port)
  assert.ok((await client.call('server.info')).result)
  const identity = { client_name: 'one', version: '1', type: 'other', url: 'http://test' }
  assert.ok((await client.call('server.connection.identify', identity)).result)
  await program.printed(/cannot write the log file .*: EMFILE/)
  const item = { namespace: 'mine', key: 'a', value: 1 }
  assert.deepEqual((await client.call('server.database.post_item', item)).result, item)
  const { error } = await client.call('server.database.post_backup', { filename: 'a.db' })
  assert.deepEqual([error.code, error.message], [500, 'The database failed: unable to open database file'])
  for (const socket of sockets) socket.destroy()
  while (!/WebSocket \d+ closed/.test(program.log)) {
    const another = await WebClient.open(`http://127.0.0.1:${port}`).catch(() => null)
    another?.[Symbol.dispose]()
    await new Promise(setImmediate)
  }
  assert.equal((await sendRequest(port, '/server/info')).status, 200)
  assert.ok((await client.call('server.database.post_backup', { filename: 'a.db' })).result)
})
