// One updater with the core of a real server, a release server, and a folder for its installation.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { EntryStatus } from '../../../src/api/update-manager.ts'
import { type Core, component } from '../../../src/component/component.ts'
import { missingRights } from '../../../src/components/machine/services/rights.ts'
import { generalOptions, sectionOptions } from '../../../src/components/update-manager/options.ts'
import { ReleaseApi } from '../../../src/components/update-manager/releases/release-api.ts'
import { SystemPackages } from '../../../src/components/update-manager/system/system-packages.ts'
import { updaterTypes } from '../../../src/components/update-manager/types.ts'
import type { UpdateRun, Updater } from '../../../src/components/update-manager/updater.ts'
import { ConfigError } from '../../../src/config/index.ts'
import type { HttpClient } from '../../../src/core/http-client.ts'
import type { PlainData } from '../../../src/core/plain-data.ts'
import { runCommand } from '../../../src/core/run-command.ts'
import { readShape, type Shape } from '../../../src/schema/index.ts'
import { quickClock } from '../../support/quick-clock.ts'
import { ReleaseServer } from '../../support/release-server.ts'
import { type Rig, startRig } from '../../support/rig.ts'

/** What a run did. */
export interface RunRecord {
  /** The lines for clients; the last one has a star before it. */
  readonly lines: readonly string[]
  /** The error; null for none. */
  readonly error: Error | null
}

export class UpdaterBench implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'updater-'))
  readonly releases: ReleaseServer
  readonly rig: Rig
  readonly core: Core
  readonly api: ReleaseApi
  /** The services that the last run restarted. */
  readonly restarts: string[] = []
  /** Receives what a run notes for a repair. */
  onNote: (details: PlainData) => void = () => undefined

  private constructor(releases: ReleaseServer, rig: Rig, core: Core) {
    this.releases = releases
    this.rig = rig
    this.core = core
    this.api = this.newApi()
  }

  static async start(): Promise<UpdaterBench> {
    let found: Core | undefined
    const probe = component({
      section: 'probe',
      presence: 'always',
      options: {},
      create({ core }) {
        found = core
        return {}
      },
    })
    const rig = await startRig({ printer: 'none', components: [probe], clock: quickClock() })
    return new UpdaterBench(await ReleaseServer.start(), rig, found as Core)
  }

  /** A client of the release API, as after a restart. */
  newApi(token: string | null = null, http: Pick<HttpClient, 'send'> = this.core.host.http): ReleaseApi {
    const { clock, log, storage } = this.core
    const url = this.releases.url
    const { namespaces } = storage
    return new ReleaseApi({
      http,
      clock,
      log,
      namespaces,
      url,
      token: () => Promise.resolve(token),
    })
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts)
  }

  /** Writes a file, and the folders around it. */
  write(name: string, content: string): void {
    mkdirSync(dirname(this.path(name)), { recursive: true })
    writeFileSync(this.path(name), content)
  }

  /** Opens the section `[update_manager app]`, whose options are texts as in moonraker.conf. */
  open(type: string, texts: Readonly<Record<string, string>>): Promise<Updater> {
    const found = updaterTypes[type]
    if (found === undefined) throw new Error(`there is no type ${type}`)
    const { type: _, ...common } = readShape(sectionOptions, texts) as { type?: string }
    const read = (options: Shape) => readShape(options, texts)
    const section = {
      section: 'update_manager app',
      name: 'app',
      options: {},
      read,
      error: (problem: string) => new ConfigError(problem),
    }
    const general = readShape(generalOptions, {})
    const machine = { allows: () => Promise.resolve(true) }
    // The programs of the test need no root.
    const packages = new SystemPackages({
      sudo: { run: runCommand },
      bus: { connect: () => Promise.reject(new Error('not used')), missingRights },
      usePackageKit: false,
      signal: new AbortController().signal,
    })
    const parts = {
      core: this.core,
      name: 'app',
      common,
      general,
      releases: this.api,
      machine,
      packages,
      section,
    }
    return found.read(parts as unknown as Parameters<typeof found.read>[0]).open()
  }

  /** The status after a refresh. */
  async refreshed(updater: Updater): Promise<EntryStatus> {
    await updater.refresh(new AbortController().signal)
    return updater.status()
  }

  update(updater: Updater, signal?: AbortSignal): Promise<RunRecord> {
    return this.#run('app', run => updater.update(run), signal)
  }

  rollback(updater: Updater): Promise<RunRecord> {
    return this.#run('rollback_app', async run => updater.rollback?.(run))
  }

  /** The sentence of a repair after a crash; `details` are those of `note`. */
  async repair(updater: Updater, details: unknown): Promise<string | undefined> {
    let sentence: string | undefined
    const { error } = await this.#run('app', async run => {
      sentence = await updater.repair?.(run, details as PlainData)
    })
    if (error !== null) throw error
    return sentence
  }

  async #run(
    application: string,
    work: (run: UpdateRun) => Promise<void>,
    signal = new AbortController().signal,
  ): Promise<RunRecord> {
    const lines: string[] = []
    this.restarts.splice(0)
    const run: UpdateRun = {
      application,
      signal,
      message: (text, isLast = false) => void lines.push(isLast ? `*${text}` : text),
      progress: () => undefined,
      note: details => {
        this.onNote(details)
        return Promise.resolve()
      },
      uninterrupted: step => step(),
      restartServices: label => {
        this.restarts.push(label)
        return Promise.resolve()
      },
    }
    try {
      await work(run)
      return { lines, error: null }
    } catch (error) {
      return { lines, error: error as Error }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rig[Symbol.asyncDispose]()
    await this.releases[Symbol.asyncDispose]()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
