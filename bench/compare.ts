// Compares two builds of our server: `node bench/compare.ts OTHER [names of cases]`, where OTHER is another checkout with
// a build. The rounds alternate, so that other work on the machine changes both figures alike.
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { FakeKlippy } from '../test/support/fake-klippy.ts'
import { type Case, cases, type Subject } from './cases.ts'
import { sleep } from './load.ts'
import { printingKlippy } from './printing-klippy.ts'
import { ownServer, type Started, startTarget, type Target } from './server-process.ts'
import type { SessionTimes } from './session.ts'
import { Table } from './table.ts'

/** Seconds after its start at which a server is idle. */
const SETTLE = 3

/** A build that is measured. */
interface Side {
  readonly name: string
  readonly target: Target
  readonly started: Started
  readonly klippy: FakeKlippy
}

async function startSide(name: string, folder: string): Promise<Side> {
  const target = await ownServer([], join(folder, 'dist', 'moonraker.cjs'))
  const klippy = await printingKlippy(target.klippySocket as string)
  // The first start compiles the build and keeps the code.
  await (await startTarget(target)).stop()
  return { name, target, klippy, started: await startTarget(target) }
}

async function stopSide({ started, klippy, target }: Side): Promise<void> {
  await started.stop()
  await klippy.close()
  target.clean()
}

async function measure(each: Case, side: Side, times: SessionTimes, table: Table): Promise<void> {
  const { name, target, klippy, started } = side
  const { address, socketPath } = target
  const subject: Subject = { address, socketPath, pid: started.pid, klippy }
  for (const figure of (await each.run(subject, times)) ?? []) {
    table.add({ ...figure, label: `${figure.label} (${name})` })
  }
  await each.clean?.(subject)
}

/** Cases that take minutes are measured on both at the same time, since their load is small. */
async function compare(each: Case, sides: readonly Side[], times: SessionTimes, table: Table): Promise<void> {
  if (each.isLong) await Promise.all(sides.map(side => measure(each, side, times, table)))
  else for (const side of sides) await measure(each, side, times, table)
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '9' },
    'warm-up': { type: 'string', default: '60' },
    counted: { type: 'string', default: '300' },
  },
})
const [other, ...names] = positionals
if (other === undefined) throw new Error('give the folder of another checkout, which has a build')
const times = { warmUp: Number(values['warm-up']), counted: Number(values.counted) }
const table = new Table()
const sides: Side[] = []
try {
  sides.push(await startSide('other', resolve(other)))
  sides.push(await startSide('this', resolve(import.meta.dirname, '..')))
  await sleep(SETTLE)
  for (const each of cases.filter(({ name }) => names.includes(name))) {
    const rounds = each.isLong ? 1 : Number(values.rounds)
    for (let round = 0; round < rounds; round += 1) {
      await compare(each, round % 2 === 0 ? sides : sides.toReversed(), times, table)
    }
  }
} finally {
  for (const side of sides) await stopSide(side)
}
console.log(table.text())
