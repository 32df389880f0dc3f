// The speed of the database over one WebSocket, and of the history's list: node bench/database.ts
// The server is the bundle with a folder of its own, whose history holds 100,000 jobs.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { systemClock } from '../src/core/clock.ts'
import { type NewJob, openStorage } from '../src/storage/index.ts'
import { measure } from './load.ts'
import { readOptions } from './options.ts'
import { type RpcRequest, webSocketLoad } from './rpc-load.ts'
import { startTarget, type Target, targetOf } from './server-process.ts'
import { Table } from './table.ts'

const IN_FLIGHT = 16
const RUNS = 3
const JOBS = 100_000
/** Files that the jobs printed. */
const FILES = 200
/** Jobs that are written in one transaction. */
const BATCH = 5000

const POSITION = { namespace: 'bench', key: 'settings.console.height' }
const WRITE: RpcRequest = { method: 'server.database.post_item', params: { ...POSITION, value: 480 } }

/** Requests that are made one after the other; what counts is how long one takes. */
const LISTS: Readonly<Record<string, object>> = {
  newest: { limit: 50 },
  'from the middle, with times': { limit: 50, start: JOBS / 2, since: 1, before: 4e9, order: 'asc' },
}

function job(index: number): NewJob {
  return {
    user: '_TRUSTED_USER_',
    filename: `part ${index % FILES}.gcode`,
    status: 'completed',
    start_time: 1.7e9 + index * 600,
    end_time: 1.7e9 + index * 600 + 500,
    print_duration: 450.5,
    total_duration: 500.25,
    filament_used: 1234.5678,
    metadata: {
      size: 1_234_567,
      slicer: 'OrcaSlicer',
      slicer_version: '2.1.1',
      estimated_time: 480,
      layer_height: 0.2,
      filament_colors: ['#FF8000'],
      thumbnails: [16, 32, 300].map(width => ({
        width,
        height: width,
        size: width * 20,
        relative_path: `.thumbs/part ${index % FILES}-${width}x${width}.png`,
      })),
    },
    auxiliary_data: [],
  }
}

/** Fills the data folder before the server has it. */
async function fill(folder: string): Promise<void> {
  for (const name of ['database', 'gcodes']) mkdirSync(join(folder, name), { recursive: true })
  for (let index = 0; index < FILES; index += 2)
    writeFileSync(join(folder, 'gcodes', `part ${index}.gcode`), '')
  const storage = openStorage({
    folder: join(folder, 'database'),
    backupFolder: join(folder, 'backup', 'database'),
    clock: systemClock,
    warn: text => console.error(text),
  })
  for (let index = 0; index < JOBS; index += BATCH) {
    await Promise.all(Array.from({ length: BATCH }, (_, offset) => storage.jobs.add(job(index + offset))))
  }
  await storage.close()
}

async function measureServer(target: Target, runs: number, table: Table): Promise<void> {
  const { pid, stop } = await startTarget(target)
  const rate = async (request: RpcRequest, inFlight: number) =>
    (await measure(await webSocketLoad(target.address, request, inFlight, WRITE), pid)).perSecond
  try {
    for (let run = 0; run < runs; run += 1) {
      const writes = await rate(WRITE, IN_FLIGHT)
      table.add({ label: `durable writes of an item, ${IN_FLIGHT} in flight`, unit: '/s', value: writes })
      const read = { method: 'server.database.get_item', params: POSITION }
      const reads = await rate(read, IN_FLIGHT)
      table.add({ label: `reads of an item, ${IN_FLIGHT} in flight`, unit: '/s', value: reads })
      for (const [name, params] of Object.entries(LISTS)) {
        const lists = await rate({ method: 'server.history.list', params }, 1)
        table.add({ label: `50 of ${JOBS} jobs, ${name}`, unit: 'ms', value: 1000 / lists })
      }
    }
  } finally {
    await stop()
  }
}

const { runs } = readOptions(process.argv.slice(2))
const target = await targetOf(readOptions([]))
const table = new Table()
try {
  await fill(dirname(dirname(target.socketPath ?? '')))
  await measureServer(target, runs ?? RUNS, table)
} finally {
  target.clean()
}
console.log(table.text())
