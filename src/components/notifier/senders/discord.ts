// discord://webhook-id/webhook-token, with name@ in front for the sender. API: https://discord.com/developers/docs/resources/webhook
import { bodyAs } from '../formats.ts'
import { type CreateSender, type FormPart, postForm, postJson } from '../sender.ts'
import { ServiceUrlError } from '../service-url.ts'

const API = 'https://discord.com/api/webhooks'
/** Characters of a message. */
const MAX_TEXT = 2000

export const createDiscord: CreateSender = (url, http) => {
  const [token] = url.path
  if (token === undefined) throw new ServiceUrlError('it needs an id and a token, as in discord://id/token')
  const thread = url.options.get('thread')
  const query = thread === undefined ? '' : `?thread_id=${encodeURIComponent(thread)}`
  const base = url.options.get('api') ?? API
  const address = `${base}/${encodeURIComponent(url.host)}/${encodeURIComponent(token)}${query}`
  const sender = url.user === '' ? {} : { username: url.user }
  const tts = /^(yes|true|1)$/i.test(url.options.get('tts') ?? '')
  return async message => {
    const text = bodyAs(message, message.format === 'html' ? 'text' : message.format)
    const content = (message.title === '' ? text : `**${message.title}**\n${text}`).slice(0, MAX_TEXT)
    const payload = { content, ...sender, ...(tts && { tts }), allowed_mentions: { parse: [] } }
    if (message.attachments.length === 0) return void (await postJson(http, address, payload))
    const files = message.attachments.map(({ name, mediaType, data }, index): FormPart => {
      return { name: `files[${index}]`, value: { filename: name, mediaType, data } }
    })
    await postForm(http, address, [{ name: 'payload_json', value: JSON.stringify(payload) }, ...files])
  }
}
