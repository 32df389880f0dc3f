// Runs a virtual printer from the command line until it is interrupted.

import { existsSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { makeFoldersSync } from '../core/make-folders.ts'
import { defaultPrinterCfg } from './default-printer-cfg.ts'
import { messageOf } from './errors.ts'
import { VirtualPrinter } from './virtual-printer.ts'

const USAGE = `Usage: node src/virtual-printer/main.ts --socket PATH --config PRINTER.CFG [options]

  --socket PATH   unix socket for API clients
  --config PATH   printer.cfg; written with a default machine when it does not exist
  --gcodes DIR    folder of G-code files, for a [virtual_sdcard] without a path
  --log PATH      klippy.log
  --speed N       simulated seconds per second (default 1)
  --strict        write a default machine that rejects the files of other machines
`

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      socket: { type: 'string' },
      config: { type: 'string' },
      gcodes: { type: 'string' },
      log: { type: 'string' },
      speed: { type: 'string', default: '1' },
      strict: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help || values.socket === undefined || values.config === undefined) {
    process.stdout.write(USAGE)
    process.exitCode = values.help ? 0 : 2
    return
  }
  const speed = Number(values.speed)
  if (!(speed > 0)) throw new Error(`--speed ${values.speed} is not a positive number`)
  if (!existsSync(values.config)) {
    makeFoldersSync(dirname(values.config))
    writeFileSync(values.config, defaultPrinterCfg(values))
  }
  const printer = new VirtualPrinter({
    socketPath: values.socket,
    configFile: values.config,
    speed,
    ...(values.gcodes === undefined ? {} : { gcodesPath: values.gcodes }),
    ...(values.log === undefined ? {} : { logFile: values.log }),
  })
  await printer.start()
  process.stdout.write(`virtual printer on ${values.socket}\n`)
  const stop = () => void printer.stop()
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
}

main().catch((error: unknown) => {
  process.stderr.write(`${messageOf(error)}\n`)
  process.exitCode = 1
})
