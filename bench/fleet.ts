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
import { Bucket } from '../src/fleet/hub/store/bucket.ts'
import { ensureLayout } from '../src/fleet/hub/store/layout.ts'
import { freePort } from '../test/support/free-port.ts'
import { credentialsOf } from './fleet-credentials.ts'
import type { Measured, Started } from './fleet-hub.ts'
import { FleetPrinter } from './fleet-printer.ts'
import { sleep } from './load.ts'
import { cpuSeconds, memory } from './process-facts.ts'

const HELP = `Usage: node bench/fleet.ts [options]

  --printers N    simulated printers, each with a connection and a credential of its own (default 500)
  --seconds S     how long they are measured (default 20)
  --printing P    percent of them that print, at one state a second; the others write one each 30 s (default 30)
  --help          print this

Ends with code 1 if the newest state of a printer is not the one that the hub has, or if a connection was lost.
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

interface Options {
  readonly printers: number
  readonly seconds: number
  readonly printing: number
}

function readOptions(): Options | null {
  const { values } = parseArgs({
    options: {
      printers: { type: 'string', default: '500' },
      seconds: { type: 'string', default: '20' },
      printing: { type: 'string', default: '30' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return null
  const whole = (name: 'printers' | 'seconds' | 'printing') => {
    const value = Number(values[name])
    if (Number.isInteger(value) && value >= 1) return value
    throw new Error(`--${name} ${values[name]}: give a whole number above 0`)
  }
  return { printers: whole('printers'), seconds: whole('seconds'), printing: whole('printing') }
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

/** Lets the printers join, as the hub does it. */
async function letJoin(
  folder: string,
  started: Started,
  { printers, printing }: Options,
  onLost: () => void,
) {
  const log = new Log({ clock: systemClock, file: null, structured: false, level: 'error', console: null })
  const credentials = join(folder, 'engine', 'hub.creds')
  const connection = await connectEngine({
    servers: [started.engineUrl],
    credentials,
    name: 'bench',
    clock: systemClock,
    log,
  })
  const { buckets } = await ensureLayout(connection)
  const records = new Bucket(buckets.fleet_printers, printerRecordSchema, { conflicts: 0 })
  const keys = ensureKeys(join(folder, 'engine'))
  const createCredential = credentialsOf({
    key: keys.printerSigner,
    account: keys.account.getPublicKey(),
  })
  const port = Number(new URL(started.engineUrl).port)
  const all: FleetPrinter[] = []
  const indices = Array.from({ length: printers }, (_, index) => index)
  await forEachConcurrently(indices, 50, async index => {
    const id = (index + 1).toString(16).padStart(32, '0')
    const { nkey, ...credential } = createCredential(id)
    await records.put(id, {
      name: `printer ${index + 1}`,
      site: `hall ${index % 10}`,
      labels: {},
      nkey,
      enrolled_at: Date.now(),
      enrolled_by: null,
      maintenance: false,
    })
    const { epoch } = started
    all[index] = new FleetPrinter({
      ...credential,
      id,
      port,
      epoch,
      printing: index % 100 < printing,
      onLost,
    })
  })
  await connection.close()
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
async function openPage({ url, password }: Started, printers: readonly FleetPrinter[]) {
  const login = await fetch(`${url}/access/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ username: 'admin', password }),
  })
  const { result } = (await login.json()) as { result: { token: string } }
  const page = new WebSocket(`${url.replace('http', 'ws')}/fleet/live?access_token=${result.token}`)
  const counts = { messages: 0, bytes: 0 }
  page.on('message', data => {
    counts.messages += 1
    counts.bytes += (data as Buffer).length
  })
  await once(page, 'open')
  page.send(JSON.stringify({ rows: printers.slice(0, ROWS).map(({ id }) => id) }))
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

async function main(): Promise<void> {
  const options = readOptions()
  if (options === null) return void process.stdout.write(HELP)
  checkFileLimit(options.printers)
  const folder = mkdtempSync(join(tmpdir(), 'fleet-bench-'))
  const [child, started] = await startHubProcess(folder)
  let lost = 0
  let printers: FleetPrinter[] = []
  try {
    printers = await letJoin(folder, started, options, () => {
      lost += 1
    })
    const connecting = await connectAll(printers)
    const { page, counts } = await openPage(started, printers)
    await run(printers, { ...options, seconds: SETTLE_SECONDS })
    await request(child, 'measure')
    Object.assign(counts, { messages: 0, bytes: 0 })
    const pids = { broker: started.enginePid, hub: child.pid ?? 0, generator: process.pid }
    const before = Object.values(pids).map(cpuSeconds)
    const measuredFrom = performance.now()
    const sent = await run(printers, options)
    const elapsed = (performance.now() - measuredFrom) / 1000
    const cpu = Object.values(pids).map((pid, index) => cpuSeconds(pid) - (before[index] as number))
    await sleep(DRAIN_SECONDS)
    const { received, delay, newest } = await request<Measured>(child, 'result')
    page.terminate()
    const stale = printers.filter(({ id, seq }) => newest[id] !== seq).length
    const figure = (value: number, digits = 1) => value.toFixed(digits)
    const rows = Object.entries(pids).map(([name, pid], index) => {
      const used = cpu[index] as number
      const share = figure((used / elapsed) * 100)
      return `| ${name} | ${share} % | ${figure((used / sent) * 1e6)} µs | ${figure(memory(pid).rss)} MB |`
    })
    console.log(
      [
        `${options.printers} printers, ${options.printing} % printing, ${options.seconds} s; one machine, loopback, ` +
          `${cpus().length} cores (${cpus()[0]?.model.trim()}), Node ${process.version}`,
        '',
        `connected in ${figure(connecting)} s; connections lost: ${lost}`,
        `states sent: ${sent} (${figure(sent / elapsed)}/s), received by the hub: ${received} ` +
          `(${figure(received / elapsed)}/s)`,
        `printers whose newest state the hub does not have: ${stale}`,
        `printer to hub: p50 ${delay.p50} ms, p99 ${delay.p99} ms, most ${delay.most} ms`,
        `page with ${Math.min(ROWS, options.printers)} rows: ${figure(counts.messages / elapsed)} messages/s, ` +
          `${figure(counts.bytes / elapsed / 1024)} kB/s`,
        '',
        '| process | CPU (one core is 100 %) | CPU per state | RSS |',
        '|---|--:|--:|--:|',
        ...rows,
      ].join('\n'),
    )
    if (stale > 0 || lost > 0) process.exitCode = 1
  } finally {
    for (const printer of printers) printer?.close()
    child.send('stop')
    await once(child, 'exit')
    rmSync(folder, { recursive: true, force: true })
  }
}

await main()
