// A server process that a test kills: node crash-server.ts <data folder> <Klippy's socket>; prints its port.
import { startServer } from '../../src/app/server.ts'
import { systemClock } from '../../src/core/clock.ts'
import { Log } from '../../src/core/log.ts'
import { dataPaths } from '../../src/core/paths.ts'

const [folder = '', klippySocket = ''] = process.argv.slice(2)
const { port } = await startServer({
  paths: dataPaths(folder),
  log: new Log({
    clock: systemClock,
    file: null,
    structured: false,
    level: 'warning',
    console: line => process.stderr.write(`${line}\n`),
  }),
  klippySocket,
})
process.stdout.write(`${port}\n`)
