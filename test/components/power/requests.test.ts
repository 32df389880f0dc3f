// Power devices that do not reply, fail, or recover: what that costs a client, and what it receives.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HttpDouble, tasmotaDouble } from './http-double.ts'
import { HURRY, initialised, startScene } from './scene.ts'

const tasmota = (name: string, { address }: HttpDouble, more = '') =>
  `[power ${name}]\ntype: tasmota\naddress: ${address}\n${more}\n`

test('a device that hangs costs its own request a limited time, and no other request', async () => {
  await using good = await tasmotaDouble()
  await using bad = await tasmotaDouble()
  await using scene = await startScene(tasmota('good', good) + tasmota('bad', bad), HURRY)
  await initialised(scene)
  bad.answer = () => 'hang'
  let isAnswered = false
  const hanging = scene.act('bad', 'on').then(reply => {
    isAnswered = true
    return reply
  })
  assert.deepEqual((await scene.act('good', 'on')).result, { good: 'on' })
  assert.equal(isAnswered, false)
  assert.deepEqual((await hanging).error, { code: 400, message: 'Error Setting Device Status: bad to on' })
})

test('a batch switches all at the same time and reports each device', async () => {
  await using first = await tasmotaDouble()
  await using second = await tasmotaDouble()
  await using scene = await startScene(tasmota('first', first) + tasmota('second', second), HURRY)
  await initialised(scene)
  first.answer = () => 'hang'
  const batch = scene.client.call('machine.device_power.on', { first: null, second: null, third: null })
  await scene.notified('second', 'on')
  const { error } = await batch
  assert.deepEqual(error, {
    code: 400,
    message: 'Error Setting Device Status: first to on',
    data: { devices: { first: 'error', second: 'on', third: 'device_not_found' } },
  })
})

test('a batch without devices is an error', async () => {
  await using plug = await tasmotaDouble()
  await using scene = await startScene(tasmota('plug', plug))
  const { error } = await scene.client.call('machine.device_power.status')
  assert.deepEqual(error, { code: 400, message: 'No arguments provided' })
})

test('a command that failed is an error and a notification, and the state is found again', async () => {
  await using plug = await tasmotaDouble()
  await using scene = await startScene(tasmota('plug', plug), HURRY)
  await initialised(scene)
  const works = plug.answer
  plug.answer = request => (request.path.endsWith('+on') ? { text: 'no', status: 500 } : works(request))
  const { error } = await scene.act('plug', 'on')
  assert.equal(error.message, 'Error Setting Device Status: plug to on')
  await scene.notified('plug', 'error')
  await scene.notified('plug', 'off', scene.client.frames.length)
  assert.ok(scene.rig.log.some(line => line.includes('the power device plug was not switched on: ')))
})

test('a device that is not there at the start is init, refuses commands, and is found when it comes', async () => {
  await using plug = await tasmotaDouble()
  const works = plug.answer
  plug.answer = () => 'drop'
  await using scene = await startScene(tasmota('plug', plug, 'initial_state: on'), HURRY)
  const { result } = await scene.client.call('machine.device_power.get_device', { device: 'plug' })
  assert.deepEqual(result, { plug: 'init' })
  assert.equal((await scene.act('plug', 'on')).error.message, 'Error Setting Device Status: plug to on')
  await scene.notified('plug', 'init')
  plug.answer = works
  await scene.notified('plug', 'on')
  assert.equal(plug.state, 'ON')
})

test('the initial state is set only if the device has another', async () => {
  await using plug = await tasmotaDouble()
  await using scene = await startScene(tasmota('plug', plug, 'initial_state: off'))
  await initialised(scene)
  assert.deepEqual(plug.take(), ['/cm?user=admin&password=&cmnd=Power1'])
})

test('poll_interval finds changes that were made at the device', async () => {
  await using plug = await tasmotaDouble()
  await using scene = await startScene(tasmota('plug', plug, 'poll_interval: 1'))
  await initialised(scene)
  plug.state = 'ON'
  await scene.notified('plug', 'on')
})

test('clients that read a device at the same time share one request', async () => {
  await using plug = await tasmotaDouble()
  await using scene = await startScene(tasmota('plug', plug))
  await initialised(scene)
  plug.take()
  await Promise.all(Array.from({ length: 5 }, () => scene.act('plug', 'status')))
  assert.equal(plug.take().length, 1)
})

