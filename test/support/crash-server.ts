// A server process that a test kills: node crash-server.ts <data folder> <Klippy's socket>; prints its port.
import { startServer } from '../../src/app/server.ts'
import { dataPaths } from '../../src/core/paths.ts'
import { testLog } from './test-log.ts'

const [folder = '', klippySocket = ''] = process.argv.slice(2)
const { port } = await startServer({
  paths: dataPaths(folder),
  log: testLog({ console: line => process.stderr.write(`${line}\n`), level: 'warning' }),
  klippySocket,
})
process.stdout.write(`${port}\n`)
