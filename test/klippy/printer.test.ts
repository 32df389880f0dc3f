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

test('a Klippy that has shut down, or has disconnected, prints nothing', async () => {
  await using klippy = await FakeKlippy.start('shutdown')
  klippy.change('print_stats', { state: 'printing' })
  const printer = await connected(klippy.path, 'klippy:shutdown')
  assert.deepEqual([await printer.isBusy(), await printer.isPrinting()], [false, false])
  printer.session.stop()
  assert.equal(await printer.isBusy(), false)
})

/** A preparation that runs until the print is cancelled. */
const untilCancelled = (_path: string, signal: AbortSignal) =>
  new Promise<string>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
  })

test('Klipper prints the file that the preparation returns', async t => {
  await using klippy = await FakeKlippy.start()
  klippy.answer('gcode/script', () => ({}))
  const printer = await connected(klippy.path, 'klippy:ready')
  t.after(() => printer.session.stop())
  const registration = printer.preparePrints(path => Promise.resolve(`${path}.gcode`))
  await printer.startPrint('/sub/a.bgcode')
  registration.remove()
  await printer.startPrint('b.gcode')
  const scripts = klippy.requests.filter(({ method }) => method === 'gcode/script')
  assert.deepEqual(
    scripts.map(({ params }) => params.script),
    ['SDCARD_PRINT_FILE FILENAME="sub/a.bgcode.gcode"', 'SDCARD_PRINT_FILE FILENAME="b.gcode"'],
  )
})

test('a print that is cancelled while its file is prepared does not start', async t => {
  await using klippy = await FakeKlippy.start()
  klippy.answer('pause_resume/cancel', () => ({}))
  const printer = await connected(klippy.path, 'klippy:ready')
  t.after(() => printer.session.stop())
  printer.preparePrints(untilCancelled)
  const start = assert.rejects(printer.startPrint('a.bgcode'), {
    status: 400,
    message: 'The print was cancelled before it started',
  })
  assert.equal(await printer.cancelPrint(), 'ok')
  await start
  assert.equal(klippy.count('pause_resume/cancel'), 1)
  assert.equal(klippy.count('gcode/script'), 0)
})

test('a print whose file is prepared while Klippy is shut down does not start', async t => {
  await using klippy = await FakeKlippy.start()
  const printer = await connected(klippy.path, 'klippy:ready')
  t.after(() => printer.session.stop())
  printer.preparePrints(untilCancelled)
  const start = printer.startPrint('a.bgcode')
  klippy.drop()
  await assert.rejects(start, { status: 400, message: /^Klippy was shut down/ })
})
