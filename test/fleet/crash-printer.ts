// A server with [fleet] that kills itself at one of its durable or outward steps:
// node crash-printer.ts <data folder> <Klippy's socket> <step, 0 for none>. A line on stdin starts to count the steps.
import { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { startServer } from '../../src/app/server.ts'
import { dataPaths } from '../../src/core/paths.ts'
import { testLog } from '../support/test-log.ts'

const [folder = '', klippySocket = '', stepText = '0'] = process.argv.slice(2)
const last = Number(stepText)
let counted = 0
let isCounting = false

/** One step: between two of them the server only computes. */
function step(): void {
  if (!isCounting) return
  counted += 1
  if (counted === last) process.kill(process.pid, 'SIGKILL')
}

const exec = Reflect.get(DatabaseSync.prototype, 'exec') as (this: DatabaseSync, sql: string) => void
DatabaseSync.prototype.exec = function (sql) {
  if (sql !== 'COMMIT') return exec.call(this, sql)
  step()
  exec.call(this, sql)
  step()
}

/** What goes to the engine about the slot and the events, and what starts a print. */
const OUTWARD = /KV\.fleet_slots|fleet\.v1\.ev\.|SDCARD_PRINT_FILE/
type Write = (this: Socket, ...args: unknown[]) => boolean
const write = Reflect.get(Socket.prototype, 'write') as Write
Socket.prototype.write = function (this: Socket, data: unknown, ...rest: unknown[]) {
  const text = typeof data === 'string' ? data : Buffer.from(data as Uint8Array).toString('latin1')
  const isOutward = OUTWARD.test(text)
  if (isOutward) step()
  const result = write.call(this, data, ...rest)
  if (isOutward) step()
  return result
} as Socket['write']

const { port } = await startServer({
  paths: dataPaths(folder),
  log: testLog({ console: line => process.stderr.write(`${line}\n`), level: 'warning' }),
  klippySocket,
})
process.stdout.write(`${port}\n`)
for await (const _line of createInterface({ input: process.stdin })) {
  isCounting = true
  process.stdout.write('counting\n')
}
