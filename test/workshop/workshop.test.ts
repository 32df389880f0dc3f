// A workshop through its sockets: addresses, users, the list of printers, reload.
import assert from 'node:assert/strict'
import { get } from 'node:https'
import { test } from 'node:test'
import { startPrinterInFolder } from '../../src/app/virtual-printer-in-folder.ts'
import { connect } from '../../src/client/index.ts'
import { dataPaths } from '../../src/core/paths.ts'
import { freePort } from '../support/free-port.ts'
import { sendRequest } from '../support/raw-http.ts'
import { WebClient } from '../support/web-client.ts'
import { startWorkshopRig } from '../support/workshop.ts'
import { CERTIFICATE, KEY } from '../transports/http/certificate.ts'

type Entry = { readonly name: string; readonly path: string | null; readonly error: string | null }

async function listed(url: string): Promise<readonly Entry[]> {
  return ((await (await fetch(`${url}/workshop/printers`)).json()) as { result: Entry[] }).result
}

async function upload(url: string, name: string): Promise<number> {
  const form = new FormData()
  form.set('file', new File(['G28\n'], name))
  return (await fetch(`${url}/server/files/upload`, { method: 'POST', body: form })).status
}

test('each printer has its whole API below its name, and the main one at the top', async () => {
  await using rig = await startWorkshopRig({ printers: { one: {}, two: {} } })
  const { url } = rig
  assert.equal(await upload(`${url}/two`, 'of-two.gcode'), 201)
  const filesOf = async (at: string) => {
    const { result } = (await (await fetch(`${at}/server/files/list`)).json()) as {
      result: { path: string }[]
    }
    return result.map(({ path }) => path)
  }
  assert.deepEqual(await filesOf(`${url}/two`), ['of-two.gcode'])
  assert.deepEqual([await filesOf(`${url}/one`), await filesOf(url)], [[], []])

  using two = await WebClient.open(`${url}/two/websocket`)
  using top = await WebClient.open(`${url}/websocket`)
  assert.equal((await two.call('server.files.list', {})).result.length, 1)
  assert.equal((await top.call('server.files.list', {})).result.length, 0)
  // The top has the list; a printer's own API is the same as on its own port.
  assert.equal((await top.call('workshop.printers')).result.length, 2)
  assert.equal((await two.call('workshop.printers')).error.code, -32601)
  assert.equal((await fetch(`${url}/two/workshop/printers`)).status, 404)
  await assert.rejects(WebClient.open(`${url}/two/klippysocket`), /refused: 503/)

  const names = (await listed(url)).map(({ name, path }) => [name, path])
  assert.deepEqual(names, [
    ['one', '/one'],
    ['two', '/two'],
  ])
  const { paths } = (await (await fetch(`${url}/openapi.json`)).json()) as { paths: object }
  assert.ok('/workshop/printers' in paths)
  const methodsAt = async (client: WebClient) =>
    (await client.call('rpc.discover')).result.methods.map(({ name }: { name: string }) => name)
  assert.ok((await methodsAt(top)).includes('workshop.printers'))
  assert.ok(!(await methodsAt(two)).includes('workshop.printers'))
  const below = (await (await fetch(`${url}/two/openapi.json`)).json()) as { servers: object }
  assert.deepEqual(below.servers, [{ url: '/two' }])
})

test('a certificate next to workshop.conf gives HTTPS for all printers', async () => {
  await using rig = await startWorkshopRig({
    printers: { one: {}, two: {} },
    certificate: { cert: CERTIFICATE, key: KEY },
  })
  const { tlsPort } = rig.workshop.at
  const status = await new Promise(resolve => {
    const options = { port: tlsPort, path: '/two/server/info', rejectUnauthorized: false }
    get(options, reply => resolve(reply.resume().statusCode))
  })
  assert.equal(status, 200)
})

test('names that no printer has belong to the main printer', async () => {
  await using rig = await startWorkshopRig({ printers: { one: {}, two: {} } })
  for (const path of ['/three/server/info', '/One/server/info', '//one/server/info', '/%6fne/server/info']) {
    assert.equal((await sendRequest(rig.workshop.at.port, path)).status, 404, path)
  }
  assert.equal((await sendRequest(rig.workshop.at.port, '/one')).status, 308)
})

test('a printer with its own port is there as well, without the list', async () => {
  const port = await freePort()
  await using rig = await startWorkshopRig({
    printers: { one: { ownPort: true, server: `port: ${port}\nroute_prefix: old` }, two: {} },
  })
  const statusOf = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).status
  assert.deepEqual([await statusOf('/server/info'), await statusOf('/workshop/printers')], [200, 404])
  assert.equal((await fetch(`${rig.url}/one/server/info`)).status, 200)
  const line = rig.log.find(text => text.includes("'route_prefix' in section [server] is ignored"))
  assert.ok(line?.startsWith('[one]'), line)
  const { path } = (await listed(rig.url))[0] as Entry
  assert.equal(path, '/one')
})

