// Printers of a workshop whose servers run elsewhere, pictures of cameras, and front-ends for all printers.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect } from '../../src/client/index.ts'
import { jpeg } from '../components/timelapse/test-jpeg.ts'
import { startRig } from '../support/rig.ts'
import { startWorkshopRig, type WorkshopRig } from '../support/workshop.ts'

interface Entry {
  readonly name: string
  readonly klippy_state: string
  readonly url: string | null
  readonly camera: boolean
  readonly error: string | null
}

/** Requests the list until `test` holds for the entry of `name`. */
async function untilListed(
  rig: WorkshopRig,
  name: string,
  isRight: (entry: Entry) => boolean,
): Promise<Entry> {
  for (;;) {
    const { result } = (await (await fetch(`${rig.url}/workshop/printers`)).json()) as { result: Entry[] }
    const entry = result.find(each => each.name === name)
    if (entry !== undefined && isRight(entry)) return entry
  }
}

const PICTURE = jpeg()

async function startCamera(): Promise<{ url: string; requests: () => number } & AsyncDisposable> {
  let requests = 0
  const server = createServer((_req, res) => {
    requests += 1
    res.writeHead(200, { 'Content-Type': 'image/jpeg' }).end(PICTURE)
  })
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/snap.jpg`,
    requests: () => requests,
    [Symbol.asyncDispose]: () => new Promise(resolve => server.close(() => resolve())),
  }
}

test('the state of a server elsewhere is in the list, with its key and without', async () => {
  await using other = await startRig({ printer: 'none', authorization: 'force_logins: True' })
  using admin = await connect({ url: other.socketPath })
  const key = (await admin.call('access.get_api_key')) as string
  await using rig = await startWorkshopRig({
    printers: { here: {} },
    more: `[printer there]\nurl: ${other.url}/\napi_key: ${key}\n[printer closed]\nurl: http://localhost:${other.port}\n`,
  })
  const there = await untilListed(
    rig,
    'there',
    ({ klippy_state, error }) => klippy_state !== 'ready' && error === null,
  )
  assert.equal(there.klippy_state, 'disconnected')
  const closed = await untilListed(rig, 'closed', ({ error }) => error !== null)
  assert.equal(closed.error, 'it demands a login: give its api_key in workshop.conf')
  // It is in the list only: the API of another server is not passed on.
  assert.equal((await fetch(`${rig.url}/there/server/info`)).status, 404)
})

test('a server elsewhere that does not answer, or with another reply, is an error of its entry', async () => {
  const wrong = createServer((_req, res) => res.end('<html>'))
  await new Promise<void>(resolve => {
    wrong.listen(0, '127.0.0.1', resolve)
  })
  const { port } = wrong.address() as AddressInfo
  await using rig = await startWorkshopRig({
    printers: { here: {} },
    more: `[printer wrong]\nurl: http://127.0.0.1:${port}\n[printer gone]\nurl: http://127.0.0.1:1\n`,
  })
  await untilListed(rig, 'wrong', ({ error }) => error !== null)
  const gone = await untilListed(rig, 'gone', ({ error }) => error !== null)
  // The page links to it all the same.
  assert.equal(gone.url, 'http://127.0.0.1:1')
  assert.equal((await fetch(`${rig.url}/here/server/info`)).status, 200)
  await new Promise(resolve => wrong.close(resolve))
})

test('pictures come from the first camera, once for all clients, and not from other machines', async () => {
  await using camera = await startCamera()
  const cameraConf = `[webcam cam]\nsnapshot_url: ${camera.url}\nstream_url: ${camera.url}\n`
  await using other = await startRig({
    printer: 'none',
    conf: '[webcam elsewhere]\nsnapshot_url: http://192.0.2.1/snap.jpg\nstream_url: http://192.0.2.1/\n',
  })
  await using rig = await startWorkshopRig({
    printers: { one: { conf: cameraConf }, two: {} },
    more: `[printer there]\nurl: ${other.url}\n`,
  })
  const pictureOf = (name: string) => fetch(`${rig.url}/workshop/printers/${name}/picture`)
  assert.equal((await untilListed(rig, 'one', () => true)).camera, true)
  assert.equal((await untilListed(rig, 'two', () => true)).camera, false)
  const replies = await Promise.all(Array.from({ length: 5 }, () => pictureOf('one')))
  for (const reply of replies) {
    assert.equal(reply.headers.get('content-type'), 'image/jpeg')
    assert.deepEqual(Buffer.from(await reply.arrayBuffer()), PICTURE)
  }
  assert.equal(camera.requests(), 1)
  for (const name of ['two', 'none', 'there']) assert.equal((await pictureOf(name)).status, 404, name)
})

test('config.json of Mainsail and Fluidd lists all printers', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'frontend-'))
  const more = '[printer there]\nurl: http://192.0.2.1:7125\n'
  const configOf = async (written: object) => {
    writeFileSync(join(folder, 'config.json'), JSON.stringify(written))
    writeFileSync(join(folder, 'index.html'), '<title>front-end</title>')
    await using rig = await startWorkshopRig({
      printers: { one: {}, two: {} },
      workshop: `frontend: ${folder}`,
      more,
    })
    assert.match(await (await fetch(`${rig.url}/`)).text(), /front-end/)
    assert.match(await (await fetch(`${rig.url}/workshop/`)).text(), /printers\.js/)
    assert.equal((await fetch(`${rig.url}/server/info`)).status, 200)
    return {
      port: rig.workshop.at.port,
      config: (await (await fetch(`${rig.url}/config.json`)).json()) as object,
    }
  }
  const mainsail = await configOf({
    defaultLocale: 'en',
    hostname: null,
    port: null,
    path: null,
    instancesDB: 'moonraker',
  })
  const hostname = '127.0.0.1'
  const { port } = mainsail
  assert.deepEqual(mainsail.config, {
    defaultLocale: 'en',
    hostname: null,
    port: null,
    path: null,
    instancesDB: 'json',
    instances: [
      { hostname, port, path: '/one', name: 'one' },
      { hostname, port, path: '/two', name: 'two' },
      { hostname: '192.0.2.1', port: 7125, path: '', name: 'there' },
    ],
  })
  const fluidd = await configOf({ blacklist: [], endpoints: [] })
  const here = `http://127.0.0.1:${fluidd.port}`
  assert.deepEqual(fluidd.config, {
    blacklist: ['127.0.0.1'],
    endpoints: [`${here}/one`, `${here}/two`, 'http://192.0.2.1:7125'],
  })
  rmSync(folder, { recursive: true })
})

test('a front-end whose folder has a data folder in it is refused', async () => {
  await assert.rejects(
    startWorkshopRig({ printers: { one: {} }, workshop: `frontend: ${tmpdir()}` }),
    /'frontend' in section \[workshop\] must be apart from/,
  )
})
