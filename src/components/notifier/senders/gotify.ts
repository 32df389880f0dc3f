// gotify://host/token, gotifys://host/path/token. API: https://gotify.net/docs/pushmsg
import { bodyAs } from '../formats.ts'
import { baseOf, type CreateSender, postJson } from '../sender.ts'
import { ServiceUrlError } from '../service-url.ts'

export const createGotify: CreateSender = (url, http) => {
  const token = url.path.at(-1)
  if (token === undefined) throw new ServiceUrlError('it has no token, as in gotify://host/token')
  const prefix = url.path.slice(0, -1).map(part => `/${encodeURIComponent(part)}`)
  const address = `${baseOf(url, url.scheme === 'gotifys')}${prefix.join('')}/message`
  const priority = Number(url.options.get('priority') ?? 5)
  return async message => {
    const contentType = message.format === 'text' ? 'text/plain' : 'text/markdown'
    await postJson(
      http,
      address,
      {
        title: message.title || undefined,
        message: bodyAs(message, message.format === 'html' ? 'text' : message.format),
        priority: Number.isInteger(priority) ? priority : 5,
        extras: { 'client::display': { contentType } },
      },
      { 'X-Gotify-Key': token },
    )
  }
}
