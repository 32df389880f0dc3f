// The server as a process: how it starts, what it prints, how it ends.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { PACKAGE_VERSION } from '../../src/core/version.ts'
import { postJson, sendRequest } from '../support/raw-http.ts'
import { serverBundle } from '../support/server-bundle.ts'
import { WebClient } from '../support/web-client.ts'

const MAIN = join(await serverBundle(), 'moonraker.cjs')

const CONF =
  '[server]\nhost: 127.0.0.1\nport: 0\nklippy_uds_address: {data_path}/none.sock\n[authorization]\ntrusted_clients: 127.0.0.1\n'

class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'main-'))

  constructor(conf: string | null = CONF) {
    if (conf !== null) this.write('config/moonraker.conf', conf)
  }

  at(name: string): string {
    return join(this.path, name)
  }

  write(name: string, text: string): void {
    mkdirSync(join(this.at(name), '..'), { recursive: true })
    writeFileSync(this.at(name), text)
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}

/** A running process with its output. */
class Run implements AsyncDisposable {
  readonly process: ChildProcess
  readonly ended: Promise<number | null>
  out = ''
  err = ''
  #notify = () => {}

  constructor(...args: string[]) {
    const env = { PATH: process.env.PATH, HOME: tmpdir() }
    this.process = spawn(process.execPath, [MAIN, ...args], { env })
    this.process.stdout?.on('data', text => {
      this.out += text
      this.#notify()
    })
    this.process.stderr?.on('data', text => {
      this.err += text
    })
    this.ended = once(this.process, 'close').then(([code]) => {
      this.#notify()
      return code
    })
  }

  /** Resolves with the port once the server has printed its address `times` times. */
  async up(times = 1): Promise<number> {
    for (;;) {
      const starts = [...this.out.matchAll(/is up: http:\/\/[^:]+:(\d+)/g)]
      if (starts.length >= times) return Number(starts.at(-1)?.[1])
      assert.equal(this.process.exitCode, null, `it ended: ${this.out}${this.err}`)
      await new Promise<void>(resolve => {
        this.#notify = resolve
      })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill('SIGKILL')
    await this.ended
  }
}

/** Runs the command, which must fail with an error of one line. Returns this line. */
async function failure(...args: string[]): Promise<string> {
  await using run = new Run(...args)
  assert.equal(await run.ended, 1, run.out)
  assert.match(run.err, /^moonraker-ts: [^\n]+\n$/)
  return run.err
}

// Most of the time goes into starting processes: two at a time.
describe('the command', { concurrency: 2 }, () => {
  test('help and version are printed, and nothing is started', async () => {
    await using help = new Run('--help')
    await using version = new Run('--version')
    assert.deepEqual([await help.ended, await version.ended], [0, 0])
    assert.match(help.out, /^moonraker-ts: an API server/)
    assert.match(version.out, new RegExp(`^moonraker-ts ${PACKAGE_VERSION.replaceAll('.', '\\.')} \\(v0\\.`))
    assert.deepEqual([help.err, version.err], ['', ''])
  })

  test('an unknown option is an error of one line', async () => {
    assert.match(await failure('--nosuch'), /--nosuch.*--help/)
  })

  test('an empty data folder gets a first configuration', async () => {
    using folder = new Folder(null)
    // This makes the start fail before the server listens on all addresses.
    folder.write('data/database', 'x')
    await using run = new Run('-d', folder.at('data'))
    assert.equal(await run.ended, 1)
    assert.match(run.out, /wrote a first configuration to .*data\/config\/moonraker\.conf/)
    const text = readFileSync(folder.at('data/config/moonraker.conf'), 'utf8')
    assert.match(text, /^\[server\]$/m)
    assert.match(text, /trusted_clients:\n {4}127\.0\.0\.0\/8/)
  })

  test('SIGTERM and Ctrl-C close WebSockets with 1001 and end the process with 0', async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      using folder = new Folder()
      await using run = new Run('-d', folder.path)
      const port = await run.up()
      assert.match(run.out, /data folder {2}.*main-/)
      assert.match(run.out, /curl -F file=@model\.gcode/)
      using client = await WebClient.open(`http://127.0.0.1:${port}`)
      run.process.kill(signal)
      assert.equal((await client.closed).code, 1001)
      assert.equal(await run.ended, 0)
      assert.equal(run.err, '')
      assert.ok(!existsSync(folder.at('comms/moonraker.sock')))
      const [, last] = readFileSync(folder.at('logs/moonraker.log'), 'utf8').split(/INFO +stopping\n/)
      assert.ok(last !== undefined)
      assert.doesNotMatch(last, /WARNING|ERROR/)
    }
  })

  test('a closed terminal does not end the server', async () => {
    using folder = new Folder()
    await using run = new Run('-d', folder.path)
    const port = await run.up()
    run.process.stdout?.destroy()
    run.process.stderr?.destroy()
    // The server logs each of these.
    for (let round = 0; round < 3; round += 1) {
      using client = await WebClient.open(`http://127.0.0.1:${port}`)
      const identity = { client_name: 'test', version: '1', type: 'other', url: 'http://test' }
      assert.ok((await client.call('server.connection.identify', identity)).result)
    }
    assert.equal((await sendRequest(port, '/server/info')).status, 200)
  })

