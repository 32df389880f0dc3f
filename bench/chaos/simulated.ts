// The simulated printers of a chaos run, in a process of their own that may be killed: node simulated.ts FILE FOLDER. The
// file has their credentials, the folder what they remember.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { authenticator } from '../../src/components/fleet/engine/authenticator.ts'
import { SimulatedPrinter } from '../../test/fleet/hub/simulated-printer.ts'
import { FileJournal } from './file-journal.ts'

/** Milliseconds until the engine is tried again. */
const RETRY = 200

/** What the file contains. */
export interface SimulatedFleet {
  readonly engine: string
  readonly ca: string
  readonly epoch: string
  readonly printers: readonly {
    readonly id: string
    readonly jwt: string
    readonly seed: string
    readonly printTime: number
  }[]
}

/** What a simulated printer has done. */
export interface SimulatedReport {
  readonly id: string
  /** `JOB ATTEMPT` of each start. */
  readonly starts: readonly string[]
  /** The ids of its events, in their order. */
  readonly events: readonly string[]
  /** The time of its newest state. */
  readonly stateAt: number
}

const [, , file = '', folder = ''] = process.argv
const { engine, ca, epoch, printers: all } = JSON.parse(readFileSync(file, 'utf8')) as SimulatedFleet
const printers = all.map(
  ({ id, jwt, seed, printTime }) =>
    new SimulatedPrinter({
      id,
      url: engine,
      ca,
      authenticator: authenticator({ jwt, seed }),
      epoch,
      printTime,
      journal: new FileJournal(join(folder, id)),
    }),
)

/** Starts a printer, again while the engine does not answer. */
async function start(printer: SimulatedPrinter): Promise<void> {
  for (;;) {
    try {
      return await printer.start()
    } catch {
      await printer.stop()
      await delay(RETRY)
    }
  }
}

async function report(): Promise<void> {
  await Promise.all(printers.map(printer => printer.sent()))
  for (const printer of printers) printer.writeState()
  const reports = printers.map(
    ({ id, starts, events, stateAt }): SimulatedReport => ({
      id,
      starts,
      events: events.map(event => event.id),
      stateAt,
    }),
  )
  process.send?.(reports)
}

process.on('message', () => void report())
process.on('disconnect', () => process.exit(0))
await Promise.all(printers.map(start))
console.log('connected')
