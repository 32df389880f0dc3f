// pbul://token, pbul://token/#channel/device/mail@address. API: https://docs.pushbullet.com
import { bodyAs } from '../formats.ts'
import { type CreateSender, postJson } from '../sender.ts'
import { ServiceUrlError } from '../service-url.ts'

const API = 'https://api.pushbullet.com/v2/pushes'

export const createPushbullet: CreateSender = (url, http) => {
  if (url.host === '') throw new ServiceUrlError('it has no access token, as in pbul://token')
  const targets = url.path.length === 0 ? [{}] : url.path.map(targetOf)
  return async message => {
    const note = { type: 'note', title: message.title, body: bodyAs(message, 'text') }
    for (const target of targets) {
      const headers = { 'Access-Token': url.host }
      await postJson(http, url.options.get('api') ?? API, { ...note, ...target }, headers)
    }
  }
}

function targetOf(target: string): Record<string, string> {
  if (target.startsWith('#')) return { channel_tag: target.slice(1) }
  return target.includes('@') ? { email: target } : { device_iden: target }
}
