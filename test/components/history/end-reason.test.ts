import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EndReason, type JobEnd } from '../../../src/components/history/end-reason.ts'

const end = (status: string, more: Partial<JobEnd> = {}): JobEnd => ({
  status,
  message: '',
  klippyMessage: 'Printer is ready',
  time: 1000,
  ...more,
})
const textOf = (reason: EndReason, of: JobEnd) => reason.fieldsOf(of)[0]?.value

test('only the errors of the console, and only shortly before the end, explain a cancelled job', () => {
  const reason = new EndReason()
  reason.responded('!! Extrude below minimum temp', 989)
  assert.equal(textOf(reason, end('cancelled')), 'Cancelled on request')
  reason.responded('!! Extrude below minimum temp', 995)
  reason.responded('// Unknown command:"M600"', 996)
  assert.equal(textOf(reason, end('cancelled')), 'Extrude below minimum temp')
  assert.equal(textOf(reason, end('cancelled')), 'Cancelled on request', 'an error explains one job')
})

test("Klipper's own message comes first; without one there is a reason too", () => {
  const reason = new EndReason()
  reason.responded('!! of the console', 1000)
  assert.equal(textOf(reason, end('error', { message: 'of the print' })), 'of the print')
  assert.equal(textOf(reason, end('error')), 'Klipper gives no reason')
  const klippyMessage = 'Shutdown due to M112 command\nOnce the underlying issue is corrected, use the'
  assert.equal(textOf(reason, end('klippy_shutdown', { klippyMessage })), 'Shutdown due to M112 command')
})

test('a job that is complete or continues without the server has no reason', () => {
  const reason = new EndReason()
  reason.responded('!! of the console', 1000)
  assert.deepEqual(reason.fieldsOf(end('completed')), [])
  assert.deepEqual(reason.fieldsOf(end('server_exit')), [])
})
