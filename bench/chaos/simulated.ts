// The simulated printers of a chaos run, in a process of their own: node simulated.ts FILE. The file has their credentials.
import { readFileSync } from 'node:fs'
import { authenticator } from '../../src/components/fleet/engine/authenticator.ts'
import { SimulatedPrinter } from '../../test/fleet/hub/simulated-printer.ts'

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

const [, , file = ''] = process.argv
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
    }),
)
for (const printer of printers) await printer.start()

process.on('message', () => {
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
})
process.on('disconnect', () => process.exit(0))
console.log('connected')
