// Single messages for API callers and for macros: publish one, wait for one.

import type { ParamsOf, ResultOf } from '../../api/endpoint.ts'
import { type mqtt as chapter, PUBLISH_SECONDS, SUBSCRIBE_SECONDS } from '../../api/mqtt.ts'
import { type Clock, withTimeout } from '../../core/clock.ts'
import { ApiError } from '../../core/errors.ts'
import type { Registration } from '../../core/scope.ts'
import { parsedPayload, payloadOf } from './payload.ts'
import type { MqttBroker, MqttMessage, Qos } from './service.ts'
import { checkTopic } from './topics.ts'

type Methods = (typeof chapter)['methods']
type Publish = ParamsOf<Methods['server.mqtt.publish']>
type Subscribe = ParamsOf<Methods['server.mqtt.subscribe']>

/** Callers that may wait for a message. */
const MAX_WAITING = 100

export class Messages {
  readonly #broker: MqttBroker
  readonly #clock: Clock
  #waiting = 0

  constructor(broker: MqttBroker, clock: Clock) {
    this.#broker = broker
    this.#clock = clock
  }

  /** Publishes. Rejects with ApiError: as MqttBroker.publish does, 504 when the broker acknowledges too late. */
  async publish({ topic, payload, qos, retain, timeout }: Publish): Promise<{ topic: string }> {
    const options = { qos: readQos(qos), retain }
    await withTimeout(
      this.#clock,
      Math.min(timeout ?? PUBLISH_SECONDS, PUBLISH_SECONDS),
      this.#broker.publish(topic, payloadOf(payload), options),
      () => new ApiError(504, 'MQTT Publish Timed Out'),
    )
    return { topic }
  }

  /** Waits for a message. Rejects with ApiError: 400 for an invalid topic, 503 for too many callers, 504. */
  async next({ topic, qos, timeout }: Subscribe): Promise<ResultOf<Methods['server.mqtt.subscribe']>> {
    checkTopic(topic)
    const wanted = readQos(qos)
    if (this.#waiting >= MAX_WAITING) {
      throw new ApiError(503, `Too many callers: ${MAX_WAITING} wait for messages already`)
    }
    this.#waiting += 1
    let subscription: Registration | null = null
    const message = new Promise<MqttMessage>(resolve => {
      subscription = this.#broker.subscribe(topic, resolve, wanted)
    })
    try {
      const { payload } = await withTimeout(
        this.#clock,
        Math.min(timeout ?? SUBSCRIBE_SECONDS, SUBSCRIBE_SECONDS),
        message,
        () => new ApiError(504, 'MQTT Subscribe Timed Out'),
      )
      return { topic, payload: parsedPayload(payload) }
    } finally {
      this.#waiting -= 1
      ;(subscription as Registration | null)?.remove()
    }
  }

  /** Publishes for a macro (remote method publish_mqtt_topic). */
  async publishFromKlipper(params: Readonly<Record<string, unknown>>): Promise<void> {
    const { topic, payload, qos = null, retain = false, use_prefix: usePrefix = false } = params
    if (typeof topic !== 'string') throw new ApiError(400, 'publish_mqtt_topic needs the parameter "topic"')
    const name = usePrefix === true ? `${this.#broker.instanceName}/${topic.replace(/^\/+/, '')}` : topic
    const options = { qos: readQos(qos as number | null), retain: retain === true }
    await this.#broker.publish(name, payloadOf(payload), options)
  }
}

/** Throws ApiError 400 in the original's words. */
function readQos(qos: number | null | undefined): Qos | undefined {
  if (qos === null || qos === undefined) return undefined
  if (qos === 0 || qos === 1 || qos === 2) return qos
  throw new ApiError(400, 'QOS must be between 0 and 2')
}
