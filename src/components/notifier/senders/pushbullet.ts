// pbul://token, pbul://token/#channel/device/mail@address. API: https://docs.pushbullet.com
import { bodyAs } from '../formats.ts'
import type { Attachment } from '../message.ts'
import { type CreateSender, postForm, postJson } from '../sender.ts'
import { ServiceUrlError } from '../service-url.ts'

const API = 'https://api.pushbullet.com/v2'

/** Where a file is uploaded, and what a push then names. */
interface UploadPlace {
  readonly upload_url: string
  readonly file_name: string
  readonly file_type: string
  readonly file_url: string
}

export const createPushbullet: CreateSender = (url, http) => {
  if (url.host === '') throw new ServiceUrlError('it has no access token, as in pbul://token')
  const targets = url.path.length === 0 ? [{}] : url.path.map(targetOf)
  const api = url.options.get('api') ?? API
  const headers = { 'Access-Token': url.host }
  const upload = async ({ name, mediaType, data }: Attachment): Promise<object> => {
    const wanted = { file_name: name, file_type: mediaType }
    const { body } = await postJson(http, `${api}/upload-request`, wanted, headers)
    const { upload_url, ...file } = JSON.parse(body.toString()) as UploadPlace
    await postForm(http, upload_url, [{ name: 'file', value: { filename: name, mediaType, data } }])
    const { file_name, file_type, file_url } = file
    return { type: 'file', file_name, file_type, file_url }
  }
  return async message => {
    const pushes: object[] = [{ type: 'note', title: message.title, body: bodyAs(message, 'text') }]
    for (const file of message.attachments) pushes.push(await upload(file))
    for (const target of targets) {
      for (const push of pushes) await postJson(http, `${api}/pushes`, { ...push, ...target }, headers)
    }
  }
}

function targetOf(target: string): Record<string, string> {
  if (target.startsWith('#')) return { channel_tag: target.slice(1) }
  return target.includes('@') ? { email: target } : { device_iden: target }
}
