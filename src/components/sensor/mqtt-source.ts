// The values of a sensor that publishes them through the MQTT broker.
import type { Core } from '../../component/component.ts'
import { SectionTemplate } from '../../component/section-template.ts'
import type { ReadSection, SectionOptions } from '../../config/index.ts'
import { ConcurrencyLimit } from '../../core/concurrency-limit.ts'
import { messageOf } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import type { MqttBroker, MqttMessage, Qos } from '../mqtt/service.ts'
import { mqttOptions } from './options.ts'
import type { Sensor } from './sensor.ts'

/** Messages that wait for their template. */
const MAX_WAITING = 64

/**
 * Follows the topic of a sensor, until the scope is closed; `onChange` is called after the values may have changed. A
 * message whose template fails changes nothing. Throws ConfigError for a template or topic that cannot be used.
 */
export function followTopic(
  core: Core,
  scope: Scope,
  section: ReadSection<SectionOptions>,
  broker: MqttBroker,
  sensor: Sensor,
  onChange: () => void,
): void {
  const { state_topic, state_response_template, qos } = section.read(mqttOptions)
  const template = new SectionTemplate(core, section, 'state_response_template', state_response_template)
  const inbox = new ConcurrencyLimit({ what: 'messages', maxRunning: 1, maxQueued: MAX_WAITING })
  let lastProblem = ''
  const receive = async ({ payload }: MqttMessage) => {
    const values = new Map<string, number>()
    const set_result = (parameter: unknown, value: unknown) => {
      values.set(String(parameter), numberOf(parameter, value))
      return null
    }
    try {
      await inbox.run(() => template.render({ payload: payload.toString(), set_result }))
      sensor.set(values)
      lastProblem = ''
      onChange()
    } catch (error) {
      const problem = messageOf(error)
      if (problem !== lastProblem)
        core.log.warning(`sensor ${section.name}: a message is ignored: ${problem}`)
      lastProblem = problem
    }
  }
  try {
    scope.use(broker.subscribe(state_topic, message => void receive(message), qos as Qos | undefined))
  } catch (error) {
    throw section.error(`the option "state_topic": ${messageOf(error)}`, 'state_topic')
  }
  scope.use(
    broker.onConnection(isConnected => {
      if (isConnected) return
      sensor.clear()
      onChange()
    }),
  )
}

/** Throws Error for a value that is no number. */
function numberOf(parameter: unknown, value: unknown): number {
  const isText = typeof value === 'string' && value.trim() !== ''
  const number =
    isText || typeof value === 'number' || typeof value === 'boolean' ? Number(value) : Number.NaN
  if (Number.isFinite(number)) return number
  throw new Error(`the value of ${String(parameter)} is not a number: ${JSON.stringify(value)}`)
}
