// Targets with bytes above 0x7F, as curl and small programs send them: they are read as UTF-8.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { sendRaw } from '../../support/raw-http.ts'
import { type Rig, startRig } from '../../support/rig.ts'

const HOST = 'Host: localhost\r\n'
const CONTENT = 'G28 ; Würfel\n'

const start = () =>
  startRig({
    printer: 'none',
    prepare: ({ gcodes }) => {
      mkdirSync(gcodes, { recursive: true })
      writeFileSync(join(gcodes, 'Würfel ☃.gcode'), CONTENT)
    },
  })

/** The head and the body of the reply to a request. */
async function request(rig: Rig, line: string, headers = HOST, body = ''): Promise<[string, string]> {
  const reply = await sendRaw(rig.port, `${line} HTTP/1.1\r\n${headers}\r\n${body}`)
  const end = reply.indexOf('\r\n\r\n')
  return [reply.slice(0, end), reply.slice(end + 4)]
}

test('bytes above 0x7F in a target are UTF-8, in the path and in the query', async () => {
  await using rig = await start()
  const [head, body] = await request(rig, 'GET /server/files/gcodes/Würfel%20☃.gcode')
  assert.match(head, /^HTTP\/1\.1 200 /)
  assert.match(head, /\r\nConnection: close/i)
  assert.equal(body, CONTENT)
  const [, metadata] = await request(rig, 'GET /server/files/metadata?filename=Würfel%20☃.gcode')
  assert.equal(JSON.parse(metadata).result.filename, 'Würfel ☃.gcode')
  const [missing] = await request(rig, 'GET /server/files/metadata?filename=Kügel.gcode')
  assert.match(missing, /^HTTP\/1\.1 404 /)
})

test('a body is read after such a target, in one piece or in several', async () => {
  await using rig = await start()
  const json = JSON.stringify({ namespace: 'test', key: 'k', value: 'x'.repeat(300_000) })
  const headers = `${HOST}Content-Type: application/json\r\nContent-Length: ${json.length}\r\n`
  const [head] = await request(rig, 'POST /server/database/item?note=ü', headers, json)
  assert.match(head, /^HTTP\/1\.1 200 /)
  const socket = connect(rig.port, '127.0.0.1').setEncoding('utf8')
  socket.write(`POST /server/database/item?note=ü HTTP/1.1\r\n${headers}\r\n`)
  for (let from = 0; from < json.length; from += 50_000) {
    await new Promise(resolve => setImmediate(resolve))
    socket.write(json.slice(from, from + 50_000))
  }
  const [reply] = await once(socket, 'data')
  assert.match(reply, /^HTTP\/1\.1 200 /)
  assert.equal(reply.includes('"key":"k"'), true)
  await once(socket, 'close')
})

test('an upload to such a target is received', async () => {
  await using rig = await start()
  const form =
    '--b\r\nContent-Disposition: form-data; name="file"; filename="sent.gcode"\r\n\r\nG28\r\n--b--\r\n'
  const headers = `${HOST}Content-Type: multipart/form-data; boundary=b\r\nContent-Length: ${form.length}\r\n`
  const [head] = await request(rig, 'POST /server/files/upload?from=ü', headers, form)
  assert.match(head, /^HTTP\/1\.1 201 /)
})

test('the client and its rights are the same as with percent-encoding', async () => {
  await using rig = await startRig({ printer: 'none', authorization: 'trusted_clients: 10.0.0.0/8' })
  const [head] = await request(rig, 'GET /server/info?x=ü')
  assert.match(head, /^HTTP\/1\.1 401 /)
  await using friendly = await start()
  const [foreign] = await request(friendly, 'GET /server/info?x=ü', 'Host: evil.example\r\n')
  assert.match(foreign, /^HTTP\/1\.1 401 /)
})

test('a WebSocket opens under such a target too', async () => {
  await using rig = await start()
  const key = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n'
  const socket = connect(rig.port, '127.0.0.1')
  socket.write(
    `GET /websocket?x=ü HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\n${key}\r\n`,
  )
  const [reply] = await once(socket, 'data')
  assert.match(reply.toString(), /^HTTP\/1\.1 101 /)
  socket.destroy()
})

test('bytes that are not UTF-8 and other invalid targets are refused', async () => {
  await using rig = await start()
  const socket = connect(rig.port, '127.0.0.1').setEncoding('utf8')
  socket.write(Buffer.from(`GET /server/files/gcodes/W\xfcrfel HTTP/1.1\r\n${HOST}\r\n`, 'latin1'))
  const [reply] = await once(socket, 'data')
  assert.match(reply, /^HTTP\/1\.1 400 .*percent-encoding/)
  for (const line of ['GET /ü x', 'GET /\x01ü', 'GET /ü\x01', 'GET ü /', 'GET ü']) {
    const [head] = await request(rig, line, `${HOST}Connection: close\r\n`)
    assert.match(head, /^HTTP\/1\.1 400 /, JSON.stringify(line))
  }
  const pipelined = `GET /server/info HTTP/1.1\r\n${HOST}\r\nGET /server/info?ü HTTP/1.1\r\n${HOST}\r\n`
  const replies = (await sendRaw(rig.port, pipelined)).match(/HTTP\/1\.1 \d+/g)
  assert.ok(
    replies?.length === 1 || replies?.[1] === 'HTTP/1.1 400',
    'the first request is not executed twice',
  )
})

test('a client that disconnects, or continues to send, affects no other', async () => {
  await using rig = await start()
  const socket = connect(rig.port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(`POST /server/restart?ü HTTP/1.1\r\n${HOST}Content-Length: 1000000\r\n\r\n{`)
  await new Promise(resolve => setImmediate(resolve))
  socket.destroy()
  await once(socket, 'close')
  const [head] = await request(rig, 'GET /server/info?ü', HOST, `GET /nosuch HTTP/1.1\r\n${HOST}\r\n`)
  assert.match(head, /^HTTP\/1\.1 200 /)
  assert.doesNotMatch(rig.log.join('\n'), /ERROR/)
})
