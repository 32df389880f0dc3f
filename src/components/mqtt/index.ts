// [mqtt]: the connection to an MQTT broker, with the API, the status of Klipper and single messages over it.
import { hostname } from 'node:os'
import { mqtt as chapter } from '../../api/mqtt.ts'
import { type Core, component } from '../../component/component.ts'
import { optional } from '../../component/service.ts'
import type { ReadSection } from '../../config/index.ts'
import { messageOf } from '../../core/errors.ts'
import { progressService } from '../analysis/service.ts'
import { metadataService } from '../metadata/service.ts'
import { powerService } from '../power/service.ts'
import { Broker } from './broker.ts'
import { connectionOptions } from './connection.ts'
import { HomeAssistant } from './home-assistant/home-assistant.ts'
import { RetainedTopics } from './home-assistant/retained-topics.ts'
import { Messages } from './messages.ts'
import { mqttOptions } from './options.ts'
import { RequestApi } from './request-api.ts'
import { mqttService } from './service.ts'
import { StatusPublisher } from './status-publisher.ts'

/** Klipper itself pushes its status every 0.25 s. */
const MIN_STATUS_INTERVAL = 0.25

const OPEN_BROKER =
  'the broker is used without TLS and without a user name: every client of the broker can control the printer through the API. Set username and password, or enable_moonraker_api: False'

function checkInterval(section: ReadSection<typeof mqttOptions>): number {
  const { status_interval: interval } = section.options
  if (interval === 0 || interval > MIN_STATUS_INTERVAL) return interval
  throw section.error(
    `the option "status_interval: ${interval}" of section [mqtt] must be 0 or a number above ${MIN_STATUS_INTERVAL}`,
    'status_interval',
  )
}

/** The front-end, or the dashboard, under the name by which mDNS finds this machine. */
function addressOfPages({ port, routePrefix }: Core): string | undefined {
  if (port === 0) return undefined
  const name = hostname()
  return `http://${name.includes('.') ? name : `${name}.local`}:${port}${routePrefix}/`
}

export default component({
  section: 'mqtt',
  presence: 'configured',
  options: mqttOptions,
  needs: {
    metadata: optional(metadataService),
    power: optional(powerService),
    progress: optional(progressService),
  },
  provides: { broker: mqttService },
  create({ core, section, scope, needs }) {
    const { options } = section
    const { address, port, default_qos: defaultQos } = options
    const broker = new Broker(core, {
      instanceName: options.instance_name ?? hostname(),
      defaultQos,
      address: `${address}:${port}`,
    })
    const status = new StatusPublisher(core, broker, {
      objects: options.status_objects,
      interval: checkInterval(section),
      split: options.publish_split_status,
    })
    status.start(scope)
    if (options.enable_moonraker_api) {
      const subscribe = status.subscribe.bind(status)
      const parts = { core, broker, qos: options.api_qos ?? defaultQos, role: options.api_role, subscribe }
      new RequestApi(parts).serve(scope)
    }
    const topics = new RetainedTopics(core.storage.namespaces)
    if (options.home_assistant) {
      new HomeAssistant({
        core,
        broker,
        topics,
        options: {
          prefix: options.home_assistant_prefix,
          control: options.home_assistant_control,
          interval: options.home_assistant_interval,
        },
        url: addressOfPages(core),
        metadata: needs.metadata,
        power: needs.power,
        progress: needs.progress,
      }).start(scope)
    }
    const messages = new Messages(broker, core.clock)
    scope.use(
      core.registry.serve(chapter, {
        'server.mqtt.publish': params => messages.publish(params),
        'server.mqtt.subscribe': params => messages.next(params),
      }),
    )
    const { session } = core.printer
    session.addRemoteMethod('publish_mqtt_topic', params => messages.publishFromKlipper(params))
    scope.defer(() => session.removeRemoteMethod('publish_mqtt_topic'))
    return {
      broker,
      async start() {
        const connection = await connectionOptions(core, section)
        if (options.enable_moonraker_api && !options.enable_tls && connection.username === undefined) {
          core.log.warning(OPEN_BROKER)
        }
        broker.start(connection)
        if (options.home_assistant) return
        topics
          .clear(broker, () => false)
          .catch((error: unknown) => core.log.debug(`Home Assistant keeps the printer: ${messageOf(error)}`))
      },
      stop: () => broker.stop(),
    }
  },
})
