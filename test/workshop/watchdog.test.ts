// An endless loop in the code of one printer: the service manager notices it, and the prints of all printers go on.
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
const LOOP = "process.on('SIGUSR2', () => { for (;;); })"
/** Seconds; the process reports three times as often. */
const WATCHDOG = 3

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

test('an endless loop ends the process by the watchdog, and the prints go on', async () => {
  await using run = new WorkshopRun(NAMES)
  await using stack = new AsyncDisposableStack()
  for (const name of NAMES) {
    const printer = await startPrinterInFolder(run.paths(name), {})
    stack.defer(() => printer.stop())
    run.writeConf(name, `klippy_uds_address: ${printer.socketPath}`)
  }
  await using service = new WatchedService({
    socket: join(run.folder, 'notify'),
    watchdog: WATCHDOG,
    start: env => run.spawn(LOOP, env),
  })
  const clientsAt = (url: string) => Promise.all(NAMES.map(name => connect({ url: `${url}/${name}` })))
  for (const client of await clientsAt(await run.address(1))) {
    await until(() => isReady(client))
    await client.files.upload(PART, { path: 'part.gcode', print: true })
    await until(async () => (await statesOf(client)).join() === 'printing,in_progress')
  }
  assert.deepEqual(service.ends, [])
  run.signal('SIGUSR2')
  for (const client of await clientsAt(await run.address(2))) {
    await until(() => isReady(client))
    await until(async () => (await statesOf(client)).join() === 'printing,in_progress')
  }
  assert.deepEqual(service.ends, ['SIGABRT'])
})
