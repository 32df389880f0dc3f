// [spoolman]: reports the filament that the printer uses to a Spoolman server, and passes clients' requests on to it.
import { spoolman as chapter } from '../../api/spoolman.ts'
import { type Component, type Core, component } from '../../component/component.ts'
import { optional } from '../../component/service.ts'
import { ApiError, messageOf } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import { int, isPlainObject, readShape } from '../../schema/index.ts'
import { announcementService } from '../announcements/service.ts'
import { jobFieldsService } from '../history/service.ts'
import { ActiveSpools, type SpoolId } from './active-spools.ts'
import { FilamentMeter, METER_OBJECTS } from './filament-meter.ts'
import { type SpoolEvent, SpoolmanLink } from './link.ts'
import { SpoolmanProxy } from './proxy.ts'
import { Reports } from './reports.ts'
import { serverUrl } from './server-url.ts'
import { type SpoolmanService, spoolmanService } from './service.ts'
import { SpoolServer, usedLengthOf } from './spool-server.ts'
import { SpoolsOfJob } from './spools-of-job.ts'
import { UnreportedUse } from './unreported-use.ts'

/** The parts of the component. */
class Parts implements Component {
  readonly spools: ActiveSpools
  readonly proxy: SpoolmanProxy
  readonly use: UnreportedUse
  readonly ofJob: SpoolsOfJob
  readonly #core: Core
  readonly #link: SpoolmanLink
  readonly #meter: FilamentMeter
  readonly #reports: Reports
  readonly #ending = new AbortController()

  constructor(core: Core, url: string, syncRate: number) {
    const { storage, connections, clock, log, host } = core
    const { signal } = this.#ending
    const isConnected = () => this.#link.isConnected
    this.#core = core
    this.use = new UnreportedUse(storage.namespaces)
    this.spools = new ActiveSpools(storage.namespaces, {
      activeSpoolChanged: spool_id => {
        this.ofJob.add(spool_id)
        connections.notify('notify_active_spool_set', { spool_id })
      },
      toolSpoolsChanged: tool_spools => connections.notify('notify_tool_spools_changed', { tool_spools }),
    })
    this.ofJob = new SpoolsOfJob(this.spools)
    this.proxy = new SpoolmanProxy(host.http, url, signal, isConnected)
    this.#meter = new FilamentMeter((extruder, length) => this.#used(extruder, length))
    this.#reports = new Reports({
      clock,
      log,
      isConnected,
      use: this.use,
      server: new SpoolServer(host.http, url, signal),
      period: syncRate,
      reading: () => this.#meter.reading(),
      onUnknownSpool: spoolId => this.spools.remove(spoolId),
    })
    this.#link = new SpoolmanLink(url, clock, log, {
      connected: () => this.#connected(),
      disconnected: () => this.#disconnected(),
      spoolChanged: event => this.#spoolChanged(event),
    })
  }

  get isConnected(): boolean {
    return this.#link.isConnected
  }

  async start(): Promise<void> {
    this.spools.load()
    const reading = this.use.load()
    if (reading !== null) this.#meter.restore(reading)
    await this.#link.start()
  }

  async stop(): Promise<void> {
    this.#ending.abort(new ApiError(503, 'The server stops'))
    await Promise.all([this.#reports.stop(), this.#link.stop()])
  }

  /** Measures filament, from now until the scope is closed. */
  measure(scope: Scope): void {
    const { events, printer, log } = this.#core
    const follower = {
      statusChanged: (change: Parameters<FilamentMeter['update']>[0]) => {
        this.#meter.update(change)
        // A restart in the middle of a print continues from here.
        if (change.print_stats?.filename !== undefined) void this.#reports.save()
      },
    }
    const resume = async () => {
      const { status } = await printer.subscribe(follower, METER_OBJECTS)
      this.#meter.resume(status)
      await this.#reports.save()
    }
    scope.use(
      events.on('klippy:ready', () => {
        resume().catch((error: unknown) => log.warning(`cannot measure filament: ${messageOf(error)}`))
      }),
    )
    scope.defer(() => printer.unsubscribe(follower))
  }

  /** Sets the active spool, or that of a tool. */
  async set(spoolId: SpoolId, tool: number | undefined): Promise<void> {
    // The filament up to now belongs to the spool before, also after a crash.
    await this.#reports.save()
    await this.spools.set(spoolId, tool)
  }

  #used(extruder: string, length: number): void {
    const spoolId = this.spools.ofExtruder(extruder)
    if (spoolId === null) return
    this.ofJob.add(spoolId)
    this.#reports.used(spoolId, length)
  }

  #connected(): void {
    this.#notifyStatus()
    this.#reports
      .connected(this.spools.all())
      .catch((error: unknown) => this.#core.log.error(messageOf(error)))
  }

  #disconnected(): void {
    this.#reports.forget()
    this.#notifyStatus()
  }

  #notifyStatus(): void {
    this.#core.connections.notify('notify_spoolman_status_changed', { spoolman_connected: this.isConnected })
  }

  #spoolChanged({ type, spool }: SpoolEvent): void {
    const { id } = spool
    if (typeof id !== 'number') return
    if (type !== 'deleted') this.#reports.announced(id, usedLengthOf(spool))
    else this.spools.remove(id).catch((error: unknown) => this.#core.log.error(messageOf(error)))
  }
}

