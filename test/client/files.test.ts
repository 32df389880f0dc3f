import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { openAsBlob, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { CallError, ConnectionLost, connect } from '../../src/client/index.ts'
import { startRig } from '../support/rig.ts'

const BYTES = randomBytes(1_000_000)

async function* pieces(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let start = 0; start < BYTES.length; start += 70_000)
    yield new Uint8Array(BYTES.subarray(start, start + 70_000))
}

test('every kind of source uploads, and downloads again', async () => {
  await using rig = await startRig({ printer: 'none' })
  using client = await connect({ url: `ws://127.0.0.1:${rig.port}` })
  const file = join(rig.dataPath, 'source.gcode')
  writeFileSync(file, BYTES)
  const bytes = new Uint8Array(BYTES)
  const checksum = createHash('sha256').update(BYTES).digest('hex')
  const sources = {
    blob: new Blob([bytes]),
    disk: await openAsBlob(file),
    array: bytes,
    buffer: bytes.buffer,
    iterable: pieces(),
    stream: new Blob([bytes]).stream(),
  }
  for (const [name, source] of Object.entries(sources)) {
    const uploaded = await client.files.upload(source, { path: `a b/${name}.gcode`, checksum })
    assert.deepEqual([uploaded.item.path, uploaded.item.size], [`a b/${name}.gcode`, BYTES.length])
    assert.equal(uploaded.action, 'create_file')
    const back = await client.files.download('gcodes', uploaded.item.path)
    assert.ok(BYTES.equals(Buffer.from(await back.arrayBuffer())), name)
  }
  const text = await client.files.upload('[ü]\n', { root: 'config', path: 'a"b\n.cfg' })
  assert.equal(readFileSync(join(rig.paths.config, text.item.path), 'utf8'), '[ü]\n')
  assert.equal(text.item.path, 'a"b\n.cfg')
  const named = await client.files.upload(new File(['G28'], 'named.gcode'))
  assert.equal(named.item.path, 'named.gcode')
  await assert.rejects(client.files.upload('x'), /an upload needs a name/)
})

test('progress of uploads and downloads', async () => {
  await using rig = await startRig({ printer: 'none' })
  using client = await connect({ url: `http://127.0.0.1:${rig.port}/` })
  const up: [number, number | undefined][] = []
  const onProgress = (...step: [number, number | undefined]) => void up.push(step)
  await client.files.upload(new Blob([new Uint8Array(BYTES)]), { path: 'a.gcode', onProgress })
  assert.ok(up.length > 1)
  assert.deepEqual(up.at(-1), [BYTES.length, BYTES.length])
  assert.deepEqual(
    up,
    up.toSorted(([a], [b]) => a - b),
  )
  const down: [number, number | undefined][] = []
  const response = await client.files.download('gcodes', 'a.gcode', {
    onProgress: (...step) => void down.push(step),
  })
  await response.arrayBuffer()
  assert.deepEqual(down.at(-1), [BYTES.length, BYTES.length])
  const part = await client.files.download('gcodes', 'a.gcode', { range: [10, 19] })
  assert.deepEqual([part.status, Buffer.from(await part.arrayBuffer())], [206, BYTES.subarray(10, 20)])
})

test('a rejected upload or download is a CallError with the server’s message', async () => {
  await using rig = await startRig({ printer: 'none' })
  using client = await connect({ url: `ws://127.0.0.1:${rig.port}/websocket` })
  const refused = (code: number, message: RegExp) => (error: unknown) => {
    assert.ok(error instanceof CallError)
    assert.equal(error.code, code)
    assert.match(error.message, message)
    return true
  }
  await assert.rejects(
    client.files.upload('x', { path: 'a.gcode', checksum: 'dead' }),
    refused(422, /checksum mismatch/),
  )
  await assert.rejects(
    client.files.upload('x', { root: 'logs', path: 'a.log' }),
    refused(403, /may not be written/),
  )
  await assert.rejects(
    client.files.download('gcodes', 'none.gcode'),
    refused(404, /does not exist: none.gcode/),
  )
})

test('a signal aborts, and an unreachable server rejects with ConnectionLost', async () => {
  await using rig = await startRig({ printer: 'none' })
  using client = await connect({ url: `ws://127.0.0.1:${rig.port}`, reconnect: false })
  const reason = new Error('enough')
  const ending = new AbortController()
  async function* endless(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    for (let count = 0; ; count += 1) {
      if (count === 20) ending.abort(reason)
      yield new Uint8Array(1000)
    }
  }
  const upload = client.files.upload(endless(), { path: 'a.gcode', signal: ending.signal })
  await assert.rejects(upload, error => error === reason)
  await rig.server.stop()
  await assert.rejects(client.files.upload('x', { path: 'a.gcode' }), ConnectionLost)
})

test('requests carry credentials, URLs do not; a unix socket has no files', async () => {
  await using rig = await startRig({ printer: 'none', authorization: 'trusted_clients:\n  10.9.8.7' })
  using client = await connect({ url: `http://127.0.0.1:${rig.port}` })
  await assert.rejects(client.files.upload('x', { path: 'a.gcode' }), { code: 401 })
  using local = await connect({ url: rig.socketPath })
  const apiKey = String(await local.request('access.get_api_key'))
  using keyed = await connect({ url: `http://127.0.0.1:${rig.port}`, apiKey })
  await keyed.files.upload('x', { path: 'a.gcode' })
  assert.equal(await (await keyed.files.download('gcodes', 'a.gcode')).text(), 'x')
  assert.equal(keyed.files.url('gcodes', 'a b/#ü.png'), `${rig.url}/server/files/gcodes/a%20b/%23%C3%BC.png`)
  assert.throws(() => local.files.url('gcodes', 'a'), /over HTTP only/)
  await assert.rejects(local.files.upload('x', { path: 'a' }), /over HTTP only/)
})
