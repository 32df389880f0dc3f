// pover://user@token/device/device. API: https://pushover.net/api
import { bodyAs } from '../formats.ts'
import { type CreateSender, type FormPart, postForm } from '../sender.ts'
import { ServiceUrlError } from '../service-url.ts'

const API = 'https://api.pushover.net/1/messages.json'
/** Numbers of the priorities that the URL names by words. */
const PRIORITIES: Readonly<Record<string, string>> = {
  low: '-2',
  moderate: '-1',
  normal: '0',
  high: '1',
  emergency: '2',
}

export const createPushover: CreateSender = (url, http) => {
  if (url.user === '' || url.host === '')
    throw new ServiceUrlError('it needs user and token, as in pover://user@token')
  const wanted = url.options.get('priority')?.toLowerCase() ?? '0'
  const priority = PRIORITIES[wanted] ?? wanted
  const fields = [
    { name: 'token', value: url.host },
    { name: 'user', value: url.user },
    { name: 'priority', value: priority },
    ...(url.path.length > 0 ? [{ name: 'device', value: url.path.join(',') }] : []),
    ...['sound', 'url', 'url_title'].flatMap(name => {
      const value = url.options.get(name)
      return value === undefined ? [] : [{ name, value }]
    }),
    ...(priority === '2'
      ? [
          { name: 'retry', value: url.options.get('retry') ?? '900' },
          { name: 'expire', value: url.options.get('expire') ?? '3600' },
        ]
      : []),
  ]
  return async message => {
    const isHtml = message.format !== 'text'
    const [first] = message.attachments
    const parts: FormPart[] = [
      ...fields,
      { name: 'message', value: bodyAs(message, isHtml ? 'html' : 'text') || message.title },
      ...(message.title === '' ? [] : [{ name: 'title', value: message.title }]),
      ...(isHtml ? [{ name: 'html', value: '1' }] : []),
      // Pushover accepts one picture for each message.
      ...(first === undefined
        ? []
        : [
            {
              name: 'attachment',
              value: { filename: first.name, mediaType: first.mediaType, data: first.data },
            },
          ]),
    ]
    await postForm(http, url.options.get('api') ?? API, parts)
  }
}
