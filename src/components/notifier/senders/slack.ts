// slack://A/B/C/#channel (webhook), slack://xoxb-token/#channel (bot). API: https://docs.slack.dev/messaging
import { bodyAs } from '../formats.ts'
import { DeliveryError } from '../message.ts'
import { type CreateSender, joined, postJson } from '../sender.ts'
import { ServiceUrlError } from '../service-url.ts'

const HOOKS = 'https://hooks.slack.com/services'
const API = 'https://slack.com/api'

export const createSlack: CreateSender = (url, http) => {
  const isBot = /^xox[abp]-/i.test(url.host)
  const [b, c, ...more] = url.path
  const channels = isBot ? url.path : more
  if (!isBot && (b === undefined || c === undefined)) {
    throw new ServiceUrlError(
      'it needs three tokens or a bot token, as in slack://A/B/C or slack://xoxb-token/channel',
    )
  }
  if (isBot && channels.length === 0)
    throw new ServiceUrlError('it has no channel, as in slack://xoxb-token/channel')
  const base = url.options.get('api')
  const sender = url.user === '' ? {} : { username: url.user }
  return async message => {
    const text = joined(message, bodyAs(message, message.format === 'html' ? 'text' : message.format))
    const targets = channels.length === 0 ? [undefined] : channels
    for (const channel of targets) {
      const payload = { text, ...sender, ...(channel !== undefined && { channel }) }
      if (!isBot) {
        await postJson(http, `${base ?? HOOKS}/${url.host}/${b}/${c}`, payload)
        continue
      }
      const headers = { Authorization: `Bearer ${url.host}` }
      const { body } = await postJson(http, `${base ?? API}/chat.postMessage`, payload, headers)
      const reply = JSON.parse(body.toString() || '{}') as { ok?: boolean; error?: string }
      if (reply.ok !== true) throw new DeliveryError(`Slack replied: ${reply.error ?? 'no reason'}`, false)
    }
  }
}
