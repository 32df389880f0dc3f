// Who listens to which topics.
import { messageOf } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { MqttMessage, Qos } from './service.ts'
import { hasWildcards, matches } from './topics.ts'

/** One listener of one filter. */
export interface Subscription {
  readonly filter: string
  readonly qos: Qos
  readonly listener: (message: MqttMessage) => void
}

/** The subscriptions, whether the broker is connected or not. */
export class Subscriptions {
  readonly #byFilter = new Map<string, Set<Subscription>>()
  /** The filters with wildcards, which have to be compared one by one. */
  readonly #patterns = new Set<string>()
  readonly #log: Log

  constructor(log: Log) {
    this.#log = log
  }

  /** Every filter, in order of subscription. */
  filters(): Iterable<string> {
    return this.#byFilter.keys()
  }

  /** The highest QoS that a listener of `filter` wants. */
  qosOf(filter: string): Qos {
    const wanted = [...(this.#byFilter.get(filter) ?? [])].map(({ qos }) => qos)
    return Math.max(0, ...wanted) as Qos
  }

  add(subscription: Subscription): void {
    const { filter } = subscription
    const same = this.#byFilter.get(filter) ?? new Set()
    this.#byFilter.set(filter, same.add(subscription))
    if (hasWildcards(filter)) this.#patterns.add(filter)
  }

  /** Returns whether it was the last one of its filter. */
  remove(subscription: Subscription): boolean {
    const { filter } = subscription
    const same = this.#byFilter.get(filter)
    if (!same?.delete(subscription) || same.size > 0) return false
    this.#byFilter.delete(filter)
    this.#patterns.delete(filter)
    return true
  }

  /** Passes a message on to its listeners. One that fails does not stop the others. */
  dispatch(message: MqttMessage): void {
    if (!hasWildcards(message.topic)) this.#pass(message.topic, message)
    for (const filter of this.#patterns) if (matches(filter, message.topic)) this.#pass(filter, message)
  }

  #pass(filter: string, message: MqttMessage): void {
    for (const { listener } of this.#byFilter.get(filter) ?? []) {
      try {
        listener(message)
      } catch (error) {
        this.#log.warning(`a message of ${message.topic} cannot be processed: ${messageOf(error)}`)
      }
    }
  }
}
