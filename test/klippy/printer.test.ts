// What the printer reports of a print in progress, against a Klippy that reports each state.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Printer } from '../../src/klippy/printer.ts'
import { FakeKlippy } from '../support/fake-klippy.ts'
import { printerAt, strictEvents } from '../support/printer-at.ts'

/** A printer at a Klippy's socket; resolves when the event has come. */
async function connected(path: string, event: 'klippy:ready' | 'klippy:shutdown'): Promise<Printer> {
  const events = strictEvents()
  const printer = printerAt(path, { events })
  const seen = new Promise<void>(resolve => void events.on(event, resolve))
  printer.session.start()
  await seen
  return printer
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
