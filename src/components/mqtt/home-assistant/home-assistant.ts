// Home Assistant: announces the printer as a device, publishes its state, carries out commands.
import type { PrintStats, StatusChange } from '../../../api/printer.ts'
import type { Core } from '../../../component/component.ts'
import { ApiError, messageOf } from '../../../core/errors.ts'
import type { Scope } from '../../../core/scope.ts'
import type { Follower } from '../../../klippy/subscriptions.ts'
import type { Caller } from '../../../rpc/caller.ts'
import type { TimedProgress } from '../../analysis/service.ts'
import type { MetadataSource } from '../../metadata/service.ts'
import type { PowerDevices } from '../../power/service.ts'
import { textOf } from '../payload.ts'
import type { MqttBroker, MqttMessage } from '../service.ts'
import { CONTROL_OBJECTS, controlEntities } from './control-entities.ts'
import { componentsOf, type DeviceFacts, discoveryMessage } from './discovery.ts'
import { type ControlLevel, type Entity, type PrinterView, withUniqueKeys } from './entity.ts'
import { isLight } from './lights.ts'
import { objectRequest, objectSensors } from './object-entities.ts'
import { PRINT_OBJECTS, printEntities } from './print-entities.ts'
import { type PrinterParts, printerParts, type ServerFacts, serverFacts } from './printer-facts.ts'
import type { RetainedTopics } from './retained-topics.ts'
import { readEstimate, readThumbnail } from './thumbnail.ts'

/** Home Assistant has just started: many devices answer, each after a random time of at most this, in seconds. */
const ANSWER_WITHIN = 3
/** Commands that may run at the same time. */
const MAX_RUNNING = 20
/** Home Assistant stores and acknowledges all of it. */
const RETAINED = { qos: 1, retain: true } as const

/** How the printer is presented. */
export interface HomeAssistantOptions {
  /** The topic under which Home Assistant looks for devices. */
  readonly prefix: string
  readonly control: ControlLevel
  /** Least seconds between two states. */
  readonly interval: number
}

/** What the integration is made from. */
export interface HomeAssistantParts {
  readonly core: Core
  readonly broker: MqttBroker
  readonly options: HomeAssistantOptions
  readonly topics: RetainedTopics
  /** The address of the server's pages; undefined if it is not known. */
  readonly url: string | undefined
  readonly metadata: () => MetadataSource | null
  readonly power: () => PowerDevices | null
  readonly progress: () => TimedProgress | null
}

const CALLER: Caller = {
  transport: 'mqtt',
  address: null,
  user: { username: '_HOME_ASSISTANT_', source: 'moonraker', created_on: null, role: 'operator' },
  connection: null,
}

export class HomeAssistant implements Follower {
  readonly #parts: HomeAssistantParts
  readonly #id: string
  #printer: PrinterParts | null = null
  #entities: Entity[] = []
  /** The names of the power devices that have entities. */
  #powerNames = ''
  #facts: ServerFacts = { queueLength: 0, totals: { jobs: 0, printTime: 0, filament: 0 }, power: {} }
  #status: Record<string, Record<string, unknown>> = {}
  /** The file of the last job; '' before the first. */
  #filename = ''
  #estimate: number | null = null
  #lastError = ''
  #runningCommands = 0
  #isUpdating = false
  /** Entities of earlier messages, which may have to be removed. */
  #earlier: Record<string, { readonly platform: string }> = {}
  /** The last message of each topic: an equal one is not published again. */
  readonly #published = new Map<string, string>()

  constructor(parts: HomeAssistantParts) {
    this.#parts = parts
    this.#id = `mrts_${parts.core.instanceId.replace(/[^a-zA-Z0-9]/g, '')}`
  }

