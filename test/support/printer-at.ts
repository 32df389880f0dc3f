// A printer without a server around it, for tests of what uses one.
import { strict as assert } from 'node:assert'
import { type Clock, systemClock } from '../../src/core/clock.ts'
import { messageOf } from '../../src/core/errors.ts'
import { EventBus } from '../../src/core/events.ts'
import { Warnings } from '../../src/core/warnings.ts'
import { Printer } from '../../src/klippy/printer.ts'
import { testLog } from './test-log.ts'

/** What a test may choose. */
export interface PrinterAtOptions {
  readonly events?: EventBus
  readonly clock?: Clock
  /** Receives every line of the log. */
  readonly log?: (line: string) => void
}

/** An event bus on which a listener that fails fails the test. */
export function strictEvents(): EventBus {
  return new EventBus((event, error) => assert.fail(`${event}: ${messageOf(error)}`))
}

/** A printer at a Klippy's socket; `session.start()` connects it. */
export function printerAt(path: string, options: PrinterAtOptions = {}): Printer {
  const { events = strictEvents(), clock = systemClock, log: console = null } = options
  const log = testLog({ clock, console })
  return new Printer({ path, events, clock, log, warnings: new Warnings(), version: 'v1' })
}
