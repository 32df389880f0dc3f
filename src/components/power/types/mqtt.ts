// [power NAME] of type mqtt: a device that receives commands and publishes its state through the MQTT broker.

import type { Core } from '../../../component/component.ts'
import type { SectionTemplate } from '../../../component/section-template.ts'
import { withTimeout } from '../../../core/clock.ts'
import { ApiError, messageOf } from '../../../core/errors.ts'
import { Scope } from '../../../core/scope.ts'
import type { MqttBroker, MqttMessage } from '../../mqtt/service.ts'
import { type DriverContext, type PowerDriver, templateOf, type Wanted } from '../driver.ts'
import type { OptionsOf } from '../options.ts'

/** The time for publishing, in addition to waiting for the state. */
const TIMEOUT = 10
/** Messages that wait for their template; the oldest ones are dropped. */
const MAX_WAITING = 16

export const failure = (name: string, to: string) =>
  `MQTT Power Device ${name}: Failed to set device to state '${to}'`

export function open(context: DriverContext<'mqtt'>): PowerDriver {
  const { section, options } = context
  const broker = context.mqtt()
  if (broker === null) {
    throw section.error(
      `section [${section.section}] needs the component [mqtt], which is not configured or does not work`,
    )
  }
  const { command_payload, state_response_template, query_payload } = options
  checkTopics(broker, context)
  return new MqttSwitch(context, broker, {
    command: templateOf(context, 'command_payload', command_payload),
    response: templateOf(context, 'state_response_template', state_response_template),
    query: templateOf(context, 'query_payload', query_payload),
  })
}

/** Throws ConfigError for a topic that cannot be published. */
function checkTopics(broker: MqttBroker, { section, options }: DriverContext<'mqtt'>): void {
  for (const option of ['command_topic', 'query_topic'] as const) {
    try {
      broker.checkTopic(options[option] ?? options.command_topic)
    } catch (error) {
      throw section.error(`the option "${option}": ${messageOf(error)}`, option)
    }
  }
}

/** The compiled templates of a device. */
interface Templates {
  readonly command: SectionTemplate
  readonly response: SectionTemplate
  readonly query: SectionTemplate
}

/** Receives the state of a message, or why the message is invalid. */
type Waiter = (state: Wanted | Error) => void

class MqttSwitch implements PowerDriver {
  readonly timeoutSeconds: number
  readonly #core: Core
  readonly #name: string
  readonly #options: OptionsOf<'mqtt'>
  readonly #context: Pick<DriverContext<'mqtt'>, 'report' | 'refresh' | 'section'>
  readonly #broker: MqttBroker
  readonly #templates: Templates
  readonly #scope = new Scope()
  readonly #waiters = new Set<Waiter>()
  readonly #inbox: Buffer[] = []
  #isWorking = false
  /** The last valid state; null if it is not known. */
  #state: Wanted | null = null
  /** When the broker connected, on the monotonic clock; null before the first time and while it is away. */
  #connectedAt: number | null = null
  #wasConnected = false
  /** For the template: the last request, and the messages since. */
  #lastRequest = ''
  #responses = 0

  constructor(context: DriverContext<'mqtt'>, broker: MqttBroker, templates: Templates) {
    this.timeoutSeconds = TIMEOUT + 2 * context.options.state_timeout
    this.#core = context.core
    this.#name = context.name
    this.#options = context.options
    this.#context = context
    this.#broker = broker
    this.#templates = templates
  }

