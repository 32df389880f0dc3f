// The servers in the pictures: the build with a virtual printer, and a workshop of several.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ownServer, startTarget } from '../../bench/server-process.ts'
import { startPrinterInFolder } from '../../src/app/virtual-printer-in-folder.ts'
import { dataPaths } from '../../src/core/paths.ts'
import { freePort } from '../../test/support/free-port.ts'

/** Sections of servers that need neither the machine nor the internet. */
export const QUIET = ['[machine]\nprovider: none', '[announcements]\nenable_moonlight: False']

export interface RunningServer extends AsyncDisposable {
  readonly url: string
}

/** Starts the build at `bundle` with a virtual printer, on a free port of loopback and with a temporary data folder. */
export async function startServer(
  bundle: string,
  speed: number,
  sections: readonly string[] = [],
): Promise<RunningServer> {
  const target = await ownServer([...QUIET, ...sections], bundle)
  const command = [...(target.command ?? []), '--virtual-printer', '--speed', String(speed)]
  const started = await startTarget({ ...target, command })
  return {
    url: `http://127.0.0.1:${target.address.port}`,
    async [Symbol.asyncDispose]() {
      await started.stop()
      target.clean()
    },
  }
}

/** Starts a workshop of virtual printers: their speeds by their names. The first one is the main printer. */
export async function startWorkshop(
  bundle: string,
  title: string,
  speeds: Readonly<Record<string, number>>,
): Promise<RunningServer> {
  const folder = mkdtempSync(join(tmpdir(), 'pictures-'))
  await using stack = new AsyncDisposableStack()
  stack.defer(() => rmSync(folder, { recursive: true, force: true }))
  const address = { host: '127.0.0.1', port: await freePort() }
  const [main = ''] = Object.keys(speeds)
  const sections = [
    `[workshop]\nhost: ${address.host}\nport: ${address.port}\ntitle: ${title}\nmain: ${main}`,
  ]
  for (const [name, speed] of Object.entries(speeds)) {
    const paths = dataPaths(join(folder, name))
    const printer = await startPrinterInFolder(paths, { speed })
    stack.defer(() => printer.stop())
    const server = `[server]\nklippy_uds_address: ${printer.socketPath}`
    const access = '[authorization]\ntrusted_clients:\n  127.0.0.1'
    writeFileSync(paths.configFile, `${[server, access, ...QUIET].join('\n\n')}\n`)
    sections.push(`[printer ${name}]\ndata_path: ${paths.data}\nown_port: False`)
  }
  const file = join(folder, 'workshop.conf')
  writeFileSync(file, `${sections.join('\n\n')}\n`)
  const command = [process.execPath, bundle, '--workshop', file]
  const started = await startTarget({
    address,
    command,
    socketPath: null,
    klippySocket: null,
    pid: null,
    clean: () => {},
  })
  stack.defer(() => started.stop())
  const running = stack.move()
  return {
    url: `http://${address.host}:${address.port}`,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}
