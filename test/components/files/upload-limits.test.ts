// Uploads at the limits of size, disk space, time and file systems.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { HandClock } from '../../support/hand-clock.ts'
import { sendRequest } from '../../support/raw-http.ts'
import { type Rig, startRig } from '../../support/rig.ts'
import { WebClient } from '../../support/web-client.ts'
import { formBody, postForm, TYPE, upload } from './form.ts'
import { listFiles } from './list-files.ts'

/** Opens a connection and sends the headers of an upload. */
async function startUpload(rig: Rig, headers: string): Promise<Socket> {
  const socket = connect(rig.port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(`POST /server/files/upload HTTP/1.1\r\nHost: a\r\nContent-Type: ${TYPE}\r\n${headers}\r\n\r\n`)
  return socket
}

/** The status of the reply. */
async function statusOf(socket: Socket): Promise<number> {
  const [bytes] = await once(socket, 'data')
  return Number(String(bytes).split(' ')[1])
}

/** Resolves when the folder is empty. */
async function untilGone(folder: string): Promise<void> {
  while (readdirSync(folder).length > 0) await new Promise(resolve => setImmediate(resolve))
}

test('a client that disconnects during the upload leaves nothing', async () => {
  await using rig = await startRig({ printer: 'none' })
  const body = formBody([{ filename: 'a.gcode', body: 'x'.repeat(3_000_000) }])
  for (const sent of [200, 1_500_000, body.length - 1]) {
    const socket = await startUpload(rig, `Content-Length: ${body.length}`)
    await new Promise(resolve => socket.write(body.subarray(0, sent), resolve))
    if (sent > 200) await new Promise<void>(resolve => whenStarted(rig, resolve))
    socket.destroy()
    await untilGone(rig.paths.gcodes)
  }
  assert.equal((await upload(rig.port, 'a.gcode', 'x')).status, 201)
  assert.deepEqual(
    rig.log.filter(line => line.includes(' ERROR ')),
    [],
  )
})

/** Calls `done` when the server has started to write. */
function whenStarted(rig: Rig, done: () => void): void {
  if (existsSync(join(rig.paths.gcodes, '.uploads'))) done()
  else setImmediate(whenStarted, rig, done)
}

test('a body longer or shorter than its Content-Length', async () => {
  await using rig = await startRig({ printer: 'none' })
  const body = formBody([{ filename: 'a.gcode', body: 'G28' }])
  const short = await startUpload(rig, `Content-Length: ${body.length - 10}`)
  short.write(body)
  assert.equal(await statusOf(short), 400)
  const long = await startUpload(rig, `Content-Length: ${body.length + 1000}`)
  long.write(body)
  long.resume().end()
  await once(long, 'close')
  await untilGone(rig.paths.gcodes)
  const both = await startUpload(rig, `Content-Length: ${body.length}\r\nTransfer-Encoding: chunked`)
  both.write(`${body.length.toString(16)}\r\n${body.toString()}\r\n0\r\n\r\n`)
  assert.equal(await statusOf(both), 400)
  assert.deepEqual(listFiles(rig.paths.gcodes), [])
  const chunked = await startUpload(rig, 'Transfer-Encoding: chunked')
  for (const byte of body) chunked.write(`1\r\n${String.fromCharCode(byte)}\r\n`)
  chunked.write('0\r\n\r\n')
  assert.equal(await statusOf(chunked), 201)
  for (const socket of [short, both, chunked]) socket.destroy()
})

test('a file that is too large is rejected: by its Content-Length, or when it exceeds the limit', async () => {
  await using rig = await startRig({ printer: 'none', server: 'max_upload_size: 1' })
  const limit = 1024 * 1024
  const declared = await startUpload(rig, `Content-Length: ${limit * 2}`)
  assert.equal(await statusOf(declared), 413)
  const grown = await startUpload(rig, 'Transfer-Encoding: chunked')
  const body = formBody([{ filename: 'a.gcode', body: Buffer.alloc(limit + 1) }])
  grown.write(`${body.length.toString(16)}\r\n`)
  grown.write(body)
  assert.equal(await statusOf(grown), 413)
  for (const socket of [declared, grown]) socket.destroy()
  const over = await postForm(rig.port, body)
  assert.equal(over.status, 413)
  assert.match(over.json.error.message, /'max_upload_size' in section \[server\]/)
  assert.deepEqual(listFiles(rig.paths.gcodes), [])
  assert.equal((await upload(rig.port, 'a.gcode', Buffer.alloc(limit))).status, 201)
})

test('a disk that is too full is detected before the first byte', async () => {
  await using rig = await startRig({ printer: 'none', server: 'max_upload_size: 1000000000000' })
  const socket = await startUpload(rig, `Content-Length: ${900 * 2 ** 50}`)
  const [bytes] = await once(socket, 'data')
  assert.match(String(bytes), /^HTTP\/1.1 507 .*There is not enough space in root 'gcodes'/s)
  socket.destroy()
})

test('a client that sends Expect: 100-continue gets 100, or the error', async () => {
  await using rig = await startRig({ printer: 'none', server: 'max_upload_size: 1' })
  const body = formBody([{ filename: 'a.gcode', body: 'G28' }])
  const socket = await startUpload(rig, `Content-Length: ${body.length}\r\nExpect: 100-continue`)
  assert.equal(await statusOf(socket), 100)
  socket.write(body)
  assert.equal(await statusOf(socket), 201)
  socket.destroy()
  const headers = { 'Content-Type': TYPE, 'Content-Length': '99999999', Expect: '100-continue' }
  assert.equal((await sendRequest(rig.port, '/server/files/upload', { verb: 'POST', headers })).status, 413)
})

test('a rejected client can send the whole body and reads the reason', async () => {
  await using rig = await startRig({ printer: 'none' })
  const body = formBody([
    { name: 'root', body: 'nosuch' },
    { filename: 'a.gcode', body: Buffer.alloc(8_000_000) },
  ])
  const reply = await postForm(rig.port, body)
  assert.equal(reply.status, 400)
  assert.match(reply.json.error.message, /Invalid root path \(nosuch\)/)
})

test('concurrent uploads do not mix; of one name, the last one is complete', async () => {
  await using rig = await startRig({ printer: 'none' })
  const files = Array.from({ length: 20 }, (_, index) => ({
    name: index % 2 === 0 ? `file-${index}.gcode` : 'same.gcode',
    body: randomBytes(200_000),
  }))
  const replies = await Promise.all(files.map(({ name, body }) => upload(rig.port, name, body)))
  assert.deepEqual(new Set(replies.map(({ status }) => status)), new Set([201]))
  for (const { name, body } of files.filter((_, index) => index % 2 === 0)) {
    assert.deepEqual(readFileSync(join(rig.paths.gcodes, name)), body)
  }
  const same = readFileSync(join(rig.paths.gcodes, 'same.gcode'))
  assert.ok(files.some(({ name, body }) => name === 'same.gcode' && body.equals(same)))
  assert.equal(listFiles(rig.paths.gcodes).length, 11)
})

test('a large file with its checksum is stored completely', async () => {
  await using rig = await startRig({ printer: 'none' })
  const body = randomBytes(20_000_000)
  const checksum = createHash('sha256').update(body).digest('hex')
  assert.equal((await upload(rig.port, 'large.gcode', body, { checksum })).status, 201)
  assert.ok(readFileSync(join(rig.paths.gcodes, 'large.gcode')).equals(body))
})

test('an upload to a link replaces its target in the root', async () => {
  await using rig = await startRig({ printer: 'none' })
  await upload(rig.port, 'real.cfg', 'old', { root: 'config' })
  symlinkSync('real.cfg', join(rig.paths.config, 'link.cfg'))
  const reply = await upload(rig.port, 'link.cfg', 'new!', { root: 'config' })
  assert.equal(reply.status, 201, reply.body)
  assert.equal(reply.json.action, 'modify_file')
  assert.equal(readFileSync(join(rig.paths.config, 'real.cfg'), 'utf8'), 'new!')
  assert.equal(
    realpathSync(join(rig.paths.config, 'link.cfg')),
    realpathSync(join(rig.paths.config, 'real.cfg')),
  )
})

/** A folder in another file system than the tests' folder. */
const OTHER = ['/dev/shm', '/var/tmp'].find(
  folder => existsSync(folder) && statSync(folder).dev !== statSync(tmpdir()).dev,
)

test('with roots in several file systems, the order of the fields does not matter', {
  skip: OTHER === undefined && 'only one writable file system',
}, async () => {
  const other = mkdtempSync(join(OTHER ?? '', 'upload-'))
  try {
    await using rig = await startRig({ printer: 'none' })
    rmSync(rig.paths.gcodes, { recursive: true })
    symlinkSync(other, rig.paths.gcodes)
    assert.equal((await upload(rig.port, 'a.gcode', 'G28')).status, 201)
    const late = [
      { filename: 'b.cfg', body: '[x]' },
      { name: 'root', body: 'config' },
    ]
    assert.equal((await postForm(rig.port, formBody(late))).status, 201)
    assert.deepEqual(listFiles(other), ['a.gcode'])
    assert.equal(readFileSync(join(rig.paths.config, 'b.cfg'), 'utf8'), '[x]')
    assert.ok(!listFiles(rig.paths.config).some(name => name.includes('.uploads')))
  } finally {
    rmSync(other, { recursive: true })
  }
})

test('an upload to a root whose folder is missing', async () => {
  await using rig = await startRig({ printer: 'none' })
  rmSync(rig.paths.gcodes, { recursive: true })
  const reply = await upload(rig.port, 'a.gcode', 'G28')
  assert.equal(reply.status, 404)
  assert.match(reply.json.error.message, /root 'gcodes' is missing/)
  assert.equal(existsSync(rig.paths.gcodes), false)
})

test('print: started if the printer is ready, and print_started false if it is not', async () => {
  await using rig = await startRig()
  using client = await WebClient.open(rig.url)
  const gcode = 'G28\nG4 P600000\n'
  await client.call('printer.objects.subscribe', { objects: { print_stats: ['filename', 'state'] } })
  const started = await upload(rig.port, 'a.gcode', gcode, { print: 'true' })
  assert.deepEqual([started.json.print_started, started.json.print_queued], [true, false])
  await client.find(({ params }) => params?.[0]?.print_stats?.filename === 'a.gcode')
  const busy = await upload(rig.port, 'b.gcode', gcode, { print: 'true' })
  assert.deepEqual([busy.status, busy.json.print_started, busy.json.print_queued], [201, false, false])
})

test('the printed file cannot be replaced', async () => {
  await using rig = await startRig()
  using client = await WebClient.open(rig.url)
  await upload(rig.port, 'a.gcode', 'G28\nG4 P600000\n')
  await client.call('printer.objects.subscribe', { objects: { virtual_sdcard: ['file_path'] } })
  await client.call('printer.print.start', { filename: 'a.gcode' })
  await client.find(({ params }) => params?.[0]?.virtual_sdcard?.file_path)
  const refused = await upload(rig.port, 'a.gcode', 'other')
  assert.equal(refused.status, 403)
  assert.equal(readFileSync(join(rig.paths.gcodes, 'a.gcode'), 'utf8'), 'G28\nG4 P600000\n')
  assert.deepEqual(listFiles(rig.paths.gcodes), ['a.gcode'])
  assert.equal((await sendRequest(rig.port, '/server/files/gcodes/a.gcode')).status, 200)
})

test('a corrected file replaces the one whose print failed, which Klipper still has loaded', async () => {
  await using rig = await startRig()
  using client = await WebClient.open(rig.url)
  await upload(rig.port, 'a.gcode', 'G1 X1.2.3\n')
  const objects = { virtual_sdcard: ['file_path'], print_stats: ['state'] }
  await client.call('printer.objects.subscribe', { objects })
  await client.call('printer.print.start', { filename: 'a.gcode' })
  await client.find(({ params }) => params?.[0]?.print_stats?.state === 'error')
  const { result } = await client.call('printer.objects.query', { objects })
  assert.equal(result.status.virtual_sdcard.file_path, join(rig.paths.gcodes, 'a.gcode'))
  assert.equal((await upload(rig.port, 'a.gcode', 'G28\n')).status, 201)
})

test('print is queued if the configuration reports so and the printer is not ready', async () => {
  await using rig = await startRig({
    printer: 'none',
    conf: '[file_manager]\nqueue_gcode_uploads: True\n[job_queue]',
  })
  const reply = await upload(rig.port, 'a.gcode', 'G28\n', { print: 'true' })
  assert.deepEqual([reply.status, reply.json.print_started, reply.json.print_queued], [201, false, true])
  const queue = await sendRequest(rig.port, '/server/job_queue/status')
  assert.deepEqual(
    queue.json.result.queued_jobs.map(({ filename }: { filename: string }) => filename),
    ['a.gcode'],
  )
})

/** Starts uploads that never end; resolves when the server receives all of them. */
async function trickle(rig: Rig, clock: HandClock, count: number): Promise<Socket[]> {
  const body = formBody([{ filename: 'slow.gcode', body: 'x'.repeat(1000) }])
  const sockets: Socket[] = []
  for (let index = 0; index < count; index += 1) {
    const socket = await startUpload(rig, 'Content-Length: 1000000')
    socket.on('error', () => {})
    socket.write(body.subarray(0, -50))
    sockets.push(socket)
  }
  const measured = () => clock.waits().filter(seconds => seconds === 10).length
  while (measured() < count) await new Promise(resolve => setImmediate(resolve))
  return sockets
}

test('slow uploads give their places to others that wait', async () => {
  const clock = new HandClock()
  await using rig = await startRig({ printer: 'none', clock })
  const slow = await trickle(rig, clock, 4)
  const closed = Promise.all(slow.map(socket => once(socket, 'close')))
  let isDone = false
  const waiting = upload(rig.port, 'a.gcode', 'G28').finally(() => {
    isDone = true
  })
  while (!isDone) {
    clock.pass(10)
    await new Promise(resolve => setImmediate(resolve))
  }
  assert.equal((await waiting).status, 201)
  await closed
  assert.deepEqual(listFiles(rig.paths.gcodes), ['a.gcode'])
})

test('a slow upload is received while no other waits', async () => {
  const clock = new HandClock()
  await using rig = await startRig({ printer: 'none', clock })
  const body = formBody([{ filename: 'slow.gcode', body: 'G28' }])
  const socket = await startUpload(rig, `Content-Length: ${body.length}`)
  socket.write(body.subarray(0, -1))
  while (!clock.waits().includes(10)) await new Promise(resolve => setImmediate(resolve))
  for (let count = 0; count < 10; count += 1) clock.pass(10)
  assert.equal((await upload(rig.port, 'b.gcode', 'G28')).status, 201, 'there are places left')
  clock.pass(10)
  socket.write(body.subarray(-1))
  assert.equal(await statusOf(socket), 201)
  socket.destroy()
})