test('users are those of each printer', async () => {
  await using rig = await startWorkshopRig({
    printers: { open: {}, closed: { authorization: 'force_logins: True' } },
    workshop: 'main: closed',
  })
  const { url } = rig
  const statusOf = async (path: string) => (await fetch(url + path)).status
  assert.deepEqual(
    [
      await statusOf('/open/server/info'),
      await statusOf('/closed/server/info'),
      await statusOf('/server/info'),
    ],
    [200, 401, 401],
  )
  assert.equal(await statusOf('/workshop/printers'), 401)
  assert.equal(await statusOf('/workshop/printers/open/picture'), 401)
  assert.equal((await fetch(`${url}/workshop/reload`, { method: 'POST' })).status, 401)
  // The page itself contains nothing of the printers.
  assert.equal(await statusOf('/workshop/settings.json'), 200)
})

test('clients of the list receive what changes, and no others', async () => {
  await using rig = await startWorkshopRig({ printers: { one: {}, two: {} } })
  const { data } = rig.paths('two')
  using follower = await connect({ url: rig.url.replace('http', 'ws') })
  using other = await WebClient.open(rig.url)
  await other.call('server.info')
  const changed = new Promise(resolve => {
    follower.on('notify_workshop_changed', change => resolve(change))
  })
  assert.equal((await follower.call('workshop.printers')).length, 2)
  const printer = await startPrinterInFolder(dataPaths(data), { speed: 10, statusInterval: 0.025 })
  try {
    rig.writeConf('two', { server: `klippy_uds_address: ${printer.socketPath}` })
    await (await fetch(`${rig.url}/two/server/restart`, { method: 'POST' })).text()
    const change = (await changed) as { changed: { name: string }[]; removed: string[] }
    assert.deepEqual([change.changed.map(({ name }) => name), change.removed], [['two'], []])
    await rig.until('two', ({ klippy_state }) => klippy_state === 'ready')
    assert.ok(other.frames.every(({ method }) => method !== 'notify_workshop_changed'))
  } finally {
    await printer.stop()
  }
})

test('a reload starts new printers, stops removed ones, and leaves the others alone', async () => {
  await using rig = await startWorkshopRig({ printers: { one: {}, two: {} } })
  using untouched = await WebClient.open(`${rig.url}/one/websocket`)
  rig.writeConf('three', {})
  rig.writeWorkshop({ printers: { one: {}, three: {} } })
  const reply = await fetch(`${rig.url}/workshop/reload`, { method: 'POST' })
  assert.deepEqual(((await reply.json()) as { result: object }).result, {
    started: ['three'],
    stopped: ['two'],
    restarted: [],
    warnings: [],
  })
  await rig.until('three', ({ instance_id }) => instance_id !== null)
  assert.equal((await fetch(`${rig.url}/two/server/info`)).status, 404)
  assert.equal((await untouched.call('server.info')).result.websocket_count, 1)

  rig.writeWorkshop({
    printers: { one: {}, three: { ownPort: true } },
    more: '[printer Bad Name]\ndata_path: /x',
  })
  const refused = await fetch(`${rig.url}/workshop/reload`, { method: 'POST' })
  assert.equal(refused.status, 400)
  assert.match(await refused.text(), /the name of section \[printer Bad Name\]/)
  assert.equal(rig.workshop.list().length, 2)
})

test('the page of all printers runs under a policy that allows nothing but its own files', async () => {
  await using rig = await startWorkshopRig({ printers: { one: {} }, workshop: 'title: Back room' })
  const get = (path: string) => fetch(`${rig.url}${path}`)
  const page = await get('/')
  assert.equal(page.url, `${rig.url}/workshop/`)
  const policy = page.headers.get('content-security-policy') ?? ''
  for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"]) {
    assert.ok(policy.includes(part), part)
  }
  assert.doesNotMatch(await page.text(), /<script(?![^>]*\ssrc=)|\son\w+=|\sstyle=|<style/)
  const settings = await get('/workshop/settings.json')
  assert.deepEqual(await settings.json(), { title: 'Back room', source: 'workshop' })
  for (const path of ['printers.js', 'printers.css'])
    assert.equal((await get(`/workshop/${path}`)).status, 200)
  for (const path of ['printers.html', 'nosuch.js', '%2e%2e%2fmain.ts']) {
    assert.equal((await get(`/workshop/${path}`)).status, 404, path)
  }
})

test('machine functions and updates belong to the main printer', async () => {
  const conf =
    '[machine]\nprovider: systemd_cli\n[update_manager]\nenable_auto_refresh: False\n[update_manager client x]\ntype: web\n'
  await using rig = await startWorkshopRig({ printers: { one: {}, two: { conf } }, workshop: 'main: one' })
  const info = (await (await fetch(`${rig.url}/two/server/info`)).json()) as {
    result: { components: string[]; warnings: string[] }
  }
  assert.ok(!info.result.components.includes('update_manager'))
  assert.deepEqual(info.result.warnings, [
    '[update_manager] is ignored: updates belong to the main printer of the workshop',
  ])
  const system = (await (await fetch(`${rig.url}/two/machine/system_info`)).json()) as {
    result: { system_info: { provider: string } }
  }
  assert.equal(system.result.system_info.provider, 'none')
})
