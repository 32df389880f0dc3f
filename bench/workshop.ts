// A workshop under the loads of its acceptance: `npm run build && node bench/workshop.ts [memory] [upload] [restarts] [kill]`.
// Klippies and clients are in this process, the workshop is in another.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type MessagePort, parentPort, Worker, workerData } from 'node:worker_threads'
import { startPrinterInFolder } from '../src/app/virtual-printer-in-folder.ts'
import { type Client, connect } from '../src/client/index.ts'
import { type DataPaths, dataPaths } from '../src/core/paths.ts'
import type { FakeKlippy } from '../test/support/fake-klippy.ts'
import { freePort } from '../test/support/free-port.ts'
import { HeapProbe } from './heap-probe.ts'
import { sleep } from './load.ts'
import { printingKlippy } from './printing-klippy.ts'
import { printingChanges, sessionStatus } from './printing-session.ts'
import { memory } from './process-facts.ts'
import { Table } from './table.ts'
import { upload } from './upload.ts'

const BUNDLE = fileURLToPath(new URL('../dist/moonraker.cjs', import.meta.url))
/** Seconds between two ticks of Klippy. */
const TICK = 0.25
/** Seconds within which all prints must end. */
const JOB_LIMIT = 120
/** Seconds that each dashboard is open before memory is read. */
const SETTLE = 15

