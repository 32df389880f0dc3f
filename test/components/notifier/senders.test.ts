// Each native sender: what it sends to its service, and what it reports when the service refuses.
import assert from 'node:assert/strict'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { after, test } from 'node:test'
import type { Message } from '../../../src/components/notifier/message.ts'
import { nativeSender } from '../../../src/components/notifier/native-senders.ts'
import { parseServiceUrl } from '../../../src/components/notifier/service-url.ts'
import { HttpClient } from '../../../src/core/http-client.ts'
import { type Received, Sink } from './sink.ts'

const http = new HttpClient()
after(() => http.close())

const PICTURE = { name: 'cam.jpg', mediaType: 'image/jpeg', data: Buffer.from('JPEG') }
const TEXT: Message = { title: 'Printer', body: 'a <b> & c\nend', format: 'text', attachments: [] }
const MARKDOWN: Message = {
  title: 'T',
  body: '**done** [x](https://x.test)',
  format: 'markdown',
  attachments: [],
}

async function send(text: string, message: Message): Promise<void> {
  const url = parseServiceUrl(text)
  const create = await nativeSender(url.scheme)
  assert.ok(create, url.scheme)
  await create(url, http)(message)
}

/** The requests that a message causes; `HOST` and `API` in the URL are the sink. */
async function sent(
  url: string,
  message: Message = TEXT,
  reply?: Sink['reply'],
): Promise<readonly Received[]> {
  await using sink = await Sink.start()
  if (reply !== undefined) sink.reply = reply
  await send(
    url.replace('HOST', sink.host).replace('API', encodeURIComponent(`http://${sink.host}`)),
    message,
  )
  return sink.received
}

const json = ({ body }: Received) => JSON.parse(body)

test('json: the fields of Apprise, attachments in base64, headers and renamed fields', async () => {
  const [request] = await sent('json://ann:pw@HOST/a%20b?+X-Key=k&-q=1&:message=text&:extra=1', {
    ...TEXT,
    attachments: [PICTURE],
  })
  assert.ok(request)
  assert.equal(request.path, '/a%20b?q=1')
  assert.equal(request.headers['x-key'], 'k')
  assert.equal(request.headers.authorization, `Basic ${Buffer.from('ann:pw').toString('base64')}`)
  assert.deepEqual(json(request), {
    version: '1.0',
    title: 'Printer',
    text: TEXT.body,
    attachments: [{ filename: 'cam.jpg', base64: PICTURE.data.toString('base64'), mimetype: 'image/jpeg' }],
    type: 'info',
    extra: '1',
  })
})

test('form and xml', async () => {
  const [form] = await sent('form://HOST/f', { ...TEXT, attachments: [PICTURE] })
  assert.match(form?.headers['content-type'] ?? '', /^multipart\/form-data; boundary=/)
  assert.match(
    form?.body ?? '',
    /name="message"\r\n\r\na <b> & c\r?\nend[\s\S]*name="file01"; filename="cam\.jpg"/,
  )
  const [xml] = await sent('xml://HOST/x')
  assert.match(xml?.body ?? '', /<Subject>Printer<\/Subject>.*<Message>a &lt;b&gt; &amp; c\nend<\/Message>/s)
})

test('ntfy: text, Markdown, token, attachment', async () => {
  const [text, file] = await sent('ntfy://HOST/topic?priority=4&tags=a,b', {
    ...TEXT,
    attachments: [PICTURE],
  })
  assert.ok(text && file)
  assert.deepEqual(json(text), {
    topic: 'topic',
    title: 'Printer',
    message: TEXT.body,
    priority: 4,
    tags: ['a', 'b'],
  })
  assert.deepEqual(
    [file.method, file.path, file.headers.filename, file.body],
    ['PUT', '/topic', 'cam.jpg', 'JPEG'],
  )
  const [markdown] = await sent('ntfy://tk_secret@HOST/topic', MARKDOWN)
  assert.equal(markdown?.headers.authorization, 'Bearer tk_secret')
  assert.equal(json(markdown as Received).markdown, true)
})

test('gotify', async () => {
  const [request] = await sent('gotify://HOST/path/token?priority=8')
  assert.deepEqual([request?.path, request?.headers['x-gotify-key']], ['/path/message', 'token'])
  assert.equal(json(request as Received).priority, 8)
})

