// mailto:// and mailtos:// against a real mail server, aiosmtpd: STARTTLS, TLS from the start, credentials, refusals.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import type { Message } from '../../../src/components/notifier/message.ts'
import { nativeSender } from '../../../src/components/notifier/native-senders.ts'
import { parseServiceUrl } from '../../../src/components/notifier/service-url.ts'
import { HttpClient } from '../../../src/core/http-client.ts'
import { CERTIFICATE, KEY } from '../../transports/http/certificate.ts'

const PYTHON = '/usr/bin/python3'
const isThere = spawnSync(PYTHON, ['-c', 'import aiosmtpd']).status === 0
const skip = isThere ? false : 'python3-aiosmtpd is not installed'

/** Prints one line of JSON when it listens, and one for each mail. */
const SERVER = `
import asyncio, email, email.policy, json, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult

folder, mode = sys.argv[1:]

class Handler:
    async def handle_DATA(self, server, session, envelope):
        if 'too large' in envelope.content.decode('utf8', 'replace'):
            return '552 the mail is too large'
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        parts = [part for part in mail.walk() if not part.is_multipart()]
        print(json.dumps({
            'from': envelope.mail_from, 'to': envelope.rcpt_tos, 'subject': mail['subject'],
            'user': session.auth_data.login.decode() if session.auth_data else None,
            'tls': session.ssl is not None or mode == 'ssl',
            'parts': [[part.get_content_type(), part.get_filename(), part.get_payload(decode=True).decode()] for part in parts],
        }), flush=True)
        return '250 kept'

def login(server, session, envelope, mechanism, data):
    return AuthResult(success=data.password == b'secret', handled=False, auth_data=data)

tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
tls.load_cert_chain(folder + '/cert.pem', folder + '/key.pem')
settings = {
    'ssl': dict(auth_require_tls=False),
    'starttls': dict(tls_context=tls, require_starttls=True, auth_required=True),
    'none': dict(auth_require_tls=False),
}[mode]

async def main():
    loop = asyncio.get_running_loop()
    connect = lambda: SMTP(Handler(), authenticator=login, loop=loop, **settings)
    server = await loop.create_server(connect, '127.0.0.1', 0, ssl=tls if mode == 'ssl' else None)
    print(json.dumps({'port': server.sockets[0].getsockname()[1]}), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)

asyncio.run(main())
`

const http = new HttpClient()
after(() => http.close())

const PICTURE = { name: 'bild ä.jpg', mediaType: 'image/jpeg', data: Buffer.from('JPEG') }
const MESSAGE: Message = {
  title: 'Fertig: Würfel',
  body: '**done** — 3 h',
  format: 'markdown',
  attachments: [PICTURE],
}

/** A server that ends when its input does. */
class MailServer implements AsyncDisposable {
  readonly port: number
  readonly #lines: AsyncIterator<string>
  readonly #stop: () => Promise<void>

  private constructor(port: number, lines: AsyncIterator<string>, stop: () => Promise<void>) {
    this.port = port
    this.#lines = lines
    this.#stop = stop
  }

  static async start(mode: 'ssl' | 'starttls' | 'none'): Promise<MailServer> {
    const folder = mkdtempSync(join(tmpdir(), 'mail-'))
    writeFileSync(join(folder, 'cert.pem'), CERTIFICATE)
    writeFileSync(join(folder, 'key.pem'), KEY)
    const child = spawn(PYTHON, ['-c', SERVER, folder, mode], { stdio: ['pipe', 'pipe', 'ignore'] })
    const ended = new Promise(resolve => child.once('exit', resolve))
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const { value } = await lines.next()
    return new MailServer(JSON.parse(String(value)).port, lines, async () => {
      child.stdin.end()
      await ended
      rmSync(folder, { recursive: true, force: true })
    })
  }

  /** Resolves with the next mail. */
  async mail() {
    const { value } = await this.#lines.next()
    return JSON.parse(String(value))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stop()
  }
}

async function send(text: string, message = MESSAGE): Promise<void> {
  const url = parseServiceUrl(text)
  const create = await nativeSender(url.scheme)
  assert.ok(create)
  await create(url, http)(message)
}

for (const mode of ['starttls', 'ssl'] as const) {
  test(`a mail with credentials over ${mode}`, { skip }, async () => {
    await using server = await MailServer.start(mode)
    const query = `smtp=127.0.0.1&mode=${mode}&verify=no&from=printer@home.test&to=a@home.test,b@home.test`
    const url = `mailtos://printer:secret@home.test:${server.port}/?${query}`
    await send(url)
    const { parts, ...mail } = await server.mail()
    assert.deepEqual(mail, {
      from: 'printer@home.test',
      to: ['a@home.test', 'b@home.test'],
      subject: 'Fertig: Würfel',
      user: 'printer',
      tls: true,
    })
    assert.deepEqual(
      parts.map(([type, name]: string[]) => [type, name]),
      [
        ['text/plain', null],
        ['text/html', null],
        ['image/jpeg', 'bild ä.jpg'],
      ],
    )
    assert.match(parts[0][2], /done.* — 3 h/)
    assert.match(parts[1][2], /<b>done<\/b>|<strong>done<\/strong>/)
    assert.equal(parts[2][2], 'JPEG')
    await assert.rejects(send(url.replace('secret', 'wrong')), { name: 'DeliveryError', isTemporary: false })
    await assert.rejects(send(url.replace('&verify=no', '')), /certificate/)
  })
}

test('a mail without credentials to a server without TLS', { skip }, async () => {
  await using server = await MailServer.start('none')
  const url = `mailto://home.test:${server.port}/a@home.test?smtp=127.0.0.1&from=printer@home.test`
  await send(url, { ...MESSAGE, format: 'text', attachments: [] })
  const { user, tls, parts } = await server.mail()
  assert.deepEqual([user, tls, parts.length], [null, false, 1])
  await assert.rejects(send(url, { ...MESSAGE, body: 'too large' }), {
    name: 'DeliveryError',
    isTemporary: false,
    message: /552 the mail is too large/,
  })
  const secure = url.replace('mailto:', 'mailtos:')
  await assert.rejects(send(secure), { name: 'DeliveryError' }, 'without STARTTLS no mail is sent')
})
