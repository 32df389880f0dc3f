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

/** Makes the calls that measure the disk of printer two throw what no code expects. */
const BROKEN_DISK = `
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
const { statfs } = fs
fs.statfs = async path => {
  if (path.includes('printer_two')) throw new TypeError('broken')
  return statfs(path)
}
syncBuiltinESMExports()
`

test('a handler that throws: its caller gets an error, the others their replies', async () => {
  await using run = new WorkshopRun(['one', 'two'])
  const url = await run.start(BROKEN_DISK)
  const answers = async (name: string, path: string) => {
    for (;;) {
      const reply = await fetch(`${url}/${name}/server/${path}`)
      if (reply.status !== 503) return [reply.status, ((await reply.json()) as { error?: object }).error]
    }
  }
  const internal = { code: 500, message: 'Internal Server Error' }
  const directory = 'files/directory?path=gcodes'
  const replies = await Promise.all([answers('two', directory), answers('one', directory)])
  assert.deepEqual(replies, [
    [500, internal],
    [200, undefined],
  ])
  await run.printed(/^\[two\] \S+ ERROR .*broken/m)
  assert.deepEqual(await answers('two', 'info'), [200, undefined])
})