test('telegram: every chat, HTML, threads, pictures', async () => {
  const requests = await sent('tgram://123:abc/-10/@chat:7?api=API', { ...MARKDOWN, attachments: [PICTURE] })
  assert.deepEqual(
    requests.map(({ path }) => path),
    ['/bot123:abc/sendMessage', '/bot123:abc/sendPhoto', '/bot123:abc/sendMessage', '/bot123:abc/sendPhoto'],
  )
  assert.deepEqual(json(requests[0] as Received), {
    chat_id: '-10',
    text: '<b>T</b>\n<b>done</b> <a href="https://x.test">x</a>',
    parse_mode: 'HTML',
  })
  assert.equal(json(requests[2] as Received).message_thread_id, '7')
  assert.match(requests[1]?.body ?? '', /name="photo"; filename="cam\.jpg"/)
})

test('discord mentions no users, and sends files with the text', async () => {
  const [plain] = await sent('discord://bot@id/token?api=API', { ...TEXT, body: '@everyone' })
  assert.equal(plain?.path, '/id/token')
  assert.deepEqual(json(plain as Received), {
    content: '**Printer**\n@everyone',
    username: 'bot',
    allowed_mentions: { parse: [] },
  })
  const [form] = await sent('discord://id/token?api=API', { ...TEXT, attachments: [PICTURE] })
  assert.match(form?.body ?? '', /name="payload_json"[\s\S]*name="files\[0\]"; filename="cam\.jpg"/)
})

test('slack by webhook and by bot', async () => {
  const [hook] = await sent('slack://A/B/C/%23print?api=API')
  assert.deepEqual([hook?.path, json(hook as Received).channel], ['/A/B/C', '#print'])
  const [bot] = await sent('slack://xoxb-1/general?api=API', TEXT, () => ({
    status: 200,
    body: '{"ok":true}',
  }))
  assert.deepEqual([bot?.path, bot?.headers.authorization], ['/chat.postMessage', 'Bearer xoxb-1'])
  const refused = sent('slack://xoxb-1/none?api=API', TEXT, () => ({
    status: 200,
    body: '{"ok":false,"error":"channel_not_found"}',
  }))
  await assert.rejects(refused, { name: 'DeliveryError', isTemporary: false, message: /channel_not_found/ })
})

test('pushover, pushbullet, IFTTT, Home Assistant', async () => {
  const [pushover] = await sent('pover://user@token/phone?priority=high&api=API', {
    ...MARKDOWN,
    attachments: [PICTURE],
  })
  assert.match(
    pushover?.body ?? '',
    /name="user"\r\n\r\nuser[\s\S]*name="priority"\r\n\r\n1\r\n[\s\S]*name="html"/,
  )
  const pushes = await sent('pbul://token/%23channel/a@b.test/device?api=API')
  assert.deepEqual(
    pushes.map(request => {
      const { channel_tag, email, device_iden } = json(request)
      return channel_tag ?? email ?? device_iden
    }),
    ['channel', 'a@b.test', 'device'],
  )
  const [ifttt] = await sent('ifttt://key@event?api=API')
  assert.equal(ifttt?.path, '/trigger/event/with/key/key')
  const [home] = await sent('hassio://HOST/token?nid=print')
  assert.deepEqual(
    [home?.path, home?.headers.authorization, json(home as Received).notification_id],
    ['/api/services/persistent_notification/create', 'Bearer token', 'print'],
  )
})

test('matrix logs in, joins the room and sends', async () => {
  const requests = await sent('matrix://ann:pw@HOST/%23print:home', MARKDOWN, ({ path }) => {
    if (path.endsWith('/login')) return { status: 200, body: '{"access_token":"t"}' }
    return { status: 200, body: '{"room_id":"!r:home"}' }
  })
  assert.deepEqual(
    requests.map(({ method, path }) => `${method} ${path.replace(/[0-9a-f-]{36}$/, 'ID')}`),
    [
      'POST /_matrix/client/v3/login',
      'POST /_matrix/client/v3/join/%23print%3Ahome',
      'PUT /_matrix/client/v3/rooms/!r%3Ahome/send/m.room.message/ID',
    ],
  )
  assert.equal(requests[2]?.headers.authorization, 'Bearer t')
})

test('matrix stores files on the server, and sends them after the text', async () => {
  const document = { name: 'a log.txt', mediaType: 'text/plain', data: Buffer.from('LOG') }
  const message = { ...TEXT, attachments: [PICTURE, document] }
  let files = 0
  const requests = await sent('matrix://HOST/%23print:home?token=t', message, ({ path }) => {
    if (path.startsWith('/_matrix/media/'))
      return { status: 200, body: `{"content_uri":"mxc://home/${++files}"}` }
    return { status: 200, body: '{"room_id":"!r:home"}' }
  })
  const uploads = requests.filter(({ method, path }) => method === 'POST' && path.includes('/upload'))
  assert.deepEqual(
    uploads.map(({ path, headers, body }) => [path, headers['content-type'], headers.authorization, body]),
    [
      ['/_matrix/media/v3/upload?filename=cam.jpg', 'image/jpeg', 'Bearer t', 'JPEG'],
      ['/_matrix/media/v3/upload?filename=a%20log.txt', 'text/plain', 'Bearer t', 'LOG'],
    ],
  )
  assert.deepEqual(requests.filter(({ method }) => method === 'PUT').map(json), [
    { msgtype: 'm.text', body: `Printer\n${TEXT.body}` },
    { msgtype: 'm.image', body: 'cam.jpg', url: 'mxc://home/1', info: { mimetype: 'image/jpeg', size: 4 } },
    { msgtype: 'm.file', body: 'a log.txt', url: 'mxc://home/2', info: { mimetype: 'text/plain', size: 3 } },
  ])
})

