// The examples of docs/examples run with Node, Python and curl, and do what docs/writing-a-client.md describes.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { connect } from '../src/client/index.ts'
import { CuttableProxy } from './client/cuttable-proxy.ts'
import { skip as noEngine } from './fleet/engine.ts'
import { FleetRig, GCODE } from './fleet/hub/fleet-rig.ts'
import { FakeKlippy } from './support/fake-klippy.ts'
import { absent } from './support/program.ts'
import { type Rig, startRig } from './support/rig.ts'
import { startWorkshopRig } from './support/workshop.ts'

const FOLDER = fileURLToPath(new URL('../docs/examples/', import.meta.url))

const USER = ['anna', 'not "a" \\ secret, é'] as const
/** No address is trusted, so that the examples need credentials. */
const NO_TRUST = 'trusted_clients:\n  192.0.2.1'
const PART = 'G90\nM83\nG28\nG1 X20 Y20 Z1 F6000\nG1 X60 F3000\nG1 Y60\nM84\n'

/** A Python with websocket-client: the system's has the system's packages, which another that comes first may lack. */
const SOCKET_PYTHON = ['python3', '/usr/bin/python3'].find(
  python => spawnSync(python, ['-c', 'import websocket']).status === 0,
)
const PYTHON = SOCKET_PYTHON ?? 'python3'

const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  // The package's own name leads to its source.
  '.ts': [process.execPath, '--conditions=moonraker-ts-source'],
  '.py': [PYTHON],
  '.sh': ['sh'],
}

function commandOf(file: string): readonly string[] {
  return COMMANDS[extname(file)] ?? []
}

const MISSING: Readonly<Record<string, string | false>> = {
  '.py': absent('python3'),
  '.sh': absent('curl'),
}

/** Why a file cannot be run here; false where it can. */
function lacks(file: string): string | false {
  return MISSING[extname(file)] ?? false
}

/** A server with a user, ready to print, and its API key. */
async function startPrinter(speed = 10) {
  const rig = await startRig({ authorization: NO_TRUST, ready: false, speed })
  const client = await connect({ url: rig.socketPath })
  const ready = new Promise<void>(resolve => {
    client.on('notify_klippy_ready', resolve)
  })
  if ((await client.call('server.info')).klippy_state !== 'ready') await ready
  await client.call('access.post_user', { username: USER[0], password: USER[1] })
  const key = await client.call('access.get_api_key')
  const stop = async () => {
    client.close()
    await rig[Symbol.asyncDispose]()
  }
  return { rig, client, key, [Symbol.asyncDispose]: stop }
}

/** An example as it runs. */
class Run implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly ended: Promise<number | null>
  output = ''
  #onOutput = () => {}

  constructor(file: string, ...args: string[]) {
    const [command = '', ...before] = commandOf(file)
    const path = join(FOLDER, file)
    // Python would leave compiled files next to the examples, and buffer its output.
    const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1', PYTHONUNBUFFERED: '1' }
    this.#child = spawn(command, [...before, path, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', text => {
        this.output += text
        this.#onOutput()
      })
    }
    this.ended = once(this.#child, 'close').then(([code]) => {
      this.#onOutput()
      return code
    })
  }

  /** Resolves when the example has printed `pattern`; rejects when it ends without. */
  async prints(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.output)) {
      assert.equal(this.#child.exitCode, null, `it ended without ${pattern}: ${this.output}`)
      await new Promise<void>(resolve => {
        this.#onOutput = resolve
      })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
  }
}

/** The whole output of an example that ends well. */
async function outputOf(file: string, ...args: string[]): Promise<string> {
  await using run = new Run(file, ...args)
  assert.equal(await run.ended, 0, `${file}: ${run.output}`)
  return run.output
}

/** The address that an example takes: a WebSocket for those that talk over one. */
const addressFor = ({ url }: Rig, file: string) => (file.endsWith('.ts') ? url.replace('http', 'ws') : url)

