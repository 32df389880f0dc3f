// Virtual printers for servers of a benchmark, in a process of their own: node virtual-printers.ts FOLDER..., each the data
// folder of a server. Its parent receives a message when all are there.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { dataPaths } from '../src/core/paths.ts'
import { defaultPrinterCfg, VirtualPrinter } from '../src/virtual-printer/index.ts'

for (const data of process.argv.slice(2)) {
  const { config, gcodes, logs } = dataPaths(data)
  for (const folder of [config, gcodes, logs]) mkdirSync(folder, { recursive: true })
  const configFile = join(config, 'printer.cfg')
  writeFileSync(configFile, defaultPrinterCfg({ strict: false }))
  // Where `ownServer` lets its server look for Klippy.
  const socketPath = join(data, 'klippy.sock')
  const printer = { socketPath, configFile, gcodesPath: gcodes, logFile: join(logs, 'klippy.log') }
  await new VirtualPrinter(printer).start()
}
process.send?.('ready')
process.on('disconnect', () => process.exit(0))
