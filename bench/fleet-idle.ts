// What section [fleet] costs a server whose printer is idle: `npm run build && node bench/fleet-idle.ts [--counted S]`. A server
// with the section, connected to an engine, and one without it are measured at the same time.
import { randomBytes } from 'node:crypto'
import { cpus } from 'node:os'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { dataPaths } from '../src/core/paths.ts'
import { Engine } from '../test/fleet/engine.ts'
import { credentialFiles } from '../test/fleet/fleet-rig.ts'
import { printingKlippy } from './printing-klippy.ts'
import { ownServer, startTarget, type Target } from './server-process.ts'
import { idle, type SessionTimes } from './session.ts'
import { Table } from './table.ts'

const { values } = parseArgs({
  options: { 'warm-up': { type: 'string', default: '60' }, counted: { type: 'string', default: '300' } },
})
const times: SessionTimes = { warmUp: Number(values['warm-up']), counted: Number(values.counted) }
const table = new Table()

/** Measures a server; its rows start with `name`. */
async function measure(name: string, target: Target): Promise<void> {
  const klippy = await printingKlippy(target.klippySocket as string)
  const { pid, stop } = await startTarget(target)
  try {
    const subject = { address: target.address, socketPath: target.socketPath, pid, klippy }
    for (const figure of (await idle(subject, times)) ?? [])
      table.add({ ...figure, label: `${name}: ${figure.label}` })
  } finally {
    await stop()
    await klippy.close()
    target.clean()
  }
}

/** A server that has joined the fleet. */
async function joinedServer(engine: Engine): Promise<Target> {
  const target = await ownServer([`[fleet]\nengine: ${engine.url}`])
  const writeFiles = await credentialFiles(engine, randomBytes(16).toString('hex'))
  writeFiles(dataPaths(dirname(target.klippySocket as string)))
  return target
}

await using engine = await Engine.start()
await Promise.all([
  measure('without [fleet]', await ownServer()),
  measure('with [fleet]', await joinedServer(engine)),
])
console.log(`Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model.trim()})\n`)
console.log(table.text())