test('pushbullet uploads files, and pushes them after the text', async () => {
  await using sink = await Sink.start()
  const file = { file_name: 'cam.jpg', file_type: 'image/jpeg', file_url: 'https://files.test/cam.jpg' }
  sink.reply = ({ path }) => {
    const place = { ...file, upload_url: `http://${sink.host}/store` }
    return { status: 200, body: path === '/upload-request' ? JSON.stringify(place) : '{}' }
  }
  const api = encodeURIComponent(`http://${sink.host}`)
  await send(`pbul://token/device?api=${api}`, { ...TEXT, attachments: [PICTURE] })
  const [request, upload, note, push] = sink.received as [Received, Received, Received, Received]
  assert.deepEqual(
    [request.path, json(request)],
    ['/upload-request', { file_name: 'cam.jpg', file_type: 'image/jpeg' }],
  )
  assert.equal(upload.path, '/store')
  assert.match(upload.body, /name="file"; filename="cam\.jpg"[\s\S]*JPEG/)
  assert.equal(upload.headers['access-token'], undefined)
  assert.deepEqual([note.path, json(note).type], ['/pushes', 'note'])
  assert.deepEqual([push.path, json(push)], ['/pushes', { type: 'file', ...file, device_iden: 'device' }])
})

test('mail goes to every recipient', async () => {
  const lines: string[] = []
  const server = createServer(socket => receiveMail(socket, lines))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  try {
    const query = `smtp=127.0.0.1&from=printer@home.test&name=Voron&cc=c@home.test`
    await send(`mailto://home.test:${port}/a@home.test?${query}`, { ...MARKDOWN, attachments: [PICTURE] })
  } finally {
    server.close()
  }
  const text = lines.join('\n')
  assert.match(text, /MAIL FROM:<printer@home\.test>/)
  assert.match(text, /RCPT TO:<a@home\.test>[\s\S]*RCPT TO:<c@home\.test>/)
  assert.match(text, /From: Voron <printer@home\.test>/)
  assert.match(text, /Subject: T\n/)
  assert.match(text, /<b>done<\/b>/)
  assert.match(text, /filename=cam\.jpg/)
})

/** A mail server that accepts everything. */
function receiveMail(socket: Socket, lines: string[]): void {
  let isData = false
  let pending = ''
  socket.setEncoding('latin1').write('220 home\r\n')
  socket.on('error', () => {})
  socket.on('data', chunk => {
    const received = `${pending}${String(chunk)}`.split('\r\n')
    pending = received.pop() ?? ''
    for (const line of received) {
      lines.push(line)
      if (isData && line !== '.') continue
      if (line === 'DATA') socket.write('354 go on\r\n')
      else if (line === 'QUIT') socket.end('221 closing\r\n')
      else socket.write('250 ok\r\n')
      isData = line === 'DATA'
    }
  })
}

test('a refusal by the service has its reason; server errors are temporary', async () => {
  const failing = (status: number) => sent('json://HOST/', TEXT, () => ({ status, body: 'no\nsuch thing' }))
  await assert.rejects(failing(400), {
    name: 'DeliveryError',
    isTemporary: false,
    message: /replied 400.*no such thing/,
  })
  for (const status of [429, 500, 503]) await assert.rejects(failing(status), { isTemporary: true })
  await assert.rejects(send('json://127.0.0.1:1/', TEXT), { name: 'DeliveryError', isTemporary: true })
})

test('a URL without what its service needs is refused with an example', async () => {
  const incomplete = [
    'ntfy://',
    'gotify://host',
    'tgram://123:abc',
    'tgram://word/chat',
    'discord://id',
    'slack://A/B',
    'slack://xoxb-1',
    'pover://token',
    'pbul://',
    'matrix://host',
    'hassio://host',
    'mailto://',
    'ifttt://event',
    'json://',
  ]
  for (const text of incomplete) {
    await assert.rejects(
      send(text, TEXT),
      { name: 'ServiceUrlError', message: /as in|not of the form/ },
      text,
    )
  }
})
