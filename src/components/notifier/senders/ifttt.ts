// ifttt://webhook-key@event/event. API: https://ifttt.com/maker_webhooks
import { bodyAs } from '../formats.ts'
import { type CreateSender, postJson } from '../sender.ts'
import { ServiceUrlError } from '../service-url.ts'

const API = 'https://maker.ifttt.com'

export const createIfttt: CreateSender = (url, http) => {
  const events = [url.host, ...url.path].filter(event => event !== '')
  if (url.user === '' || events.length === 0) {
    throw new ServiceUrlError('it needs a key and an event, as in ifttt://key@event')
  }
  const base = url.options.get('api') ?? API
  return async message => {
    const values: Record<string, string> = {
      value1: message.title,
      value2: bodyAs(message, 'text'),
      value3: 'info',
      ...Object.fromEntries(url.headers),
    }
    for (const name of url.query.keys()) delete values[name]
    for (const event of events) {
      await postJson(
        http,
        `${base}/trigger/${encodeURIComponent(event)}/with/key/${encodeURIComponent(url.user)}`,
        values,
      )
    }
  }
}