/** A workshop in a process of its own. */
class WorkshopProcess implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'bench-workshop-'))
  readonly #port: number
  readonly names: readonly string[]
  #child: ChildProcess | null = null

  private constructor(names: readonly string[], port: number) {
    this.names = names
    this.#port = port
  }

  /** Writes the data folders and workshop.conf of `count` printers. */
  static async prepare(count: number): Promise<WorkshopProcess> {
    const names = Array.from({ length: count }, (_, index) => `p${index + 1}`)
    const made = new WorkshopProcess(names, await freePort())
    made.#write()
    return made
  }

  #write(): void {
    for (const name of this.names) {
      const { config, configFile } = this.paths(name)
      mkdirSync(config, { recursive: true })
      mkdirSync(this.paths(name).comms, { recursive: true })
      writeFileSync(
        configFile,
        `[server]\nklippy_uds_address: ${this.klippySocket(name)}\nmax_upload_size: 2048\n` +
          '[authorization]\ntrusted_clients: 127.0.0.1\n[machine]\nprovider: none\n' +
          '[announcements]\nenable_moonlight: False\n[octoprint_compat]\n',
      )
    }
    const sections = this.names.map(
      name => `[printer ${name}]\ndata_path: ${this.paths(name).data}\nown_port: False\n`,
    )
    writeFileSync(
      join(this.#folder, 'workshop.conf'),
      `[workshop]\nhost: 127.0.0.1\nport: ${this.#port}\n${sections.join('')}`,
    )
  }

  paths(name: string): DataPaths {
    return dataPaths(join(this.#folder, name))
  }

  klippySocket(name: string): string {
    return join(this.paths(name).comms, 'virtual-klippy.sock')
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  get address() {
    return { host: '127.0.0.1', port: this.#port }
  }

  url(name: string): string {
    return `http://127.0.0.1:${this.#port}/${name}`
  }

  /** Starts the process; resolves when every printer answers. `node` are arguments of Node itself. */
  async start(node: readonly string[] = []): Promise<void> {
    const args = [...node, BUNDLE, '--workshop', join(this.#folder, 'workshop.conf'), '-n']
    this.#child = spawn(process.execPath, args, { stdio: 'ignore' })
    for (const name of this.names) await this.untilServed(name)
  }

  async untilServed(name: string): Promise<void> {
    for (;;) {
      const reply = await fetch(`${this.url(name)}/server/info`).catch(() => null)
      if (reply?.status === 200) return
      await sleep(0.01)
    }
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const exit = new Promise(resolve => child.once('exit', resolve))
    child.kill(signal)
    await exit
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** Klippies in the middle of a print with 60 objects, of which the changed ones are pushed four times a second. */
async function printingKlippies(
  workshop: WorkshopProcess,
): Promise<{ all: FakeKlippy[]; stop: () => Promise<void> }> {
  const all = await Promise.all(workshop.names.map(name => printingKlippy(workshop.klippySocket(name))))
  for (const klippy of all) klippy.status = sessionStatus()
  let tick = 0
  const timer = setInterval(() => {
    for (const klippy of all) klippy.pushAll(printingChanges(tick))
    tick += 1
  }, TICK * 1000)
  return {
    all,
    stop: async () => {
      clearInterval(timer)
      for (const klippy of all) await klippy.close()
    },
  }
}

/** A front-end that follows everything. */
async function dashboard(url: string): Promise<Client> {
  const client = await connect({ url: url.replace('http', 'ws') })
  for (;;) {
    const { klippy_state } = await client.call('server.info')
    if (klippy_state === 'ready') break
    await sleep(0.05)
  }
  await client.follow(Object.fromEntries(Object.keys(sessionStatus()).map(name => [name, null])))
  return client
}

async function measureMemory(table: Table): Promise<void> {
  const sizes = new Map<number, number>()
  for (const count of [1, 2, 5, 10, 30]) {
    await using workshop = await WorkshopProcess.prepare(count)
    const klippies = await printingKlippies(workshop)
    await workshop.start()
    const clients = await Promise.all(workshop.names.map(name => dashboard(workshop.url(name))))
    await sleep(SETTLE)
    const { rss, pss, anonymous } = memory(workshop.pid)
    sizes.set(count, rss)
    table.add({ label: `${count} printers, a dashboard each: resident`, unit: 'MB', value: rss })
    table.add({ label: `${count} printers: proportional`, unit: 'MB', value: pss })
    table.add({ label: `${count} printers: anonymous`, unit: 'MB', value: anonymous })
    for (const client of clients) client.close()
    await klippies.stop()
  }
  const further = ((sizes.get(30) ?? 0) - (sizes.get(1) ?? 0)) / 29
  table.add({ label: 'a further printer (30 against 1)', unit: 'MB', value: further })
}

async function measureUpload(table: Table): Promise<void> {
  await using workshop = await WorkshopProcess.prepare(2)
  const klippies = await printingKlippies(workshop)
  await workshop.start()
  const url = `${workshop.url('p2')}/server/info`
  const add = (label: string, times: number[]) => {
    times.sort((a, b) => a - b)
    for (const [name, part] of [
      ['p50', 0.5],
      ['p99', 0.99],
      ['most', 1],
    ] as const) {
      const value = times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? 0
      table.add({ label: `neighbour's /server/info, ${label}: ${name}`, unit: 'ms', value })
    }
  }
  await probeUntil(url, sleep(1))
  add('nothing else', await probeUntil(url, sleep(5)))
  add(
    'upload of 1,024 MB',
    await probeUntil(url, upload(workshop.address, { megabytes: 1024, prefix: '/p1' })),
  )
  await klippies.stop()
}

/** Requests `url` again and again until `end`, in a thread of its own; resolves with the milliseconds of each reply. */
async function probeUntil(url: string, end: Promise<unknown>): Promise<number[]> {
  const worker = new Worker(new URL(import.meta.url), { workerData: url })
  const times = new Promise<number[]>((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
  await end
  worker.postMessage('end')
  return times
}

/** The thread of `probeUntil`. */
async function probe(url: string, port: MessagePort): Promise<void> {
  let isRunning = true
  port.once('message', () => {
    isRunning = false
  })
  const times: number[] = []
  while (isRunning) {
    const start = performance.now()
    await (await fetch(url)).arrayBuffer()
    times.push(performance.now() - start)
    await sleep(0.005)
  }
  port.postMessage(times)
  port.close()
}

/** An object whose value counts the restarts. */
const COUNTER = 'temperature_sensor counter'

/** Seconds of rest before memory is read: an idle process returns memory only after 20 s. */
const REST = 30
/** Parts of the restarts after each of which memory is read. */
const PARTS = 5

async function measureRestarts(table: Table, rounds: number): Promise<void> {
  using probe = new HeapProbe()
  await using workshop = await WorkshopProcess.prepare(2)
  const klippies = await printingKlippies(workshop)
  for (const each of klippies.all) each.status = { ...each.status, [COUNTER]: { temperature: 0 } }
  await workshop.start(probe.args)
  const client = await dashboard(workshop.url('p2'))
  let closed = 0
  client.on('disconnected', () => {
    closed += 1
  })
  const [, klippy] = klippies.all
  const seen = new Set<number>()
  client.on('notify_status_update', ({ [COUNTER]: counter }: Record<string, unknown>) => {
    const value = (counter as { temperature?: number } | undefined)?.temperature
    if (value !== undefined) seen.add(value)
  })
  await client.follow({ [COUNTER]: null })
  let sent = 0
  const addMemory = async () => {
    await sleep(REST)
    const label = `after ${sent} restarts of the neighbour`
    table.add({ label: `${label}: resident`, unit: 'MB', value: memory(workshop.pid).rss })
    table.add({ label: `${label}: in use`, unit: 'MB', value: await probe.megabytes(workshop.pid) })
  }
  await addMemory()
  for (let round = 0; round < rounds; round += 1) {
    if (sent > 0 && sent % Math.ceil(rounds / PARTS) === 0) await addMemory()
    await fetch(`${workshop.url('p1')}/server/restart`, { method: 'POST' })
    sent += 1
    klippy?.push(COUNTER, { temperature: sent })
    await sleep(0.02)
    await workshop.untilServed('p1')
  }
  await addMemory()
  table.add({ label: `${rounds} restarts of the neighbour: closed connections`, unit: '', value: closed })
  table.add({ label: 'notifications missed', unit: '', value: sent - seen.size })
  client.close()
  await klippies.stop()
}

/** A print of a minute: a server recognizes a print after its start by real time, so the printers are not faster. */
const PART = Array.from({ length: 60 }, (_, n) => `G1 X${10 + (n % 180)} Y${10 + ((n * 7) % 180)} F6000`)

async function measureKill(table: Table): Promise<void> {
  await using workshop = await WorkshopProcess.prepare(10)
  const printers = []
  for (const name of workshop.names) printers.push(await startPrinterInFolder(workshop.paths(name), {}))
  await workshop.start()
  const clients = workshop.names.map(name => connect({ url: workshop.url(name) }))
  for (const pending of clients) {
    const client = await pending
    for (;;) if ((await client.call('server.info')).klippy_state === 'ready') break
    await client.files.upload(['G28', 'G1 Z5 F600', ...PART].join('\n'), { path: 'part.gcode', print: true })
  }
  await sleep(2)
  await workshop.end('SIGKILL')
  const killed = performance.now()
  await workshop.start()
  table.add({ label: 'killed: all printers answer again', unit: 'ms', value: performance.now() - killed })
  let completed = 0
  const limit = performance.now() + JOB_LIMIT * 1000
  for (const pending of clients) {
    const client = await pending
    for (;;) {
      const { jobs } = await client.call('server.history.list', {})
      const [job] = jobs
      // Until Klippy has reported its print, a job of the killed process counts as interrupted.
      if (job !== undefined && !['in_progress', 'interrupted'].includes(job.status)) {
        if (jobs.length === 1 && job.status === 'completed') completed += 1
        break
      }
      if (performance.now() > limit) break
      await sleep(0.2)
    }
  }
  table.add({ label: 'jobs of 10 that ended as completed, one row each', unit: '', value: completed })
  for (const printer of printers) await printer.stop()
}

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { restarts: { type: 'string', default: '500' } },
  })
  const wanted = (name: string) => positionals.length === 0 || positionals.includes(name)
  const table = new Table()
  if (wanted('memory')) await measureMemory(table)
  if (wanted('upload')) await measureUpload(table)
  if (wanted('restarts')) await measureRestarts(table, Number(values.restarts))
  if (wanted('kill')) await measureKill(table)
  console.log(`Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model.trim()})\n`)
  console.log(table.text())
}

if (parentPort === null) await main()
else await probe(workerData as string, parentPort)
