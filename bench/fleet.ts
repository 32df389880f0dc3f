// Measures a fleet: `node bench/fleet.ts --printers N --seconds S`. One process with N real connections, the engine, the
// hub, and the WebSocket of a page; all on this machine, over loopback.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'
import { WebSocket } from 'ws'
import { systemClock } from '../src/core/clock.ts'
import { forEachConcurrently } from '../src/core/concurrency-limit.ts'
import { Log } from '../src/core/log.ts'
import { printerRecordSchema } from '../src/fleet/contract/index.ts'
import { ensureKeys } from '../src/fleet/hub/engine/keys.ts'
import { connectEngine } from '../src/fleet/hub/engine/link.ts'
import type { PrinterSigner } from '../src/fleet/hub/engine/tokens.ts'
import { Bucket } from '../src/fleet/hub/store/bucket.ts'
import { ensureLayout } from '../src/fleet/hub/store/layout.ts'
import { freePort } from '../test/support/free-port.ts'
import { Hubs } from './chaos/hubs.ts'
import { credentialsOf } from './fleet-credentials.ts'
import type { Measured, Received, Started } from './fleet-hub.ts'
import { FleetPrinter, simulatedId } from './fleet-printer.ts'
import { type AddRecord, RealServers } from './fleet-servers.ts'
import { sleep } from './load.ts'
import { cpuSeconds, memory } from './process-facts.ts'

const HELP = `Usage: node bench/fleet.ts [options]

  --printers N    simulated printers, each with a connection and a credential of its own (default 500)
  --seconds S     how long they are measured (default 20)
  --printing P    percent of them that print, at one state a second; the others write one each 30 s (default 30)
  --real N        servers with virtual printers, each a process of its own, next to them (default 0); needs 'npm run build'
  --help          print this

Ends with code 1 if the newest state of a printer is not the one that the hub has, if a connection was lost, or if a job of a
real server did not start.
`

/** Connections that are opened per second: printers spread theirs in the same way. */
const CONNECTS_PER_SECOND = 500
/** Files of a process besides its connections. */
const OTHER_FILES = 500
const IDLE_SECONDS = 30
/** Seconds between the last connection and the measurement, and after the last state. */
const SETTLE_SECONDS = 10
const DRAIN_SECONDS = 2
/** Rows that the page follows. */
const ROWS = 200
/** Seconds that real servers print longer than is measured. */
const SPARE_SECONDS = 60

interface Options {
  readonly printers: number
  readonly seconds: number
  readonly printing: number
  readonly real: number
}

