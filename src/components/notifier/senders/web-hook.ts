// json://, form:// and xml:// (with an s for HTTPS): a request to the user's own server, with Apprise's fields.
import { bodyAs, escapeMarkup } from '../formats.ts'
import type { Message } from '../message.ts'
import { baseOf, basicAuth, type CreateSender, type FormPart, postForm, request } from '../sender.ts'
import { type ServiceUrl, ServiceUrlError } from '../service-url.ts'

/** The version of the fields. */
const VERSION = '1.0'

export const createWebHook: CreateSender = (url, http) => {
  if (url.host === '') throw new ServiceUrlError(`it has no host, as in ${url.scheme}://host/path`)
  const kind = url.scheme.replace(/s$/, '')
  const method = (url.options.get('method') ?? 'POST').toUpperCase()
  const headers = { 'User-Agent': 'Apprise', ...basicAuth(url), ...Object.fromEntries(url.headers) }
  return async message => {
    const text = bodyAs(message, 'text')
    const address = addressOf(url)
    if (kind === 'form') return void (await postForm(http, address, formParts(url, message, text), headers))
    const [type, body] =
      kind === 'json'
        ? ['application/json', JSON.stringify(jsonFields(url, message, text))]
        : ['application/xml', xmlOf(url, message, text)]
    await request(http, { url: address, method, headers: { 'Content-Type': type, ...headers }, body })
  }
}

function addressOf(url: ServiceUrl): string {
  const path = url.path.map(part => `/${encodeURIComponent(part)}`).join('')
  const query = new URLSearchParams([...url.query]).toString()
  return `${baseOf(url, url.scheme.endsWith('s'))}${path || '/'}${query && `?${query}`}`
}

/** `:name=other` renames a field, `:new=value` adds one. */
function withFields(url: ServiceUrl, values: Readonly<Record<string, unknown>>): [string, unknown][] {
  const renamed = Object.entries(values).flatMap(([name, value]): [string, unknown][] => {
    const other = url.fields.get(name)
    return other === '' ? [] : [[other ?? name, value]]
  })
  const added = [...url.fields].filter(([name]) => !Object.hasOwn(values, name))
  return [...renamed, ...added]
}

function textFields({ title }: Message, text: string) {
  return { version: VERSION, title, message: text }
}

function jsonFields(url: ServiceUrl, message: Message, text: string) {
  const attachments = message.attachments.map(({ name, mediaType, data }) => {
    return { filename: name, base64: data.toString('base64'), mimetype: mediaType }
  })
  return Object.fromEntries(withFields(url, { ...textFields(message, text), attachments, type: 'info' }))
}

function formParts(url: ServiceUrl, message: Message, text: string): FormPart[] {
  const fields = withFields(url, { ...textFields(message, text), type: 'info' })
  const files = message.attachments.map(({ name, mediaType, data }, index): FormPart => {
    return { name: `file${String(index + 1).padStart(2, '0')}`, value: { filename: name, mediaType, data } }
  })
  return [...fields.map(([name, value]) => ({ name, value: String(value) })), ...files]
}

/** Apprise's SOAP envelope. */
function xmlOf(url: ServiceUrl, message: Message, text: string): string {
  const names = { Version: VERSION, Subject: message.title, MessageType: 'info', Message: text }
  const fields = withFields(url, names).map(
    ([name, value]) => `<${tagOf(name)}>${escapeMarkup(String(value))}</${tagOf(name)}>`,
  )
  const files = message.attachments.map(
    ({ name, mediaType, data }) =>
      `<Attachment filename="${escapeMarkup(name)}" mimetype="${escapeMarkup(mediaType)}" encoding="base64">` +
      `${data.toString('base64')}</Attachment>`,
  )
  const attachments = files.length === 0 ? '' : `<Attachments format="base64">${files.join('')}</Attachments>`
  return (
    '<?xml version="1.0" encoding="utf-8"?>' +
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" ' +
    'xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">' +
    `<soapenv:Body><Notification>${fields.join('')}${attachments}</Notification></soapenv:Body></soapenv:Envelope>`
  )
}

function tagOf(name: string): string {
  return name.replace(/[^\w.-]/g, '_').replace(/^(?=[\d.-])/, '_')
}
