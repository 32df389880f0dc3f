// A workshop as a process: its command, its signals, and its end after an error that no code has caught.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WorkshopRun } from './workshop-run.ts'

test('the log names the printer, SIGHUP reads workshop.conf again, SIGTERM ends with 0', async () => {
  await using run = new WorkshopRun()
  await run.start()
  await run.printed(/^\[one\] \S+ INFO/m)
  run.writeConf('two')
  run.writeWorkshop(['one', 'two'])
  run.signal('SIGHUP')
  await run.printed(/^\[two\] \S+ INFO/m)
  run.signal('SIGTERM')
  assert.equal(await run.ended(), 0)
})

test('a workshop.conf that is wrong after SIGHUP changes nothing', async () => {
  await using run = new WorkshopRun()
  const url = await run.start()
  await run.printed(/^\[one\] \S+ INFO/m)
  run.write('workshop.conf', '[workshop]\nport: many\n')
  run.signal('SIGHUP')
  await run.printed(/workshop\.conf is not reloaded: .*"port: many"/)
  let status = 503
  while (status === 503) ({ status } = await fetch(`${url}/one/server/info`))
  assert.equal(status, 200)
})

test('an error that no code has caught ends the process with 70', async () => {
  await using run = new WorkshopRun()
  await run.start("process.on('SIGUSR2', () => { throw new Error('broken') })")
  run.signal('SIGUSR2')
  assert.equal(await run.ended(), 70)
  await run.printed(/ERROR {3}uncaught error, the process ends: Error: broken/)
})