  /** Presents the printer from now on, until `scope` is closed. */
  start(scope: Scope): void {
    const { core, broker, options } = this.#parts
    const { events, clock } = core
    const update = () => this.#run(this.#update())
    scope.use(events.on('klippy:ready', () => this.#run(this.#learn())))
    scope.use(events.on('klippy:shutdown', update))
    scope.use(events.on('klippy:disconnected', update))
    for (const event of ['job:started', 'job:found'] as const) {
      scope.use(events.on(event, stats => this.#run(this.#jobStarted(stats))))
    }
    scope.use(broker.onConnection(connected => this.#connectionChanged(connected)))
    scope.use(broker.subscribe(this.#configTopic, message => this.#readEarlier(message), 1))
    scope.use(broker.subscribe(`${options.prefix}/status`, message => this.#statusOfHome(message), 1))
    scope.use(broker.subscribe(this.#topic('do/+'), message => this.#command(message), 1))
    // The prefix or the name of the instance may have been others.
    const isUsed = (topic: string) => topic === this.#configTopic || topic.startsWith(this.#topic(''))
    this.#run(this.#parts.topics.clear(broker, isUsed))
    const timer = clock.every(options.interval, update)
    scope.defer(() => timer.stop())
    scope.defer(() => core.printer.unsubscribe(this))
  }

  statusChanged(change: StatusChange): void {
    for (const name in change) this.#status[name] = { ...this.#status[name], ...change[name] }
  }

  #run(work: Promise<void>): void {
    work.catch(error => this.#parts.core.log.warning(`Home Assistant: ${messageOf(error)}`))
  }

  #topic(name: string): string {
    return `${this.#parts.broker.instanceName}/ha/${name}`
  }

  get #configTopic(): string {
    return `${this.#parts.options.prefix}/device/${this.#id}/config`
  }

  #connectionChanged(connected: boolean): void {
    this.#published.clear()
    if (connected) this.#run(this.#present())
  }

  /** Klipper is ready: reads what the printer has, follows it, and announces it. */
  async #learn(): Promise<void> {
    const { core, options } = this.#parts
    this.#printer = await printerParts(core)
    const { objects } = this.#printer
    const lights = options.control === 'none' ? [] : objects.filter(isLight)
    const { status } = await core.printer.subscribe(this, {
      ...PRINT_OBJECTS,
      ...(options.control === 'all' && CONTROL_OBJECTS),
      ...objectRequest(objects),
      ...Object.fromEntries(lights.map(light => [light, ['color_data']])),
    })
    this.#status = {}
    this.statusChanged(status)
    await this.#present()
  }

  /** Publishes the announcement and the whole state. */
  async #present(): Promise<void> {
    this.#facts = await serverFacts(this.#parts.core, this.#parts.power())
    this.#announce()
    await this.#update()
    await this.#publishThumbnail()
  }

  /** Before Klipper was ready once, the entities are not known: those of the last run remain. */
  #announce(): void {
    if (this.#printer === null) return
    const { objects, settings } = this.#printer
    const power = Object.keys(this.#facts.power)
    const controls = { level: this.#parts.options.control, objects, settings, power }
    this.#powerNames = power.join()
    this.#entities = withUniqueKeys([
      ...printEntities(),
      ...objectSensors(objects),
      ...controlEntities(controls),
    ])
    this.#publish(this.#configTopic, discoveryMessage(this.#device, this.#entities, this.#earlier))
    const now = this.#entities.map(({ key, platform }) => [key, { platform }])
    this.#earlier = { ...this.#earlier, ...Object.fromEntries(now) }
  }

  get #device(): DeviceFacts {
    const { core, broker, url } = this.#parts
    const kinematics = this.#printer?.settings.printer?.kinematics
    return {
      id: this.#id,
      name: broker.instanceName,
      model: typeof kinematics === 'string' ? `${kinematics} printer` : 'Printer',
      version: core.host.version,
      url,
      instanceName: broker.instanceName,
    }
  }

  /** Publishes what has changed. */
  async #update(): Promise<void> {
    if (this.#isUpdating || !this.#parts.broker.connected) return
    this.#isUpdating = true
    try {
      this.#facts = await serverFacts(this.#parts.core, this.#parts.power())
      if (this.#powerNames !== Object.keys(this.#facts.power).join()) this.#announce()
      this.#publishState()
    } finally {
      this.#isUpdating = false
    }
  }

  #publishState(): void {
    const { core } = this.#parts
    const view: PrinterView = {
      ...this.#facts,
      klippy: core.printer.session.state,
      status: this.#status,
      estimate: this.#estimate,
      timed: timedOf(this.#parts.progress()),
      now: core.clock.now(),
      lastError: this.#lastError,
    }
    this.#publish(this.#topic('printer'), view.klippy === 'ready' ? 'online' : 'offline')
    const isKnown = this.#printer !== null
    const entities = isKnown ? this.#entities : printEntities()
    // Home Assistant has the entities of an earlier run: their states are unknown now.
    const unknown = Object.keys(isKnown ? {} : this.#earlier).map(key => [key, null])
    const values = entities.flatMap(({ key, value }) => (value === undefined ? [] : [[key, value(view)]]))
    this.#publish(this.#topic('state'), JSON.stringify(Object.fromEntries([...unknown, ...values])))
    for (const { key, ownState } of entities) {
      if (ownState !== undefined) this.#publish(this.#topic(`led/${key}`), JSON.stringify(ownState(view)))
    }
  }

  /** Publishes a message that differs from the last one of its topic. */
  #publish(topic: string, payload: string): void {
    const { broker, core } = this.#parts
    if (!broker.connected || this.#published.get(topic) === payload) return
    this.#published.set(topic, payload)
    this.#retain(topic, payload).catch(error => {
      if (this.#published.get(topic) === payload) this.#published.delete(topic)
      core.log.debug(`${topic} was not published: ${messageOf(error)}`)
    })
  }

  async #retain(topic: string, payload: string | Buffer): Promise<void> {
    await this.#parts.topics.add(topic)
    await this.#parts.broker.publish(topic, payload, RETAINED)
  }

  async #jobStarted({ filename }: PrintStats): Promise<void> {
    this.#filename = filename
    this.#estimate = null
    const metadata = this.#parts.metadata()
    if (metadata === null) return
    // A file that is not in the folder of G-code files has neither.
    this.#estimate = await readEstimate(metadata, filename).catch(() => null)
    await this.#publishThumbnail()
  }

  async #publishThumbnail(): Promise<void> {
    const { core, broker } = this.#parts
    const metadata = this.#parts.metadata()
    if (metadata === null || this.#filename === '' || !broker.connected) return
    const picture = await readThumbnail(metadata, core.paths.gcodes, this.#filename).catch(() => null)
    await this.#retain(this.#topic('thumb'), picture ?? '')
  }

  /** Reads the announcement of an earlier run, which the broker has stored. */
  #readEarlier({ payload, retain }: MqttMessage): void {
    const text = payload.toString()
    if (!retain || text === this.#published.get(this.#configTopic)) return
    this.#earlier = { ...componentsOf(text), ...this.#earlier }
    this.#announce()
    this.#run(this.#update())
  }

  /** Home Assistant has started, and knows nothing of the printer. */
  #statusOfHome({ payload, retain }: MqttMessage): void {
    if (retain || payload.toString() !== 'online') return
    const answer = () => {
      this.#published.clear()
      this.#run(this.#present())
    }
    this.#parts.core.clock.after(Math.random() * ANSWER_WITHIN, answer)
  }

  #command(message: MqttMessage): void {
    this.#execute(message)
      .then(() => '', messageOf)
      .then(problem => {
        this.#lastError = problem
        if (problem !== '') this.#parts.core.log.warning(`Home Assistant: ${problem}`)
        return this.#update()
      })
      .catch(error => this.#parts.core.log.error('a command of Home Assistant failed', error))
  }

  /** Rejects with ApiError for a command that is refused. */
  async #execute({ topic, payload, retain }: MqttMessage): Promise<void> {
    const { registry } = this.#parts.core
    const key = topic.slice(topic.lastIndexOf('/') + 1)
    const command = this.#entities.find(entity => entity.key === key)?.command
    // The broker would deliver it at every connection.
    if (retain) throw new ApiError(400, `${key}: a retained command is not executed`)
    if (command === undefined) throw new ApiError(404, `${key}: no such command`)
    if (this.#runningCommands >= MAX_RUNNING) throw new ApiError(503, `${key}: too many commands run`)
    this.#runningCommands += 1
    try {
      const { method, params } = command(textOf(payload) ?? '')
      await registry.call(method, params, CALLER)
    } catch (error) {
      const { status, message } = registry.failure(error, topic)
      throw new ApiError(status, `${key}: ${message}`, { cause: error })
    } finally {
      this.#runningCommands -= 1
    }
  }
}

/** Only what is planned move by move: all else the entities compute from Klipper's status. */
function timedOf(progress: TimedProgress | null): PrinterView['timed'] {
  if (progress?.latest.source !== 'analysis') return null
  const { progress: share, time_left: secondsLeft } = progress.latest
  return share === null || secondsLeft === null ? null : { progress: share, secondsLeft }
}