describe('examples', { concurrency: 4 }, () => {
  test('the first call', async t => {
    await using printer = await startPrinter()
    for (const file of ['first-call.sh', 'first_call.py', 'first-call.ts']) {
      await t.test(file, { skip: lacks(file) }, async () => {
        const output = await outputOf(file, printer.rig.url, printer.key)
        for (const part of [/ready/, /standby/, /\bok\b/]) assert.match(output, part)
        if (!file.endsWith('.sh')) assert.match(output, /error: (404|-32601) /)
        await using refused = new Run(file, printer.rig.url)
        assert.notEqual(await refused.ended, 0, 'without the key')
        assert.match(refused.output, /401|Unauthorized/)
      })
    }
  })

  test('getting in', async t => {
    await using printer = await startPrinter()
    for (const file of ['login.sh', 'login.py', 'login.ts']) {
      await t.test(file, { skip: lacks(file) }, async () => {
        const output = await outputOf(file, addressFor(printer.rig, file), ...USER)
        for (const part of [/anna/, /admin/, /\[\]/]) assert.match(output, part)
      })
    }
  })

  test('printing a file', async t => {
    await using printer = await startPrinter(200)
    for (const file of ['print.sh', 'print.py', 'print.ts']) {
      await t.test(file, { skip: lacks(file) }, async () => {
        const name = `${file}, 1 é.gcode`
        const path = join(printer.rig.dataPath, name)
        writeFileSync(path, PART)
        const output = await outputOf(file, addressFor(printer.rig, file), path, printer.key)
        assert.match(output, file.endsWith('.sh') ? /complete\n$/ : /100 % sent[\s\S]*completed/)
        const { jobs } = await printer.client.call('server.history.list', { limit: 1 })
        const [job] = jobs
        assert.deepEqual([job?.filename, job?.status], [name, 'completed'])
      })
    }
  })

  const follows = async (run: Run, { client }: Awaited<ReturnType<typeof startPrinter>>) => {
    await run.prints(/status: .*"state": ?"standby"/)
    await client.call('printer.gcode.script', { script: 'M104 S55\nM115' })
    await run.prints(/status: .*"target": ?55/)
    await run.prints(/console: .*FIRMWARE/)
  }

  test('follow.ts reconnects by itself', async () => {
    await using printer = await startPrinter()
    await using proxy = await CuttableProxy.to(printer.rig.port)
    await using run = new Run('follow.ts', `ws://127.0.0.1:${proxy.port}`, printer.key)
    await follows(run, printer)
    proxy.cut()
    await run.prints(/lost: [\s\S]*connected again[\s\S]*status: /)
    await printer.client.call('printer.gcode.script', { script: 'M104 S44' })
    await run.prints(/"target": ?44/)
  })

  test('follow.py over the unix socket', { skip: lacks('follow.py') }, async () => {
    await using printer = await startPrinter()
    await using run = new Run('follow.py', printer.rig.socketPath)
    await follows(run, printer)
    await printer.client.call('printer.firmware_restart')
    await run.prints(/target": 55[\s\S]*target": 0/)
  })

  const noPackage = SOCKET_PYTHON === undefined && "Python's package websocket-client is not installed"

  test('follow.py over a WebSocket', { skip: lacks('follow.py') || noPackage }, async () => {
    await using printer = await startPrinter()
    await using proxy = await CuttableProxy.to(printer.rig.port)
    await using run = new Run('follow.py', `ws://127.0.0.1:${proxy.port}/websocket`, printer.key)
    await follows(run, printer)
    proxy.cut()
    await run.prints(/lost: [\s\S]*status: /)
  })
})

test('workshop.ts shows the printers, and what changes', async () => {
  await using klippy = await FakeKlippy.start()
  await using rig = await startWorkshopRig({
    printers: { one: {}, two: {} },
    klippySockets: new Map([['two', klippy.path]]),
  })
  await rig.until('two', ({ klippy_state }) => klippy_state === 'ready')
  await using run = new Run('workshop.ts', rig.url)
  await run.prints(/two: last print none[\s\S]*one: disconnected[\s\S]*two: ready/)
  klippy.pushAll({
    print_stats: { state: 'printing', filename: 'part.gcode' },
    virtual_sdcard: { progress: 0.25 },
  })
  await run.prints(/two: ready printing 25 %/)
})

test('prints on a fleet', { skip: noEngine }, async t => {
  await using rig = await FleetRig.start()
  await rig.addPrinters(2)
  const body = { name: 'examples', role: 'operator' }
  const { result } = await rig.hub.call('/access/api_keys', body)
  const path = join(rig.folder, 'part é.gcode')
  writeFileSync(path, GCODE)
  for (const file of ['fleet.ts', 'fleet.py']) {
    await t.test(file, { skip: lacks(file) }, async () => {
      const output = await outputOf(file, rig.hub.url, path, '3', result.api_key)
      assert.match(output, /^[0-2] printers are ready: /)
      assert.match(output, /jobs: (done, done, done|\{'done': 3\})\n$/)
    })
  }
})
