// hassio://host/token, hassios://…: a persistent notification. API: https://developers.home-assistant.io/docs/api/rest/
import { bodyAs } from '../formats.ts'
import { baseOf, type CreateSender, postJson } from '../sender.ts'
import { ServiceUrlError } from '../service-url.ts'

const PORT = 8123

export const createHomeAssistant: CreateSender = (url, http) => {
  const token = url.path.at(-1)
  if (token === undefined) throw new ServiceUrlError('it has no access token, as in hassio://host/token')
  const secure = url.scheme === 'hassios'
  const base = baseOf({ ...url, port: url.port ?? (secure ? null : PORT) }, secure)
  const prefix = url.path.slice(0, -1).map(part => `/${encodeURIComponent(part)}`)
  const id = url.options.get('nid')
  return async message => {
    await postJson(
      http,
      `${base}${prefix.join('')}/api/services/persistent_notification/create`,
      {
        title: message.title,
        message: bodyAs(message, message.format === 'html' ? 'text' : message.format),
        ...(id !== undefined && { notification_id: id }),
      },
      { Authorization: `Bearer ${token}` },
    )
  }
}
