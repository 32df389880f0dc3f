// The connection to the MQTT broker, for other components.
import { service } from '../../component/service.ts'
import type { Registration } from '../../core/scope.ts'

/** Quality of service: 0 at most once, 1 at least once, 2 exactly once. */
export type Qos = 0 | 1 | 2

/** A message from the broker. */
export interface MqttMessage {
  readonly topic: string
  readonly payload: Buffer
  /** The broker had stored the message before the subscription. */
  readonly retain: boolean
  /** Of MQTT 5: where the sender expects the reply. */
  readonly responseTopic?: string | undefined
  /** Of MQTT 5: data that belongs into the reply. */
  readonly correlationData?: Buffer | undefined
}

/** How to publish. */
export interface PublishOptions {
  /** The configured default where it is left out. */
  readonly qos?: Qos | undefined
  readonly retain?: boolean | undefined
  /** Of MQTT 5; see MqttMessage. */
  readonly correlationData?: Buffer | undefined
}

/** The broker, whether it is connected or not. */
export interface MqttBroker {
  /** The prefix of the server's own topics, without a slash. */
  readonly instanceName: string
  readonly defaultQos: Qos
  readonly connected: boolean
  /** Throws ApiError 400 for a topic that cannot be published. */
  checkTopic(topic: string): void
  /**
   * Publishes. Resolves when the message is sent (QoS 0) or acknowledged (QoS 1 and 2). A message with QoS 1 or 2 waits
   * for the connection. Rejects with ApiError: 400 for an invalid topic, 503 for QoS 0 without a connection, 529 when
   * too many messages wait, 502 when the broker refuses the message.
   */
  publish(topic: string, payload: string | Buffer, options?: PublishOptions): Promise<void>
  /**
   * Calls `listener` for each message of `filter`, which may contain the wildcards `+` and `#`. Subscribes at once, or
   * when the broker connects; a subscription survives disconnections. Throws ApiError 400 for an invalid filter.
   */
  subscribe(filter: string, listener: (message: MqttMessage) => void, qos?: Qos): Registration
  /** Calls `listener` when the broker connects, after the subscriptions are sent, and when it disconnects. */
  onConnection(listener: (connected: boolean) => void): Registration
}

/** The MQTT broker. */
export const mqttService = service<MqttBroker>('mqtt')
