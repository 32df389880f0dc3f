// mqtt://user:password@host/topic, mqtts://…: publishes to a broker, without the connection of [mqtt].
import { messageOf } from '../../../core/errors.ts'
import { bodyAs } from '../formats.ts'
import { DeliveryError } from '../message.ts'
import { type CreateSender, joined } from '../sender.ts'
import { ServiceUrlError } from '../service-url.ts'

/** Milliseconds until the broker must accept the connection. */
const TIMEOUT = 10_000
const VERSIONS: Readonly<Record<string, 3 | 4 | 5>> = { 'v3.1': 3, 'v3.1.1': 4, v5: 5 }

export const createMqtt: CreateSender = url => {
  const topic = url.path.join('/')
  if (url.host === '' || topic === '')
    throw new ServiceUrlError('it needs a host and a topic, as in mqtt://host/topic')
  const qos = Number(url.options.get('qos') ?? 0)
  if (qos !== 0 && qos !== 1 && qos !== 2) throw new ServiceUrlError('its qos is not 0, 1 or 2')
  const retain = /^(yes|true|1)$/i.test(url.options.get('retain') ?? '')
  const secure = url.scheme === 'mqtts'
  const settings = {
    host: url.host,
    port: url.port ?? (secure ? 8883 : 1883),
    protocol: secure ? ('mqtts' as const) : ('mqtt' as const),
    protocolVersion: VERSIONS[url.options.get('version') ?? ''] ?? 4,
    connectTimeout: TIMEOUT,
    reconnectPeriod: 0,
    writeCache: false,
    ...(url.user !== '' && { username: url.user, password: url.password }),
  }
  return async message => {
    // Loaded with the first message.
    const { connectAsync } = await import('mqtt')
    try {
      const client = await connectAsync(settings)
      try {
        await client.publishAsync(topic, joined(message, bodyAs(message, 'text')), { qos, retain })
      } finally {
        await client.endAsync()
      }
    } catch (error) {
      throw new DeliveryError(messageOf(error), true, { cause: error })
    }
  }
}
