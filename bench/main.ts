// Measures a server of this API and prints one table: `node bench/main.ts --help`.
import { cpus } from 'node:os'
import type { FakeKlippy } from '../test/support/fake-klippy.ts'
import { type Case, cases, type Figure, type Subject } from './cases.ts'
import { sleep } from './load.ts'
import { HELP, type Options, readOptions } from './options.ts'
import { printingKlippy } from './printing-klippy.ts'
import { memory } from './process-facts.ts'
import { startTarget, type Target, targetOf } from './server-process.ts'
import { Table } from './table.ts'

/** Seconds after its start at which a server is idle. */
const SETTLE = 3
/** Seconds after its last load at which it is so again. */
const REST = 25

/** Runs of each case where no number is given. */
const RUNS = 3

const wanted = ({ names }: Options, name: string, isLong = false) =>
  names.length === 0 ? !isLong : names.includes(name)

async function main(options: Options): Promise<void> {
  const known = ['startup', 'memory', ...cases.map(({ name }) => name)]
  const unknown = options.names.find(name => !known.includes(name))
  if (unknown !== undefined) throw new Error(`there is no case '${unknown}'; there are ${known.join(', ')}`)
  const target = await targetOf(options)
  const klippy = target.klippySocket === null ? null : await printingKlippy(target.klippySocket)
  const table = new Table()
  try {
    if (wanted(options, 'startup') && target.command !== null)
      await measureStartup(target, options.runs ?? RUNS, table)
    await measureRunning(target, klippy, options, table)
  } finally {
    await klippy?.close()
    target.clean()
  }
  console.log(
    `Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model.trim()}), ` +
      `${options.runs ?? RUNS} runs (idle and session: ${options.runs ?? 1})\n`,
  )
  console.log(table.text())
}

async function measureStartup(target: Target, runs: number, table: Table): Promise<void> {
  // The first start makes folders and fills the caches of the file system.
  for (let run = 0; run <= runs; run += 1) {
    const { seconds, stop } = await startTarget(target)
    await stop()
    if (run > 0) table.add({ label: 'start to first answer', unit: 'ms', value: (seconds ?? 0) * 1000 })
  }
}

async function measureRunning(
  target: Target,
  klippy: FakeKlippy | null,
  options: Options,
  table: Table,
): Promise<void> {
  const { pid, stop } = await startTarget(target)
  try {
    const subject: Subject = { address: target.address, socketPath: target.socketPath, pid, klippy }
    await sleep(SETTLE)
    const withMemory = wanted(options, 'memory') && pid !== null
    if (withMemory) addMemory(table, 'idle', pid)
    for (const each of cases)
      if (wanted(options, each.name, each.isLong)) await measureCase(each, subject, options, table)
    if (withMemory && cases.some(({ name, isLong }) => wanted(options, name, isLong))) {
      addMemory(table, 'after these loads', pid)
      await sleep(REST)
      addMemory(table, 'idle after them', pid)
    }
  } finally {
    await stop()
  }
}

function addMemory(table: Table, when: string, pid: number): void {
  const { rss, anonymous } = memory(pid)
  table.add({ label: `memory ${when}: resident`, unit: 'MB', value: rss })
  table.add({ label: `memory ${when}: anonymous`, unit: 'MB', value: anonymous })
}

/** A case that fails is a row of the table; the others continue. */
async function measureCase(each: Case, subject: Subject, options: Options, table: Table): Promise<void> {
  const runs = options.runs ?? (each.isLong ? 1 : RUNS)
  try {
    for (let run = 0; run < runs; run += 1) {
      const figures: Figure[] | null = await each.run(subject, options)
      if (figures === null) return table.note(each.name, 'not measured: see --help')
      for (const figure of figures) table.add(figure)
    }
    await each
      .clean?.(subject)
      .catch((error: Error) => table.note(each.name, `not cleaned up: ${error.message}`))
  } catch (error) {
    table.note(each.name, `failed: ${error instanceof Error ? error.message : String(error)}`)
  }
}

try {
  const options = readOptions(process.argv.slice(2))
  if (options.help) console.log(HELP)
  else await main(options)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
