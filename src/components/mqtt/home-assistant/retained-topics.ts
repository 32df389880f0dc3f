// The topics under which the broker stores messages for Home Assistant: they are removed when nothing publishes them.
import type { Namespaces } from '../../../storage/index.ts'
import type { MqttBroker } from '../service.ts'

const NAMESPACE = 'moonraker'
const KEY = ['home_assistant', 'topics']

export class RetainedTopics {
  readonly #namespaces: Namespaces
  readonly #topics: Set<string>
  /** The last write, and all before it. */
  #stored: Promise<void> = Promise.resolve()

  /** Knows those of earlier runs. */
  constructor(namespaces: Namespaces) {
    const stored = namespaces.find(NAMESPACE, KEY)
    this.#namespaces = namespaces
    this.#topics = new Set(Array.isArray(stored) ? stored.map(String) : [])
  }

  /** Resolves when a topic is noted; calls resolve in their order. */
  add(topic: string): Promise<void> {
    if (!this.#topics.has(topic)) {
      this.#topics.add(topic)
      this.#store()
    }
    return this.#stored
  }

  /** Removes the stored messages of all topics but those that `isUsed` accepts. Resolves when the broker has done so. */
  async clear(broker: MqttBroker, isUsed: (topic: string) => boolean): Promise<void> {
    const unused = [...this.#topics].filter(topic => !isUsed(topic))
    if (unused.length === 0) return
    await Promise.all(unused.map(topic => broker.publish(topic, '', { qos: 1, retain: true })))
    for (const topic of unused) this.#topics.delete(topic)
    this.#store()
    await this.#stored
  }

  #store(): void {
    const write = () => this.#namespaces.post(NAMESPACE, KEY, [...this.#topics])
    this.#stored = this.#stored.then(write, write)
  }
}
