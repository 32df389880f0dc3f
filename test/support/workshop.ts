// A workshop in this process, in a folder of its own, on free ports of loopback.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { ServerHost } from '../../src/app/host.ts'
import type { Clock } from '../../src/core/clock.ts'
import { systemClock } from '../../src/core/clock.ts'
import { type DataPaths, dataPaths } from '../../src/core/paths.ts'
import { readWorkshop, workshopPaths } from '../../src/workshop/config.ts'
import { type RunningWorkshop, startWorkshop } from '../../src/workshop/index.ts'
import type { PrinterEntry } from '../../src/workshop/slot.ts'
import { testLog } from './test-log.ts'

/** What a test workshop is made from. */
export interface WorkshopRigOptions {
  /** The printers by name: lines of their [server] section, and further text of moonraker.conf. */
  readonly printers: Readonly<Record<string, PrinterFiles>>
  /** Lines of [workshop]. */
  readonly workshop?: string
  /** Further sections of workshop.conf. */
  readonly more?: string
  readonly klippySockets?: ReadonlyMap<string, string>
  readonly clock?: Clock
  /** For HTTPS. */
  readonly certificate?: { readonly cert: string; readonly key: string }
}

interface PrinterFiles {
  readonly server?: string
  /** Lines of [authorization]; loopback is trusted where it is left out. */
  readonly authorization?: string
  readonly conf?: string
  readonly ownPort?: boolean
  /** Changes the data folder before the start. */
  readonly prepare?: (paths: DataPaths) => void
}

/** A running workshop; `await using` stops it. */
export interface WorkshopRig extends AsyncDisposable {
  readonly url: string
  readonly folder: string
  readonly workshop: RunningWorkshop
  /** What it logged. */
  readonly log: readonly string[]
  paths(name: string): DataPaths
  writeConf(name: string, files: PrinterFiles): void
  /** Replaces workshop.conf. */
  writeWorkshop(options: Omit<WorkshopRigOptions, 'klippySockets' | 'clock'>): void
  /** Resolves with the entry of `name` when `test` holds for it. */
  until(name: string, test: (entry: PrinterEntry) => boolean): Promise<PrinterEntry>
}

/** Starts a workshop; resolves when all printers run or have failed. */
export async function startWorkshopRig(options: WorkshopRigOptions): Promise<WorkshopRig> {
  const folder = mkdtempSync(join(tmpdir(), 'workshop-'))
  const log: string[] = []
  const workshopLog = testLog({ console: line => log.push(line) })
  const host = new ServerHost({ log: workshopLog, clock: options.clock ?? systemClock })
  const paths = workshopPaths(join(folder, 'workshop.conf'))
  const files = new WorkshopFiles(folder)
  for (const [name, written] of Object.entries(options.printers)) files.writeConf(name, written)
  files.writeWorkshop(options)
  if (options.certificate !== undefined) {
    mkdirSync(dirname(paths.certificate))
    writeFileSync(paths.certificate, options.certificate.cert)
    writeFileSync(paths.key, options.certificate.key)
  }
  const workshop = await startWorkshop({
    ...paths,
    read: () => readWorkshop(paths, workshopLog),
    host,
    log: workshopLog,
    createLog: name => testLog({ console: line => log.push(`[${name}] ${line}`) }),
    ...(options.klippySockets !== undefined && { klippySockets: options.klippySockets }),
  }).catch(async (error: unknown) => {
    await host.stop()
    rmSync(folder, { recursive: true, force: true })
    throw error
  })
  const rig: WorkshopRig = {
    url: `http://127.0.0.1:${workshop.at.port}`,
    folder,
    workshop,
    log,
    paths: name => files.paths(name),
    writeConf: (name, written) => files.writeConf(name, written),
    writeWorkshop: written => files.writeWorkshop(written),
    until: (name, isRight) => untilEntry(workshop, name, isRight),
    async [Symbol.asyncDispose]() {
      await workshop.stop()
      await host.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  for (const name of Object.keys(options.printers)) {
    await rig.until(name, ({ instance_id, error }) => instance_id !== null || error !== null)
  }
  await untilServed(rig, Object.keys(options.printers))
  return rig
}

/** A printer has an id before it listens. */
async function untilServed({ url, workshop }: WorkshopRig, names: readonly string[]): Promise<void> {
  for (const name of names) {
    for (;;) {
      const { status } = await fetch(`${url}/${name}/server/info`)
      const failed = workshop.list().find(entry => entry.name === name)?.error
      if (status !== 503 || (failed !== null && failed !== undefined)) break
    }
  }
}

async function untilEntry(
  workshop: RunningWorkshop,
  name: string,
  isRight: (entry: PrinterEntry) => boolean,
): Promise<PrinterEntry> {
  for (;;) {
    const entry = workshop.list().find(each => each.name === name)
    if (entry !== undefined && isRight(entry)) return entry
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

/** The files of a workshop. */
class WorkshopFiles {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  paths(name: string): DataPaths {
    return dataPaths(join(this.#folder, `printer_${name}_data`))
  }

  writeConf(name: string, { server = '', authorization, conf = '', prepare }: PrinterFiles): void {
    const paths = this.paths(name)
    mkdirSync(paths.config, { recursive: true })
    const klippy = server.includes('klippy_uds_address')
      ? ''
      : 'klippy_uds_address: {data_path}/comms/none.sock\n'
    const port = server.includes('port: ') ? '' : 'port: 0\n'
    const machine = conf.includes('[machine]') ? '' : '[machine]\nprovider: none\n'
    const trust = authorization ?? 'trusted_clients:\n  127.0.0.1\n  ::1'
    writeFileSync(
      paths.configFile,
      `[server]\nhost: 127.0.0.1\n${port}ssl_port: 0\n${klippy}${server}\n` +
        `[authorization]\n${trust}\n${machine}[announcements]\nenable_moonlight: False\n${conf}\n`,
    )
    prepare?.(paths)
  }

  writeWorkshop({ printers, workshop = '', more = '' }: Omit<WorkshopRigOptions, 'klippySockets'>): void {
    const sections = Object.entries(printers).map(
      ([name, { ownPort = false }]) =>
        `[printer ${name}]\ndata_path: ${this.paths(name).data}\nown_port: ${ownPort ? 'True' : 'False'}\n`,
    )
    writeFileSync(
      join(this.#folder, 'workshop.conf'),
      `[workshop]\nhost: 127.0.0.1\nport: 0\nssl_port: 0\n${workshop}\n${sections.join('')}${more}\n`,
    )
  }
}
