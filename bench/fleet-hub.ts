// The hub of the fleet's benchmark, in a process of its own: the real hub and its engine, with a listener that measures
// how long each state was on its way. Its parent starts it with the folder as argument, and sends it words.
import { join } from 'node:path'
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { systemClock } from '../src/core/clock.ts'
import { Log } from '../src/core/log.ts'
import { keepNewSpaceSmall } from '../src/core/memory.ts'
import { connectEngine } from '../src/fleet/hub/engine/link.ts'
import { LocalEngine } from '../src/fleet/hub/engine/local.ts'
import { startHub } from '../src/fleet/hub/hub.ts'
import { isReal } from './fleet-printer.ts'

/** States since the start of the measurement, and the milliseconds that they were on their way. */
export interface Received {
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly most: number
}

/** What the hub has measured. */
export interface Measured {
  readonly simulated: Received
  /** Those of real servers. */
  readonly real: Received
  /** The newest number of each printer's states. */
  readonly newest: Readonly<Record<string, number>>
}

/** How the hub can be reached. */
export interface Started {
  readonly url: string
  readonly enginePid: number
  readonly engineUrl: string
  readonly epoch: string
  readonly password: string
}

const [, , folder = '', port = ''] = process.argv
keepNewSpaceSmall()
const log = new Log({
  clock: systemClock,
  file: null,
  structured: false,
  level: 'warning',
  console: line => console.error(line),
})
const files = { certificate: join(folder, 'none'), key: join(folder, 'none') }
const engine = await LocalEngine.start({
  ...files,
  folder: join(folder, 'engine'),
  port: Number(port),
  clock: systemClock,
  log,
})
const connection = await connectEngine({
  servers: [engine.address],
  credentials: engine.credentials,
  name: 'hub',
  clock: systemClock,
  log,
})
const hub = await startHub({
  ...files,
  connection,
  engine,
  blobs: join(folder, 'blobs'),
  maxFilesBytes: 1e9,
  host: '127.0.0.1',
  port: 0,
  tlsPort: 0,
  ca: null,
  hubUrl: null,
  engineUrls: [engine.address],
  proxies: [],
  clock: systemClock,
  log,
})

// Counts only: a list of the delays would be a part of the memory that is measured.
const delays = { simulated: createHistogram(), real: createHistogram() }
hub.store.directory.onChange(({ id, state }, aspect) => {
  if (aspect !== 'state' || state === null) return
  const kind = isReal(id) ? 'real' : 'simulated'
  delays[kind].record(Math.max(1, Date.now() - state.t))
})

function receivedOf(histogram: RecordableHistogram): Received {
  const { count, max: most } = histogram
  return { count, p50: histogram.percentile(50), p99: histogram.percentile(99), most }
}

const answers: Readonly<Record<string, () => unknown>> = {
  measure: () => {
    delays.simulated.reset()
    delays.real.reset()
    return null
  },
  result: (): Measured => ({
    simulated: receivedOf(delays.simulated),
    real: receivedOf(delays.real),
    newest: Object.fromEntries(hub.store.directory.members().map(({ id, state }) => [id, state?.seq ?? 0])),
  }),
}

async function stop(): Promise<void> {
  await hub.stop()
  await connection.close()
  await engine.stop()
  process.disconnect?.()
}

process.on('message', (word: string) => {
  if (word === 'stop') void stop()
  else process.send?.(answers[word]?.() ?? null)
})
process.on('disconnect', () => process.exit(0))
const started: Started = {
  url: hub.url,
  enginePid: engine.pid ?? 0,
  engineUrl: engine.address,
  epoch: hub.store.epoch,
  password: hub.firstUser?.password ?? '',
}
process.send?.(started)
