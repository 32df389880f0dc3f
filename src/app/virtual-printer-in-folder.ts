// The virtual printer of a data folder: it runs the folder's printer.cfg and prints the folder's files.
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf, StartError } from '../core/errors.ts'
import { makeFoldersSync } from '../core/make-folders.ts'
import type { DataPaths } from '../core/paths.ts'
import { defaultPrinterCfg, VirtualPrinter, type VirtualPrinterOptions } from '../virtual-printer/index.ts'

/** A virtual printer that runs. */
export interface RunningPrinter {
  readonly printer: VirtualPrinter
  /** Its own socket, not the one of a real Klippy. */
  readonly socketPath: string
  stop(): Promise<void>
}

/** How the printer runs, and which machine a first printer.cfg describes. */
export interface PrinterInFolderOptions extends Pick<VirtualPrinterOptions, 'speed' | 'statusInterval'> {
  readonly strict?: boolean
}

/** Starts the printer; writes a default printer.cfg if the folder has none. Rejects with StartError if it cannot start. */
export async function startPrinterInFolder(
  paths: DataPaths,
  { strict = false, ...pace }: PrinterInFolderOptions,
): Promise<RunningPrinter> {
  const socketPath = join(paths.comms, 'virtual-klippy.sock')
  const configFile = join(paths.config, 'printer.cfg')
  try {
    for (const folder of [paths.comms, paths.config, paths.logs]) makeFoldersSync(folder)
    makeFolder(paths.gcodes)
    if (!existsSync(configFile)) writeFileSync(configFile, defaultPrinterCfg({ strict }), { flag: 'wx' })
    const printer = new VirtualPrinter({
      socketPath,
      configFile,
      gcodesPath: paths.gcodes,
      logFile: join(paths.logs, 'klippy.log'),
      ...pace,
    })
    await printer.start()
    return { printer, socketPath, stop: () => printer.stop() }
  } catch (error) {
    throw new StartError(`the virtual printer cannot start: ${messageOf(error)}`, { cause: error })
  }
}

/** The folder may be a link to a disk that is not there yet: the server warns of that. */
function makeFolder(path: string): void {
  try {
    makeFoldersSync(path)
  } catch {
    // Files are listed and printed once the folder is there.
  }
}