function readOptions(): Options | null {
  const { values } = parseArgs({
    options: {
      printers: { type: 'string', default: '500' },
      seconds: { type: 'string', default: '20' },
      printing: { type: 'string', default: '30' },
      real: { type: 'string', default: '0' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return null
  const whole = (name: 'printers' | 'seconds' | 'printing' | 'real', least = 1) => {
    const value = Number(values[name])
    if (Number.isInteger(value) && value >= least) return value
    throw new Error(`--${name} ${values[name]}: give a whole number, at least ${least}`)
  }
  return {
    printers: whole('printers'),
    seconds: whole('seconds'),
    printing: whole('printing'),
    real: whole('real', 0),
  }
}

/** Throws Error where a process may not have as many open files as the printers need. */
function checkFileLimit(printers: number): void {
  const limits = readFileSync('/proc/self/limits', 'latin1')
  const [, soft, hard] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(limits) ?? []
  const needed = printers + OTHER_FILES
  // Node raises its soft limit to the hard one, and the engine does too.
  const most = hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard ?? soft)
  if (most >= needed) return
  throw new Error(`${needed} open files are needed in one process, and ${most} are allowed: raise ulimit -Hn`)
}

/** The hub in a process of its own, bundled as it is delivered. */
async function startHubProcess(folder: string): Promise<[ChildProcess, Started]> {
  const outfile = join(folder, 'hub.mjs')
  const banner = `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)`
  await build({
    entryPoints: [fileURLToPath(new URL('fleet-hub.ts', import.meta.url))],
    outfile,
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    external: ['bufferutil', 'utf-8-validate', 'koffi'],
    banner: { js: banner },
    logLevel: 'warning',
  })
  const child = fork(outfile, [folder, String(await freePort())])
  const [started] = (await once(child, 'message')) as [Started]
  return [child, started]
}

async function request<T>(child: ChildProcess, word: string): Promise<T> {
  child.send(word)
  const [answer] = (await once(child, 'message')) as [T]
  return answer
}

/** Calls `use` with what lets printers join, as the hub does it. */
async function joining<T>(
  folder: string,
  started: Started,
  use: (addRecord: AddRecord, signer: PrinterSigner) => Promise<T>,
): Promise<T> {
  const log = new Log({ clock: systemClock, file: null, structured: false, level: 'error', console: null })
  const connection = await connectEngine({
    servers: [started.engineUrl],
    credentials: join(folder, 'engine', 'hub.creds'),
    name: 'bench',
    clock: systemClock,
    log,
  })
  const { buckets } = await ensureLayout(connection)
  const records = new Bucket(buckets.fleet_printers, printerRecordSchema, { conflicts: 0 })
  const { printerSigner, account } = ensureKeys(join(folder, 'engine'))
  const rest = { labels: {}, enrolled_by: null, maintenance: false }
  const addRecord: AddRecord = (id, printer) =>
    records.put(id, { ...printer, ...rest, enrolled_at: Date.now() })
  try {
    return await use(addRecord, { key: printerSigner, account: account.getPublicKey() })
  } finally {
    await connection.close()
  }
}

/** Lets the simulated printers join. */
async function createPrinters(
  { engineUrl, epoch }: Started,
  { printers, printing }: Options,
  addRecord: AddRecord,
  signer: PrinterSigner,
  onLost: () => void,
): Promise<FleetPrinter[]> {
  const createCredential = credentialsOf(signer)
  const port = Number(new URL(engineUrl).port)
  const all: FleetPrinter[] = []
  const indices = Array.from({ length: printers }, (_, index) => index)
  await forEachConcurrently(indices, 50, async index => {
    const id = simulatedId(index + 1)
    const { nkey, ...credential } = createCredential(id)
    await addRecord(id, { nkey, name: `printer ${index + 1}`, site: `hall ${index % 10}` })
    all[index] = new FleetPrinter({
      ...credential,
      id,
      port,
      epoch,
      printing: index % 100 < printing,
      onLost,
    })
  })
  return all
}

async function connectAll(printers: readonly FleetPrinter[]): Promise<number> {
  const start = performance.now()
  await Promise.all(
    printers.map(async (printer, index) => {
      await sleep(index / CONNECTS_PER_SECOND)
      await printer.connect()
      printer.write()
    }),
  )
  return (performance.now() - start) / 1000
}

/** A page that follows rows, as a browser has it. Counts what it receives. */
async function openPage({ url }: Started, token: string, ids: readonly string[]) {
  const page = new WebSocket(`${url.replace('http', 'ws')}/fleet/live?access_token=${token}`)
  const counts = { messages: 0, bytes: 0 }
  page.on('message', data => {
    counts.messages += 1
    counts.bytes += (data as Buffer).length
  })
  await once(page, 'open')
  page.send(JSON.stringify({ rows: ids.slice(0, ROWS) }))
  return { page, counts }
}

/** Writes the states of all printers at their rates, for some seconds; resolves with how many. */
async function run(printers: readonly FleetPrinter[], { seconds, printing }: Options): Promise<number> {
  const periods = printers.map((_, index) => (index % 100 < printing ? 1000 : IDLE_SECONDS * 1000))
  const start = performance.now()
  const due = periods.map(period => start + Math.random() * period)
  const end = start + seconds * 1000
  let sent = 0
  for (let now = start; now < end; now = performance.now()) {
    for (const [index, printer] of printers.entries()) {
      if ((due[index] as number) > now) continue
      due[index] = (due[index] as number) + (periods[index] as number)
      printer.write()
      sent += 1
    }
    await sleep(0.01)
  }
  return sent
}

/** Everything that takes part. */
interface Fleet {
  readonly child: ChildProcess
  readonly started: Started
  readonly printers: readonly FleetPrinter[]
  readonly servers: RealServers
  readonly hubs: Hubs
  /** Connections of simulated printers that were lost. */
  readonly lost: () => number
}

/** What was measured. */
interface Figures extends Measured {
  readonly connecting: number
  /** Seconds. */
  readonly elapsed: number
  /** States that simulated printers have sent, and those of them whose newest one the hub lacks. */
  readonly sent: number
  readonly stale: number
  readonly page: { readonly messages: number; readonly bytes: number }
  readonly processes: readonly { readonly name: string; readonly cpu: number; readonly rss: number }[]
  /** Real servers that print, and the CPU time of all real servers. */
  readonly printing: number
  readonly serversCpu: number
}

/** Connects everything, and measures it. */
async function measure(fleet: Fleet, options: Options): Promise<Figures> {
  const { child, started, printers, servers, hubs } = fleet
  const connecting = await connectAll(printers)
  const { page, counts } = await openPage(
    started,
    hubs.token,
    printers.map(({ id }) => id),
  )
  const printing = Math.round((options.real * options.printing) / 100)
  await servers.print(hubs, printing, options.seconds + SPARE_SECONDS)
  await run(printers, { ...options, seconds: SETTLE_SECONDS })
  await request(child, 'measure')
  Object.assign(counts, { messages: 0, bytes: 0 })
  const pids = { broker: started.enginePid, hub: child.pid ?? 0, generator: process.pid }
  const before = Object.values(pids).map(cpuSeconds)
  const serversBefore = servers.cpuSeconds
  const measuredFrom = performance.now()
  const sent = await run(printers, options)
  const elapsed = (performance.now() - measuredFrom) / 1000
  const processes = Object.entries(pids).map(([name, pid], index) => ({
    name,
    cpu: cpuSeconds(pid) - (before[index] as number),
    rss: memory(pid).rss,
  }))
  const serversCpu = servers.cpuSeconds - serversBefore
  await sleep(DRAIN_SECONDS)
  const measured = await request<Measured>(child, 'result')
  page.terminate()
  const stale = printers.filter(({ id, seq }) => measured.newest[id] !== seq).length
  return { ...measured, connecting, elapsed, sent, stale, page: counts, processes, printing, serversCpu }
}

function textOf(figures: Figures, { lost, servers }: Fleet, options: Options): string {
  const { connecting, elapsed, sent, simulated, stale, page, printing, real, processes } = figures
  const share = (cpu: number) => `${figure((cpu / elapsed) * 100, 2)} %`
  const perState = (cpu: number) => `${figure((cpu / (sent + real.count)) * 1e6)} µs`
  const ofServers =
    `${options.real} real servers, of which ${printing} print a job of the fleet: ` +
    `${figure(real.count / elapsed)} states/s, ${delayText(real)}; each ` +
    `${share(figures.serversCpu / options.real)} of a core, ${figure(servers.meanRss)} MB`
  return [
    `${options.printers} printers, ${options.printing} % printing, ${options.seconds} s; one machine, loopback, ` +
      `${cpus().length} cores (${cpus()[0]?.model.trim()}), Node ${process.version}`,
    '',
    `connected in ${figure(connecting)} s; connections lost: ${lost()}`,
    `states sent: ${sent} (${figure(sent / elapsed)}/s), received by the hub: ${simulated.count} ` +
      `(${figure(simulated.count / elapsed)}/s)`,
    `printers whose newest state the hub does not have: ${stale}`,
    `printer to hub: ${delayText(simulated)}`,
    `page with ${Math.min(ROWS, options.printers)} rows: ${figure(page.messages / elapsed)} messages/s, ` +
      `${figure(page.bytes / elapsed / 1024)} kB/s`,
    ...(options.real === 0 ? [] : [ofServers]),
    '',
    '| process | CPU (one core is 100 %) | CPU per state | RSS |',
    '|---|--:|--:|--:|',
    ...processes.map(
      ({ name, cpu, rss }) => `| ${name} | ${share(cpu)} | ${perState(cpu)} | ${figure(rss)} MB |`,
    ),
  ].join('\n')
}

function figure(value: number, digits = 1): string {
  return value.toFixed(digits)
}

function delayText({ p50, p99, most }: Received): string {
  return `p50 ${p50} ms, p99 ${p99} ms, most ${most} ms`
}

async function main(): Promise<void> {
  const options = readOptions()
  if (options === null) return void process.stdout.write(HELP)
  checkFileLimit(options.printers)
  const folder = mkdtempSync(join(tmpdir(), 'fleet-bench-'))
  const [child, started] = await startHubProcess(folder)
  let lost = 0
  const onLost = () => {
    lost += 1
  }
  const stops: (() => unknown)[] = []
  const hubs = new Hubs([started.url])
  try {
    await hubs.logIn('admin', started.password)
    const { engineUrl, epoch } = started
    const fleet = await joining(folder, started, async (addRecord, signer): Promise<Fleet> => {
      const printers = await createPrinters(started, options, addRecord, signer, onLost)
      stops.push(() => {
        for (const printer of printers) printer.close()
      })
      const servers = await RealServers.start(options.real, { engineUrl, epoch, signer, addRecord })
      stops.push(() => servers.stop())
      return { child, started, printers, servers, hubs, lost: () => lost }
    })
    const figures = await measure(fleet, options)
    const problems = await fleet.servers.problems(hubs)
    console.log(textOf(figures, fleet, options))
    for (const text of problems) console.log(`WRONG: ${text}`)
    if (figures.stale + lost + problems.length > 0) process.exitCode = 1
  } finally {
    for (const stop of stops) await stop()
    child.send('stop')
    await once(child, 'exit')
    rmSync(folder, { recursive: true, force: true })
  }
}

await main()
