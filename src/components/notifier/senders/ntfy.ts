// ntfy://topic (at ntfy.sh), ntfy://host/topic, ntfys://user:password@host/topic/topic. API: https://docs.ntfy.sh/publish/
import { bodyAs } from '../formats.ts'
import { baseOf, basicAuth, type CreateSender, request } from '../sender.ts'
import { ServiceUrlError } from '../service-url.ts'

const PUBLIC = 'https://ntfy.sh'
/** The prefix of access tokens. */
const TOKEN = /^tk_/

export const createNtfy: CreateSender = (url, http) => {
  const isPublic = url.path.length === 0
  const topics = isPublic ? [url.host] : url.path
  if (topics[0] === '') throw new ServiceUrlError('it has no topic, as in ntfy://topic')
  const base = isPublic ? PUBLIC : baseOf(url, url.scheme === 'ntfys')
  const token = [url.options.get('token') ?? '', url.password, url.user].find(text => TOKEN.test(text))
  const auth = token === undefined ? basicAuth(url) : { Authorization: `Bearer ${token}` }
  const optional = ['priority', 'tags', 'click', 'icon', 'delay', 'email', 'actions', 'filename']
  const chosen = optional.flatMap(name => {
    const value = url.options.get(name)
    return value === undefined ? [] : [[name, name === 'tags' ? value.split(',') : numberOr(value)] as const]
  })
  return async message => {
    const markdown = message.format === 'markdown'
    const text = {
      title: message.title || undefined,
      message: bodyAs(message, markdown ? 'markdown' : 'text'),
    }
    for (const topic of topics) {
      const body = JSON.stringify({
        topic,
        ...text,
        ...(markdown && { markdown }),
        ...Object.fromEntries(chosen),
      })
      await request(http, { url: `${base}/`, method: 'POST', headers: auth, body })
      for (const { name, data } of message.attachments) {
        const headers = { ...auth, Filename: encodeURIComponent(name) }
        await request(http, {
          url: `${base}/${encodeURIComponent(topic)}`,
          method: 'PUT',
          headers,
          body: data,
        })
      }
    }
  }
}

function numberOr(value: string): string | number {
  return /^\d+$/.test(value) ? Number(value) : value
}
