// kill -9 of the server at each step from an offer to the start of its print: no job starts twice, and none is lost.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startPrinterInFolder } from '../../../src/app/virtual-printer-in-folder.ts'
import { dataPaths } from '../../../src/core/paths.ts'
import { call } from '../../fleet/call.ts'
import { Engine, skip } from '../../fleet/engine.ts'
import { credentialFiles } from '../../fleet/fleet-rig.ts'
import { TestHub } from '../../fleet/test-hub.ts'

const PROGRAM = fileURLToPath(new URL('../../fleet/crash-printer.ts', import.meta.url))
/** Every how many steps there is a kill; 1 for all of them. */
const STRIDE = Number(process.env.FLEET_CRASH_STRIDE ?? 30)
/** More steps than there are from an offer to the start. */
const STEPS = 60

/** The server in a process of its own. */
class CrashingServer {
  readonly #child: ChildProcess
  readonly exited: Promise<unknown>
  readonly #lines: AsyncIterator<string>
  port = 0

  constructor(folder: string, socket: string, step: number) {
    this.#child = spawn(process.execPath, [PROGRAM, folder, socket, String(step)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.exited = once(this.#child, 'exit')
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]()
  }

  async listening(): Promise<void> {
    this.port = Number((await this.#lines.next()).value)
  }

  async takesOffers(): Promise<boolean> {
    const rig = { url: `http://127.0.0.1:${this.port}` }
    const { connected, blocked } = await call(rig, 'server.fleet.status', {})
    return connected && blocked === null
  }

  async count(): Promise<void> {
    this.#child.stdin?.write('count\n')
    await this.#lines.next()
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.exited
  }
}

/** Klipper's console, on a connection of the test's own. */
async function consoleOf(path: string): Promise<{ readonly socket: Socket; readonly lines: string[] }> {
  const socket = connect(path)
  const lines: string[] = []
  let text = ''
  socket.on('data', data => {
    const frames = (text + data.toString()).split('\x03')
    text = frames.pop() ?? ''
    lines.push(
      ...frames.map(frame => JSON.parse(frame).params?.response).filter(line => typeof line === 'string'),
    )
  })
  await once(socket, 'connect')
  const params = { response_template: { method: 'line' } }
  socket.write(`${JSON.stringify({ id: 1, method: 'gcode/subscribe_output', params })}\x03`)
  return { socket, lines }
}

/** Resolves when the printer takes offers: it refuses them until Klippy is ready. */
const canOffer = (hub: TestHub, server: CrashingServer) =>
  hub.polled(async () => (await server.takesOffers()) && (await hub.isFree()))

/** The second attempt; resolves with its end. */
async function offerAgain(hub: TestHub, server: CrashingServer, file: ReturnType<TestHub['file']>) {
  await canOffer(hub, server)
  const { job } = await hub.offer(file, { attempt: 2 })
  return hub.end(job)
}

test('kill -9 at a step between offer and print starts no job twice and loses none', { skip }, async t => {
  const id = randomBytes(16).toString('hex')
  await using engine = await Engine.start()
  await using hub = await TestHub.start(engine, id)
  const paths = dataPaths(mkdtempSync(join(tmpdir(), 'crashes-')))
  t.after(() => rmSync(paths.data, { recursive: true, force: true }))
  for (const folder of [paths.config, paths.gcodes, paths.logs]) mkdirSync(folder, { recursive: true })
  ;(await credentialFiles(engine, id))(paths)
  const sections =
    '[server]\nhost: 127.0.0.1\nport: 0\nssl_port: 0\n[authorization]\ntrusted_clients: 127.0.0.1\n[machine]\nprovider: none\n[announcements]\nenable_moonlight: False\n'
  writeFileSync(paths.configFile, `${sections}[fleet]\nengine: ${engine.url}\nplate_clear: fleet\n`)
  const printer = await startPrinterInFolder(paths, { speed: 100, statusInterval: 0.025, strict: true })
  t.after(() => printer.stop())
  const { socket, lines } = await consoleOf(printer.socketPath)
  t.after(() => socket.destroy())

  const servers: CrashingServer[] = []
  t.after(() => Promise.all(servers.map(server => server.kill())))
  const outcomes: string[] = []
  for (let step = 1; step <= STEPS; step += STRIDE) {
    const mark = `started step ${step}`
    const file = hub.file(`M118 ${mark}\nG28\nG1 X10 Y10 Z5 F6000\n`, `step ${step}.gcode`)
    const first = new CrashingServer(paths.data, printer.socketPath, step)
    servers.push(first)
    await first.listening()
    await canOffer(hub, first)
    await first.count()
    const offer = await hub.offer(file)
    const ended = hub.end(offer.job)
    const isKilled = await Promise.race([first.exited.then(() => true), ended.then(() => false)])
    await first.kill()
    const second = new CrashingServer(paths.data, printer.socketPath, 0)
    servers.push(second)
    await second.listening()
    // An offer that was not accepted yet may be refused while Klippy is not ready: then the hub offers it again.
    const refused = hub.until(
      hub.slots,
      slot => slot.last?.job === offer.job && slot.last.outcome === 'refused',
      'a refusal',
    )
    refused.catch(() => {})
    ended.catch(() => {})
    const event = await Promise.race([ended, refused.then(() => offerAgain(hub, second, file))])
    const started = lines.filter(line => line.includes(mark)).length
    outcomes.push(`${step}: ${String(event.data.outcome)} at attempt ${event.attempt}, ${started} starts`)
    t.diagnostic(outcomes.at(-1) ?? '')
    assert.ok(started <= 1, outcomes.at(-1))
    assert.equal(event.data.outcome === 'done', started === 1, outcomes.at(-1))
    await hub.polled(async () => {
      await hub.command('plate_clear').catch(() => null)
      return hub.isFree()
    })
    for (const server of servers.splice(0)) await server.kill()
    if (!isKilled) break
  }
})
