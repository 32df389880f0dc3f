// What the printer reports of a print in progress, against a Klippy that reports each state.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../../src/core/clock.ts'
import { EventBus } from '../../src/core/events.ts'
import { Log } from '../../src/core/log.ts'
import { KlippyLink } from '../../src/klippy/link.ts'
import { Printer } from '../../src/klippy/printer.ts'
import { Queries } from '../../src/klippy/queries.ts'
import { KlippySession } from '../../src/klippy/session.ts'
import { Subscriptions } from '../../src/klippy/subscriptions.ts'
import { FakeKlippy } from '../support/fake-klippy.ts'

/** A printer at a Klippy's socket; resolves when the event has come. */
async function connected(path: string, event: 'klippy:ready' | 'klippy:shutdown'): Promise<Printer> {
  const events = new EventBus(name => assert.fail(name))
  const log = new Log({ clock: systemClock, file: null, structured: false, level: 'info', console: null })
  const link = new KlippyLink({ path, clock: systemClock, log })
  const subscriptions = new Subscriptions(link, systemClock)
  const session = new KlippySession({ link, subscriptions, events, clock: systemClock, log, version: 'v1' })
  const queries = new Queries(link, subscriptions)
  const seen = new Promise<void>(resolve => void events.on(event, resolve))
  session.start()
  await seen
  return new Printer({ link, session, subscriptions, queries, events })
}

test('a printer is busy with a print, also with a paused one, and prints only with the first', async t => {
  await using klippy = await FakeKlippy.start()
  const printer = await connected(klippy.path, 'klippy:ready')
  t.after(() => printer.session.stop())
  for (const [state, isBusy, isPrinting] of [
    ['standby', false, false],
    ['printing', true, true],
    ['paused', true, false],
    ['complete', false, false],
    ['cancelled', false, false],
    ['error', false, false],
  ] as const) {
    klippy.change('print_stats', { state })
    assert.deepEqual([await printer.isBusy(), await printer.isPrinting()], [isBusy, isPrinting], state)
  }
})

test('a Klippy that has shut down, or is gone, prints nothing', async () => {
  await using klippy = await FakeKlippy.start('shutdown')
  klippy.change('print_stats', { state: 'printing' })
  const printer = await connected(klippy.path, 'klippy:shutdown')
  assert.deepEqual([await printer.isBusy(), await printer.isPrinting()], [false, false])
  printer.session.stop()
  assert.equal(await printer.isBusy(), false)
})