function serve({ registry }: Core, scope: Scope, parts: Parts): void {
  const { spools, use, proxy } = parts
  scope.use(
    registry.serve(chapter, {
      'server.spoolman.status': () => {
        const tool_spools = spools.toolSpools
        return {
          spoolman_connected: parts.isConnected,
          pending_reports: use.list(),
          spool_id: spools.active,
          ...(Object.keys(tool_spools).length > 0 && { tool_spools }),
        }
      },
      'server.spoolman.post_spool_id': async ({ spool_id, tool }) => {
        await parts.set(spool_id, tool)
        return { spool_id, ...(tool !== undefined && { tool }) }
      },
      'server.spoolman.get_spool_id': ({ tool }) =>
        tool === undefined ? { spool_id: spools.active } : { spool_id: spools.ofTool(tool), tool },
      'server.spoolman.proxy': request => proxy.send(request),
    }),
  )
}

const spoolArguments = chapter.methods['server.spoolman.post_spool_id'].params

/** Klipper macros set the spool by `action_call_remote_method("spoolman_set_active_spool", spool_id=1)`. */
function serveMacros({ printer: { session } }: Core, scope: Scope, parts: Parts): void {
  session.addRemoteMethod('spoolman_set_active_spool', args => {
    const given = isPlainObject(args) ? args : {}
    const { spool_id, tool } = readShape(spoolArguments, given)
    return parts.set(spool_id, tool)
  })
  scope.defer(() => session.removeRemoteMethod('spoolman_set_active_spool'))
}

function serviceOf({ spools, proxy }: Parts): SpoolmanService {
  return {
    get activeSpool() {
      return spools.active
    },
    request: ({ method, path, body }) =>
      proxy.send({ request_method: method, path, body, use_v2_response: false }),
  }
}

export default component({
  section: 'spoolman',
  presence: 'configured',
  options: {
    server: serverUrl().describe('URL of the Spoolman server'),
    sync_rate: int({ min: 1 }).describe('Time between two reports of filament use').unit('s').default(5),
  },
  needs: { jobFields: optional(jobFieldsService), announcements: optional(announcementService) },
  provides: { spoolman: spoolmanService },
  create({ core, section: { options }, scope, needs }) {
    const parts = new Parts(core, options.server, options.sync_rate)
    serve(core, scope, parts)
    serveMacros(core, scope, parts)
    return {
      spoolman: serviceOf(parts),
      async start() {
        const fields = needs.jobFields()
        if (fields !== null) scope.use(fields.add(parts.ofJob))
        await parts.start()
        parts.measure(scope)
        needs
          .announcements()
          ?.followFeed('spoolman')
          .catch((error: unknown) => core.log.warning(`its feed cannot be followed: ${messageOf(error)}`))
      },
      stop: () => parts.stop(),
    }
  },
})
