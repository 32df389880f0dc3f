// JSON-RPC over the broker: requests arrive on one topic, replies go to another.
import type { Role } from '../../api/endpoint.ts'
import type { Core } from '../../component/component.ts'
import { ApiError, messageOf } from '../../core/errors.ts'
import { isExactNumber } from '../../core/exact-json.ts'
import { toJsonText } from '../../core/json-text.ts'
import type { Scope } from '../../core/scope.ts'
import type { Caller } from '../../rpc/caller.ts'
import { answer, type Callable } from '../../rpc/json-rpc.ts'
import { isPlainObject } from '../../schema/index.ts'
import { textOf } from './payload.ts'
import type { MqttBroker, MqttMessage, Qos } from './service.ts'
import { topicProblem } from './topics.ts'

/** The longest request, in bytes. */
const MAX_BYTES = 8 * 1024 * 1024
/** Messages whose requests may run at the same time. */
const MAX_RUNNING = 500
/** How many timestamps are compared with the next one, as in the original. */
const TIMESTAMPS = 20
/** Characters of a timestamp that are compared. */
const TIMESTAMP_LENGTH = 100
/** The code of JSON-RPC for a request that was received before; the original's. */
const DUPLICATE = -10000
const RETAINED = 'a retained API request is ignored; publish requests without the retain flag'

/** What the API over MQTT is made from. */
export interface RequestApiParts {
  readonly core: Pick<Core, 'registry' | 'log'>
  readonly broker: MqttBroker
  readonly qos: Qos
  readonly role: Role
  /** Replaces the published status; see Caller. */
  readonly subscribe: NonNullable<Caller['subscribe']>
}

export class RequestApi {
  readonly #parts: RequestApiParts
  readonly #caller: Caller
  readonly #timestamps: string[] = []
  #running = 0

  constructor(parts: RequestApiParts) {
    this.#parts = parts
    const user = { username: '_MQTT_USER_', source: 'moonraker', created_on: null, role: parts.role }
    this.#caller = { transport: 'mqtt', address: null, user, connection: null, subscribe: parts.subscribe }
  }

  /** Answers requests from now on, until `scope` is closed. */
  serve(scope: Scope): void {
    const { broker, qos } = this.#parts
    scope.use(broker.subscribe(`${this.#prefix}/request`, message => this.#receive(message), qos))
  }

  get #prefix(): string {
    return `${this.#parts.broker.instanceName}/moonraker/api`
  }

  #receive(message: MqttMessage): void {
    // The broker would deliver it at every connection, and the server run it each time.
    if (message.retain) this.#parts.core.log.warning(RETAINED)
    else void this.#answer(message)
  }

  async #answer({ payload, responseTopic, correlationData }: MqttMessage): Promise<void> {
    const { broker, qos, core } = this.#parts
    const replyTo = new ReplyTopic(`${this.#prefix}/response`, responseTopic)
    const calls: Callable = {
      call: (name, params, caller) => core.registry.call(name, this.#takeExtras(params, replyTo), caller),
      failure: (error, method) => core.registry.failure(error, method),
      reads: name => core.registry.reads(name),
    }
    this.#running += 1
    try {
      // What is too long or not UTF-8 gets the reply of a text that is not JSON.
      const text = payload.length > MAX_BYTES ? '' : (textOf(payload) ?? '')
      const reply = await answer(calls, text, this.#caller)
      if (reply !== undefined) await broker.publish(replyTo.topic, reply, { qos, correlationData })
    } catch (error) {
      core.log.debug(`a reply over MQTT was not sent: ${messageOf(error)}`)
    } finally {
      this.#running -= 1
    }
  }

  /** Reads the parameters that requests over MQTT may have in addition, and returns the others. */
  #takeExtras(params: unknown, replyTo: ReplyTopic): unknown {
    if (this.#running > MAX_RUNNING) {
      throw new ApiError(503, `Too many requests: ${MAX_RUNNING} wait for their replies`)
    }
    if (!isPlainObject(params)) return params
    const { mqtt_timestamp: timestamp, response_topic: topic, ...others } = params
    if (topic !== undefined) replyTo.set(topic)
    if (timestamp !== undefined && timestamp !== null) this.#demandNew(timestampText(timestamp))
    return others
  }

  #demandNew(timestamp: string): void {
    if (this.#timestamps.includes(timestamp)) throw new ApiError(DUPLICATE, 'Duplicate MQTT Request')
    this.#timestamps.push(timestamp)
    if (this.#timestamps.length > TIMESTAMPS) this.#timestamps.shift()
  }
}

/** Throws ApiError 400 for a list or an object, which could be nested without end. */
function timestampText(timestamp: unknown): string {
  if (typeof timestamp === 'object' && !isExactNumber(timestamp)) {
    throw new ApiError(400, 'Invalid mqtt_timestamp: It must be a number or text')
  }
  return toJsonText(timestamp).slice(0, TIMESTAMP_LENGTH)
}

/** Where the reply to one message goes. */
class ReplyTopic {
  topic: string

  /** `property` is the response topic of MQTT 5; an invalid one is ignored. */
  constructor(fallback: string, property: string | undefined) {
    this.topic = property === undefined || topicProblem(property) !== null ? fallback : property
  }

  /** Takes the topic of a parameter. Throws ApiError 400 for an invalid one. */
  set(topic: unknown): void {
    const problem = typeof topic === 'string' ? topicProblem(topic) : 'It must be text'
    if (problem !== null) throw new ApiError(400, `Invalid response_topic: ${problem}`)
    this.topic = topic as string
  }
}
