// Our server in the process of the benchmark, in a data folder of its own, so that its event loop can be watched.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RunningServer, startServer } from '../src/app/server.ts'
import { systemClock } from '../src/core/clock.ts'
import { Log } from '../src/core/log.ts'
import { type DataPaths, dataPaths } from '../src/core/paths.ts'

const TRUST_LOOPBACK = '[authorization]\ntrusted_clients: 127.0.0.1\n'

/** A server without Klippy; `await using` stops it and removes its data folder. */
export interface ServerInProcess extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly paths: DataPaths
}

/** Starts a server. `prepare` puts files into its data folder first; `conf` replaces the section [authorization]. */
export async function startInProcess(
  prepare: (paths: DataPaths) => void = () => {},
  conf = TRUST_LOOPBACK,
): Promise<ServerInProcess> {
  const data = mkdtempSync(join(tmpdir(), 'bench-'))
  const paths = dataPaths(data)
  for (const folder of [paths.config, paths.gcodes]) mkdirSync(folder, { recursive: true })
  writeFileSync(paths.configFile, `[server]\nhost: 127.0.0.1\nport: 0\n${conf}`)
  prepare(paths)
  const log = new Log({
    clock: systemClock,
    file: null,
    structured: false,
    level: 'error',
    console: console.error,
  })
  const server: RunningServer = await startServer({ paths, log, klippySocket: join(data, 'none.sock') })
  return {
    url: `http://127.0.0.1:${server.port}`,
    port: server.port,
    paths,
    async [Symbol.asyncDispose]() {
      await server.stop()
      rmSync(data, { recursive: true, force: true })
    },
  }
}