  test('a restart happens in the same process', async () => {
    using folder = new Folder()
    await using run = new Run('-d', folder.path)
    const port = await run.up()
    using client = await WebClient.open(`http://127.0.0.1:${port}`)
    assert.equal((await postJson(port, '/server/restart', {})).status, 200)
    assert.equal((await client.closed).code, 1001)
    const again = await run.up(2)
    assert.equal((await sendRequest(again, '/server/info')).status, 200)
    run.process.kill('SIGTERM')
    assert.equal(await run.ended, 0)
  })

  test('an invalid configuration is an error of one line with file and line', async () => {
    const cases: [string, RegExp][] = [
      ['[server\nport: 1', /moonraker\.conf.*line 1/],
      ['[server]\nport: 70000\n', /port.*65535/],
      ['', /\[server\]/],
    ]
    for (const [conf, expected] of cases) {
      using folder = new Folder(conf)
      assert.match(await failure('-d', folder.path), expected, conf)
      assert.equal(readFileSync(folder.at('config/moonraker.conf'), 'utf8'), conf, 'the file is unchanged')
    }
  })

  test('a configuration that became invalid is replaced by the last good one, with a warning', async () => {
    using folder = new Folder()
    await using first = new Run('-d', folder.path)
    await first.up()
    first.process.kill('SIGTERM')
    await first.ended
    for (const broken of ['[server\n', '[server]\nport: x\n']) {
      folder.write('config/moonraker.conf', broken)
      await using run = new Run('-d', folder.path)
      const port = await run.up()
      const { warnings } = (await sendRequest(port, '/server/info')).json.result
      assert.match(warnings.join('\n'), /The configuration cannot be used: .*moonraker\.conf/)
      assert.equal(readFileSync(folder.at('config/moonraker.conf'), 'utf8'), broken)
    }
  })

  test('a port in use is an error of one line', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    using folder = new Folder(CONF.replace('port: 0', `port: ${port}`))
    assert.match(await failure('-d', folder.path), new RegExp(`port ${port} on 127\\.0\\.0\\.1 is in use`))
    assert.ok(!existsSync(folder.at('comms/moonraker.sock')), 'nothing is left running')
    other.close()
  })

  test('an address of another machine is an error of one line', async () => {
    using folder = new Folder(CONF.replace('127.0.0.1', '203.0.113.7'))
    assert.match(await failure('-d', folder.path), /cannot listen on 203\.0\.113\.7.*'host'/)
  })

  test('a data folder that cannot be created is an error of one line', async () => {
    using folder = new Folder()
    folder.write('file', 'x')
    assert.match(await failure('-d', folder.at('file/data')), /file\/data/)
    // There the system reports that the folder above is missing.
    assert.match(await failure('-d', '/proc/data'), /\/proc\/data.*give another data folder with -d/)
    folder.write('blocked/database', 'x')
    folder.write('blocked/config/moonraker.conf', CONF)
    assert.match(
      await failure('-d', folder.at('blocked')),
      /the data folder .*blocked cannot be used.*give another with -d/,
    )
    assert.match(await failure('-d', folder.path, '-l', folder.at('file/x.log')), /the log folder.*-l/)
  })

  test('a folder in place of the configuration is an error of one line', async () => {
    using folder = new Folder(null)
    mkdirSync(folder.at('config/moonraker.conf'), { recursive: true })
    assert.match(await failure('-d', folder.path), /moonraker\.conf/)
  })

  test('a stale socket file is replaced, a socket in use is an error', async () => {
    using folder = new Folder()
    mkdirSync(folder.at('comms'))
    const path = folder.at('comms/moonraker.sock')
    const other = createServer().listen(path)
    await once(other, 'listening')
    assert.match(
      await failure('-d', folder.path),
      /moonraker\.sock is in use: another server runs on this data folder/,
    )
    linkSync(path, `${path}.left`)
    other.close()
    await once(other, 'close')
    renameSync(`${path}.left`, path)
    await using run = new Run('-d', folder.path)
    assert.equal((await sendRequest(await run.up(), '/server/info')).status, 200)
  })

  test('options choose the log file and its format', async () => {
    using folder = new Folder()
    await using run = new Run('-d', folder.path, '-s', '-v', '-l', folder.at('other/place.log'))
    const port = await run.up()
    // A new WebSocket is a debug entry.
    using client = await WebClient.open(`http://127.0.0.1:${port}`)
    // The reply comes after the search for a service manager, which is logged.
    assert.equal((await sendRequest(port, '/machine/system_info')).status, 200)
    run.process.kill('SIGTERM')
    await client.closed
    await run.ended
    const lines = readFileSync(folder.at('other/place.log'), 'utf8').trimEnd().split('\n')
    const entries = lines.map(line => JSON.parse(line) as { level: string; message: string })
    assert.equal(entries.at(-1)?.message, 'stopping')
    assert.ok(entries.some(({ level }) => level === 'debug'))
    await using quiet = new Run('-d', folder.path, '-n')
    await quiet.up()
    assert.ok(!existsSync(folder.at('logs/moonraker.log')))
  })

  test('the server starts without a log file that it cannot write', async () => {
    using folder = new Folder()
    mkdirSync(folder.at('logs/moonraker.log'), { recursive: true })
    await using run = new Run('-d', folder.path)
    assert.equal((await sendRequest(await run.up(), '/server/info')).status, 200)
  })
})