test('reads of a hub share a connection; its commands, and small devices, get new ones', async () => {
  await using hub = await HttpDouble.start(() => ({ json: { state: 'on' } }))
  await using plug = await tasmotaDouble()
  const [host, port] = hub.address.split(':')
  const conf = `[power hub]\ntype: homeassistant\naddress: ${host}\nport: ${port}\ndevice: switch.a\ntoken: t\n`
  await using scene = await startScene(conf + tasmota('plug', plug))
  await initialised(scene)
  for (let i = 0; i < 3; i += 1) await scene.act('hub', 'status')
  assert.equal(hub.connections, 1)
  await scene.act('hub', 'off')
  assert.deepEqual(
    hub.received.map(({ method, headers }) => `${method} ${headers.connection}`),
    [...Array(5).fill('GET keep-alive'), 'POST close', 'GET keep-alive'],
  )
  const requests = hub.received.length
  hub.answer = ({ path }) =>
    path === '/moved' ? { json: { state: 'on' } } : { text: '', status: 307, headers: { Location: '/moved' } }
  await scene.act('hub', 'status')
  const redirected = hub.received.slice(requests)
  assert.ok(redirected.some(({ path }) => path === '/moved'))
  assert.ok(redirected.every(({ path, headers }) => path === '/moved' || headers.connection === 'keep-alive'))
  plug.take()
  const before = plug.connections
  for (let i = 0; i < 3; i += 1) await scene.act('plug', 'status')
  assert.equal(plug.connections, before + 3)
})

test('commands beyond the queue of a device are refused', async () => {
  await using plug = await tasmotaDouble()
  await using scene = await startScene(tasmota('plug', plug), HURRY)
  await initialised(scene)
  plug.answer = () => 'hang'
  const replies = await Promise.all(Array.from({ length: 30 }, () => scene.act('plug', 'on')))
  const refused = replies.filter(({ error }) => error.code === 503)
  assert.ok(refused.some(({ error }) => /requests to the power device plug/.test(error.message)))
})

for (const [what, answer] of [
  ['an endless page', { text: 'x'.repeat(10_000_000) }],
  ['a web page', { text: '<html></html>', headers: { 'Content-Type': 'text/html' } }],
  ['other JSON', { json: { WARNING: 'Need user=<username>&password=<password>' } }],
  ['a redirect without end', { text: '', status: 302, headers: { Location: '/again' } }],
] as const) {
  test(`a device that replies with ${what} is in the state error`, async () => {
    await using plug = await tasmotaDouble()
    await using scene = await startScene(tasmota('plug', plug))
    await initialised(scene)
    plug.answer = () => answer
    assert.deepEqual((await scene.act('plug', 'status')).result, { plug: 'error' })
    assert.ok(scene.rig.log.some(line => line.includes('the power device plug cannot be read: ')))
  })
}

test('a device whose reply has no end is in the state error after the timeout', async () => {
  await using plug = await tasmotaDouble()
  await using scene = await startScene(tasmota('plug', plug), HURRY)
  await initialised(scene)
  plug.answer = () => 'drip'
  assert.deepEqual((await scene.act('plug', 'status')).result, { plug: 'error' })
})

test('a redirect to another server does not get the credentials', async () => {
  await using other = await HttpDouble.start(() => ({ json: { ison: true } }))
  await using plug = await HttpDouble.start(() => ({
    text: '',
    status: 302,
    headers: { Location: `http://${other.address}/relay/0` },
  }))
  await using scene = await startScene(
    `[power plug]\ntype: shelly\naddress: ${plug.address}\nuser: me\npassword: hidden\n`,
  )
  await initialised(scene)
  assert.ok(plug.received[0]?.headers.authorization)
  assert.equal(other.received[0]?.headers.authorization, undefined)
})

test('HTTP clients send devices as keys of the query', async () => {
  await using plug = await tasmotaDouble()
  await using scene = await startScene(tasmota('plug', plug))
  await initialised(scene)
  const reply = await fetch(`${scene.rig.url}/machine/device_power/on?plug&other`, { method: 'POST' })
  assert.deepEqual(await reply.json(), { result: { plug: 'on', other: 'device_not_found' } })
})

test('an unknown action is an error, and the word may be in upper case', async () => {
  await using plug = await tasmotaDouble()
  await using scene = await startScene(tasmota('plug', plug))
  await initialised(scene)
  assert.deepEqual((await scene.act('plug', 'Explode')).error, {
    code: 400,
    message: "Invalid requested action 'explode'",
  })
  assert.deepEqual((await scene.act('plug', 'ON')).result, { plug: 'on' })
})
