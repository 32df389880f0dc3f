// mailto://user:password@domain, mailtos://…: mail by SMTP. `smtp`, `from`, `name`, `to`, `cc`, `bcc`, `mode` are options.
import type { Transporter } from 'nodemailer'
import { messageOf } from '../../../core/errors.ts'
import { bodyAs } from '../formats.ts'
import { DeliveryError, type Message } from '../message.ts'
import type { CreateSender } from '../sender.ts'
import { type ServiceUrl, ServiceUrlError } from '../service-url.ts'

/** Milliseconds until a mail server must reply. */
const TIMEOUT = 15_000
const PORTS = { ssl: 465, starttls: 587, none: 25 } as const

interface Account {
  readonly from: string
  readonly to: readonly string[]
}

export const createMail: CreateSender = url => {
  const account = accountOf(url)
  return async message => {
    // Loaded with the first mail.
    const { createTransport } = await import('nodemailer')
    const transport: Transporter = createTransport(settingsOf(url))
    try {
      await transport.sendMail(mailOf(url, account, message))
    } catch (error) {
      const code = (error as { responseCode?: number }).responseCode
      throw new DeliveryError(messageOf(error), code === undefined || code < 500, { cause: error })
    } finally {
      transport.close()
    }
  }
}

function accountOf(url: ServiceUrl): Account {
  const sender = url.options.get('from') ?? ''
  const isAddress = sender.includes('@')
  const own = url.user.includes('@') ? url.user : `${url.user || 'printer'}@${url.host}`
  const from = isAddress ? sender : own
  const to = [...url.path, ...listOf(url.options.get('to'))]
  if (url.host === '') throw new ServiceUrlError('it has no domain, as in mailtos://user:password@domain')
  return { from, to: to.length === 0 ? [from] : to }
}

/** TLS from the start, or STARTTLS, which a server of mailtos must offer. */
function settingsOf(url: ServiceUrl) {
  const secure = url.scheme === 'mailtos'
  const mode = url.options.get('mode')?.toLowerCase() ?? (secure ? 'starttls' : 'none')
  const kind = mode === 'ssl' || mode === 'starttls' ? mode : 'none'
  return {
    host: url.options.get('smtp') ?? url.host,
    port: url.port ?? PORTS[kind],
    secure: kind === 'ssl',
    requireTLS: kind === 'starttls',
    ...(kind === 'none' && !secure && { opportunisticTLS: true }),
    ...(url.password !== '' && { auth: { user: url.options.get('user') ?? url.user, pass: url.password } }),
    connectionTimeout: TIMEOUT,
    greetingTimeout: TIMEOUT,
    socketTimeout: TIMEOUT,
    ...(/^no$/i.test(url.options.get('verify') ?? '') && { tls: { rejectUnauthorized: false } }),
  }
}

function mailOf(url: ServiceUrl, { from, to }: Account, message: Message) {
  const given = url.options.get('from') ?? ''
  const name = url.options.get('name') ?? (given.includes('@') ? '' : given)
  return {
    from: { name, address: from },
    to: [...to],
    cc: listOf(url.options.get('cc')),
    bcc: listOf(url.options.get('bcc')),
    subject: message.title || 'Printer',
    text: bodyAs(message, 'text'),
    ...(message.format !== 'text' && { html: bodyAs(message, 'html') }),
    attachments: message.attachments.map(({ name: filename, mediaType, data }) => {
      return { filename, content: data, contentType: mediaType }
    }),
  }
}

function listOf(text = ''): string[] {
  return text
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '')
}