  /** Throws ConfigError for a topic that cannot be subscribed. */
  start(): void {
    const { state_topic } = this.#options
    try {
      this.#scope.use(this.#broker.subscribe(state_topic, message => this.#receive(message), this.#qos))
    } catch (error) {
      throw this.#context.section.error(`the option "state_topic": ${messageOf(error)}`, 'state_topic')
    }
    this.#scope.use(this.#broker.onConnection(connected => this.#connectionChanged(connected)))
    if (this.#broker.connected) this.#connectionChanged(true)
  }

  stop(): void {
    this.#scope.close()
  }

  /** Without a query topic, and where the state is known, this sends nothing. */
  async read(): Promise<string> {
    if (this.#connectedAt === null) {
      if (!this.#wasConnected) return 'init'
      throw new Error('MQTT Not Connected')
    }
    const { query_topic, query_after_command, state_timeout } = this.#options
    if (query_topic !== undefined && (query_after_command || this.#state === null)) {
      this.#startRequest('refresh')
      return this.#await(state_timeout, () => this.#query())
    }
    if (this.#state !== null) return this.#state
    const left = this.#connectedAt + state_timeout - this.#core.clock.monotonic()
    if (left <= 0) throw new Error(`no valid message on the topic ${this.#options.state_topic}`)
    return this.#await(left)
  }

  async write(to: Wanted): Promise<string> {
    if (this.#connectedAt === null)
      throw new ApiError(503, `MQTT Power Device ${this.#name}: MQTT Not Connected`)
    try {
      return await this.#command(to)
    } catch (error) {
      throw new ApiError(500, failure(this.#name, to), { cause: error })
    }
  }

  async #command(to: Wanted): Promise<string> {
    const { command_topic, retain_command_state: retain, query_after_command, state_timeout } = this.#options
    const payload = await this.#templates.command.render({ command: to })
    this.#startRequest(to === 'on' ? 'power_on' : 'power_off')
    const publish = async () => {
      await this.#broker.publish(command_topic, payload, { qos: this.#qos, retain })
      if (query_after_command) await this.#query()
    }
    return this.#await(state_timeout, publish, to)
  }

  get #qos() {
    return this.#options.qos ?? this.#broker.defaultQos
  }

  async #query(): Promise<void> {
    const { query_topic } = this.#options
    if (query_topic === undefined) return
    await this.#broker.publish(query_topic, await this.#templates.query.render(), { qos: this.#qos })
  }

  #startRequest(request: string): void {
    this.#lastRequest = request
    this.#responses = 0
  }

  /** The next state after `act`, or the state `wanted`. Rejects after `seconds`, and for an invalid message. */
  async #await(seconds: number, act?: () => Promise<void>, wanted?: Wanted): Promise<Wanted> {
    const { promise, resolve, reject } = Promise.withResolvers<Wanted>()
    // A message may be invalid before the publication is acknowledged.
    promise.catch(() => undefined)
    const waiter: Waiter = state => {
      if (state instanceof Error) reject(state)
      else if (wanted === undefined || state === wanted) resolve(state)
    }
    this.#waiters.add(waiter)
    try {
      await act?.()
      const late = () => new Error(`no message with the state within ${seconds} seconds`)
      return await withTimeout(this.#core.clock, seconds, promise, late)
    } finally {
      this.#waiters.delete(waiter)
    }
  }

  #connectionChanged(connected: boolean): void {
    this.#connectedAt = connected ? this.#core.clock.monotonic() : null
    this.#state = null
    if (connected) {
      this.#wasConnected = true
      this.#context.refresh()
    } else if (this.#wasConnected) this.#context.report('error')
  }

  #receive({ payload }: MqttMessage): void {
    this.#inbox.push(payload)
    if (this.#inbox.length > MAX_WAITING) this.#inbox.shift()
    if (!this.#isWorking) void this.#work()
  }

  /** Renders one message after the other, in their order. */
  async #work(): Promise<void> {
    this.#isWorking = true
    for (;;) {
      const payload = this.#inbox.shift()
      if (payload === undefined) break
      await this.#take(payload)
    }
    this.#isWorking = false
  }

  async #take(payload: Buffer): Promise<void> {
    try {
      const state = await this.#stateOf(payload)
      if (state === null) return
      this.#state = state
      for (const waiter of this.#waiters) waiter(state)
      this.#context.report(state)
    } catch (error) {
      const problem = new Error(`invalid message on ${this.#options.state_topic}: ${messageOf(error)}`)
      this.#state = null
      this.#core.log.warning(`the power device ${this.#name}: ${problem.message}`)
      for (const waiter of this.#waiters) waiter(problem)
      this.#context.report('error')
    }
  }

  /** Null for a message that the template discards. */
  async #stateOf(payload: Buffer): Promise<Wanted | null> {
    this.#responses += 1
    const text = new TextDecoder('utf-8', { fatal: true }).decode(payload)
    const variables = { payload: text, last_request: this.#lastRequest, response_count: this.#responses }
    const state = (await this.#templates.response.render(variables)).toLowerCase()
    if (state === 'on' || state === 'off') return state
    if (state === 'discard') return null
    throw new Error(
      `the template "state_response_template" must give on, off or discard, not ${JSON.stringify(state.slice(0, 80))}`,
    )
  }
}
