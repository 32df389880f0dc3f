// The component with everything that it needs, a clock that the test moves, and feeds from a server of the test.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ServerHost } from '../../../src/app/host.ts'
import type { Component, Core } from '../../../src/component/component.ts'
import { announcements } from '../../../src/components/announcements/index.ts'
import type { AnnouncementService } from '../../../src/components/announcements/service.ts'
import { Configuration } from '../../../src/config/index.ts'
import { readSources } from '../../../src/config/sources.ts'
import type { Clock } from '../../../src/core/clock.ts'
import { EventBus } from '../../../src/core/events.ts'
import { dataPaths } from '../../../src/core/paths.ts'
import { Scope } from '../../../src/core/scope.ts'
import { Warnings } from '../../../src/core/warnings.ts'
import { INTERNAL_CALLER } from '../../../src/rpc/caller.ts'
import { Connections } from '../../../src/rpc/connections.ts'
import type { Message } from '../../../src/rpc/message.ts'
import { Registry } from '../../../src/rpc/registry.ts'
import { TRUSTED_USER } from '../../../src/rpc/user.ts'
import { openStorage } from '../../../src/storage/index.ts'
import { checkReply } from '../../support/check-reply.ts'
import { HandClock } from '../../support/hand-clock.ts'
import { testLog } from '../../support/test-log.ts'
import type { Frame } from '../../support/web-client.ts'
import { FeedServer } from './feed-server.ts'

/** What exists from start to stop. */
interface Life {
  readonly core: Core
  readonly scope: Scope
  readonly component: Component & { readonly announcements?: unknown }
}

export class Scene implements AsyncDisposable {
  readonly paths = dataPaths(mkdtempSync(join(tmpdir(), 'news-')))
  readonly time = new HandClock()
  readonly web: FeedServer
  readonly log: string[] = []
  /** Notifications, oldest first. */
  readonly notifications: Frame[] = []
  readonly #waiters = new Set<() => void>()
  #life: Life | null = null

  private constructor(web: FeedServer) {
    this.web = web
    web.onRequest(() => this.#stir())
  }

  /** `options` are lines of [announcements]. */
  static async open(options = ''): Promise<Scene> {
    const scene = new Scene(await FeedServer.start())
    for (const folder of [scene.paths.config, scene.paths.database]) mkdirSync(folder, { recursive: true })
    await scene.start(options)
    return scene
  }

  async start(options = '', moonlight = this.web.address): Promise<void> {
    writeFileSync(this.paths.configFile, `[announcements]\n${options}\n`)
    const config = new Configuration(readSources(this.paths.configFile), this.paths.data)
    const [core, scope] = [this.#core(), new Scope()]
    const component = announcements(moonlight).build({
      core,
      config,
      scope,
      needs: {},
      afterStart: handlers => handlers,
    })
    this.#life = { core, scope, component }
    await component.start?.()
  }

  async end(): Promise<void> {
    const life = this.#life
    this.#life = null
    await life?.component.stop?.()
    life?.scope.close()
    await life?.core.storage.close()
  }

  async restart(options = ''): Promise<void> {
    await this.end()
    await this.start(options)
  }

  #core(): Core {
    const log = testLog({
      clock: this.time,
      console: line => {
        this.log.push(line)
        this.#stir()
      },
    })
    const clock: Clock = {
      now: () => this.time.now(),
      monotonic: () => this.time.monotonic(),
      after: (seconds, task) => {
        const timer = this.time.after(seconds, task)
        this.#stir()
        return timer
      },
      every: (seconds, task) => this.time.every(seconds, task),
    }
    const { database: folder, backup: backupFolder } = this.paths
    const warnings = new Warnings()
    const core: Partial<Core> = {
      host: new ServerHost({ log, clock }),
      registry: new Registry({ observe: checkReply }),
      connections: this.#connections(),
      events: new EventBus((event, error) => log.error(event, error)),
      storage: openStorage({ folder, backupFolder, clock: this.time, warn: text => void warnings.add(text) }),
      log,
      clock,
      warnings,
      paths: this.paths,
    }
    return core as Core
  }

  /** With one client, which receives everything. */
  #connections(): Connections {
    const connections = new Connections()
    connections.open('websocket', '127.0.0.1', TRUSTED_USER, {
      send: text => this.#receive(text),
      sendShared: (message: Message) => this.#receive(message.text),
      buffered: 0,
      onDrain: () => {},
      close: () => {},
      terminate: () => {},
    })
    return connections
  }

  #receive(text: string): void {
    this.notifications.push(JSON.parse(text))
    this.#stir()
  }

  #stir(): void {
    for (const waiter of this.#waiters) waiter()
  }

  get core(): Core {
    if (this.#life === null) throw new Error('the scene has ended')
    return this.#life.core
  }

  /** What other components use. */
  get service(): AnnouncementService {
    return this.#life?.component.announcements as AnnouncementService
  }

  /** Resolves once a condition is true; checks it after each event. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiters.add(resolve)
      await promise
      this.#waiters.delete(resolve)
    }
  }

  /** Resolves with the parameter of the next notification of this name, and removes it from the queue. */
  async notified(name: 'update' | 'dismissed' | 'wake'): Promise<Frame> {
    const fits = ({ method }: Frame) => method === `notify_announcement_${name}`
    await this.until(() => this.notifications.some(fits))
    const [{ params }] = this.notifications.splice(this.notifications.findIndex(fits), 1)
    return params[0]
  }

  /** Calls a method of the chapter. */
  async call(method: string, params: object = {}): Promise<Frame> {
    return this.core.registry.call(`server.announcements.${method}`, params, INTERNAL_CALLER)
  }

  /** The ids of all announcements that are not dismissed, as a client gets them. */
  async shown(): Promise<string[]> {
    const { entries } = await this.call('list', { include_dismissed: false })
    return entries.map(({ entry_id }: Frame) => entry_id)
  }

  /** Moves the clock to the next update, and resolves after it with the seconds until it started. */
  async look(): Promise<number> {
    const [wait = 0] = this.time.waits()
    const count = this.time.waits().length
    this.time.pass(wait)
    await this.until(() => this.time.waits().length >= count)
    return wait
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end()
    await this.web[Symbol.asyncDispose]()
    rmSync(this.paths.data, { recursive: true, force: true })
  }
}
