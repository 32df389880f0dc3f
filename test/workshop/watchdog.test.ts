// Failures in the code of one printer that only the service manager can end: the prints of all printers go on.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { startPrinterInFolder } from '../../src/app/virtual-printer-in-folder.ts'
import { type Client, connect } from '../../src/client/index.ts'
import { until } from '../support/until.ts'
import { WatchedService } from '../support/watched-service.ts'
import { WorkshopRun } from './workshop-run.ts'

const NAMES = ['one', 'two']
const PART = `G28\nG1 X10 Y10 Z5 F6000\n${'G1 X100 F600\nG1 X10 F600\n'.repeat(500)}`
/** What goes wrong in each process, and how it ends. */
const FAILURES = [
  ['for (;;);', 'SIGABRT'],
  ['const kept = []; setInterval(() => kept.length < 200 && kept.push(Buffer.alloc(8e6, 1)), 5)', 'SIGKILL'],
] as const
/** Seconds; the process reports three times as often. */
const WATCHDOG = 3
/** Bytes; a process without a failure has about 100 MB. */
const MEMORY_MAX = 400e6

async function isReady(client: Client): Promise<boolean> {
  const info = await client.call('server.info').catch(() => null)
  return info?.klippy_state === 'ready'
}

/** The states of the print and of all jobs. */
async function statesOf(client: Client): Promise<unknown[]> {
  const { status } = await client.call('printer.objects.query', { objects: { print_stats: ['state'] } })
  const { jobs } = await client.call('server.history.list', {})
  return [status.print_stats?.state, ...jobs.map(job => job.status)]
}

test('an endless loop, and memory that never ends, end the process, and the prints go on', async () => {
  await using run = new WorkshopRun(NAMES)
  await using stack = new AsyncDisposableStack()
  for (const name of NAMES) {
    const printer = await startPrinterInFolder(run.paths(name), {})
    stack.defer(() => printer.stop())
    run.writeConf(name, `klippy_uds_address: ${printer.socketPath}`)
  }
  let starts = 0
  await using service = new WatchedService({
    socket: join(run.folder, 'notify'),
    watchdog: WATCHDOG,
    memoryMax: MEMORY_MAX,
    start: env => {
      const [failure] = FAILURES[starts] ?? ['']
      starts += 1
      return run.spawn(`process.on('SIGUSR2', () => { ${failure} })`, env)
    },
  })
  for (let start = 1; start <= FAILURES.length + 1; start += 1) {
    const url = await run.address(start)
    for (const name of NAMES) {
      using client = await connect({ url: `${url}/${name}` })
      await until(() => isReady(client))
      if (start === 1) await client.files.upload(PART, { path: 'part.gcode', print: true })
      await until(async () => (await statesOf(client)).join() === 'printing,in_progress')
    }
    const ends = FAILURES.slice(0, start - 1).map(([, end]) => end)
    assert.deepEqual(service.ends, ends)
    if (start <= FAILURES.length) run.signal('SIGUSR2')
  }
})
