// tgram://token/chat/chat; a chat is a number or @name, with `:topic` for a thread. API: https://core.telegram.org/bots/api
import { bodyAs, escapeMarkup } from '../formats.ts'
import type { Message } from '../message.ts'
import { type CreateSender, type FormPart, joined, postForm, postJson } from '../sender.ts'
import { ServiceUrlError } from '../service-url.ts'

const API = 'https://api.telegram.org'
/** Characters of a message. */
const MAX_TEXT = 4096

export const createTelegram: CreateSender = (url, http) => {
  const port = url.port === null ? '' : `:${url.port}`
  const [first = ''] = url.path
  // A token is `number:letters`; some write `bot` in front.
  const whole = `${url.host}${port}`.replace(/^bot/i, '')
  const isWhole = whole.includes(':')
  const token = isWhole ? whole : `${whole}:${first}`
  const chats = [...url.path.slice(isWhole ? 0 : 1), ...(url.options.get('to') ?? '').split(',')].filter(
    Boolean,
  )
  if (!/^\d+:[\w-]+$/.test(token))
    throw new ServiceUrlError('its bot token is not of the form number:letters')
  if (chats.length === 0) throw new ServiceUrlError('it has no chat, as in tgram://token/chat')
  // `api` is for tests, and for people who run the Bot API themselves.
  const base = `${url.options.get('api') ?? API}/bot${token}`
  const silent = /^(yes|true|1)$/i.test(url.options.get('silent') ?? '')
  return async message => {
    for (const chat of chats) {
      const [chat_id = '', thread = url.options.get('topic')] = chat.split(':')
      const target = {
        chat_id,
        ...(thread !== undefined && { message_thread_id: thread }),
        ...(silent && { disable_notification: 'true' }),
      }
      await postJson(http, `${base}/sendMessage`, { ...target, ...textOf(message) })
      for (const { name, mediaType, data } of message.attachments) {
        const [method, field] = mediaType.startsWith('image/')
          ? ['sendPhoto', 'photo']
          : ['sendDocument', 'document']
        const file: FormPart = { name: field as string, value: { filename: name, mediaType, data } }
        const parts = Object.entries(target).map(([key, value]) => ({ name: key, value }))
        await postForm(http, `${base}/${method}`, [...parts, file])
      }
    }
  }
}

function textOf(message: Message) {
  if (message.format === 'text') return { text: joined(message, message.body).slice(0, MAX_TEXT) }
  const title = message.title === '' ? '' : `<b>${escapeMarkup(message.title)}</b>`
  // Telegram has no line break element.
  const body = bodyAs(message, 'html').replace(/<br ?\/?>\n?/gi, '\n')
  return { text: joined({ title }, body).slice(0, MAX_TEXT), parse_mode: 'HTML' }
}
