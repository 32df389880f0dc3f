// [power NAME] of type shelly with devices of generation 2 and later, which have /rpc.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { type Answer, HttpDouble, type Received } from './http-double.ts'
import { initialised, startScene } from './scene.ts'

/** A relay with /rpc and without /relay. */
function relay(): { isOn: boolean; timer: string | null; answer: (request: Received) => Answer } {
  const state = {
    isOn: false,
    timer: null as string | null,
    answer({ path }: Received): Answer {
      const { pathname, searchParams } = new URL(path, 'http://x')
      if (pathname === '/shelly') return { json: { gen: 2, auth_en: false } }
      if (pathname === '/rpc/Switch.Set') {
        const wasOn = state.isOn
        state.isOn = searchParams.get('on') === 'true'
        state.timer = searchParams.get('toggle_after')
        return { json: { was_on: wasOn } }
      }
      if (pathname !== '/rpc/Switch.GetStatus') return { text: 'Not Found', status: 404 }
      const timer = state.timer === null ? {} : { timer_started_at: 1, timer_duration: Number(state.timer) }
      return { json: { id: 0, output: state.isOn, ...timer } }
    },
  }
  return state
}

test('a later generation is found by /shelly and switched through /rpc', async () => {
  const plug = relay()
  await using double = await HttpDouble.start(plug.answer)
  await using scene = await startScene(`[power plug]\ntype: shelly\naddress: ${double.address}\n`)
  await initialised(scene)
  assert.deepEqual(double.take(), ['/relay/0', '/shelly', '/rpc/Switch.GetStatus?id=0'])
  assert.deepEqual((await scene.act('plug', 'on')).result, { plug: 'on' })
  assert.deepEqual(double.take(), [
    '/rpc/Switch.GetStatus?id=0',
    '/rpc/Switch.Set?id=0&on=true',
    '/rpc/Switch.GetStatus?id=0',
  ])
})

test('timer switches a later generation off after a while', async () => {
  const plug = relay()
  plug.isOn = true
  await using double = await HttpDouble.start(plug.answer)
  await using scene = await startScene(`[power plug]\ntype: shelly\naddress: ${double.address}\ntimer: 4\n`)
  await initialised(scene)
  assert.deepEqual((await scene.act('plug', 'off')).result, { plug: 'off' })
  assert.deepEqual([plug.isOn, plug.timer], [true, '4'])
})

test('a later generation with a password gets a digest', async () => {
  const plug = relay()
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
  await using double = await HttpDouble.start(request => {
    const { path, headers } = request
    if (!path.startsWith('/rpc')) return plug.answer(request)
    const given = Object.fromEntries(
      [...(headers.authorization ?? '').matchAll(/(\w+)="?([^",]*)"?/g)].map(([, name, value]) => [
        name,
        value,
      ]),
    )
    const user = sha256('admin:shellyplus1:hidden')
    const right = sha256(`${user}:n1:${given.nc}:${given.cnonce}:auth:${sha256(`GET:${path}`)}`)
    if (given.response === right) return plug.answer(request)
    const challenge = 'Digest qop="auth", realm="shellyplus1", nonce="n1", algorithm=SHA-256'
    return { text: '', status: 401, headers: { 'WWW-Authenticate': challenge } }
  })
  await using scene = await startScene(
    `[power plug]\ntype: shelly\naddress: ${double.address}\npassword: hidden\n`,
  )
  await initialised(scene)
  assert.deepEqual((await scene.act('plug', 'on')).result, { plug: 'on' })
})

test('a device of generation 1 that refuses the credentials is an error', async () => {
  await using double = await HttpDouble.start(({ path }) =>
    path === '/shelly' ? { json: { type: 'SHSW-1', auth: true } } : { text: '', status: 401 },
  )
  await using scene = await startScene(`[power plug]\ntype: shelly\naddress: ${double.address}\n`)
  assert.equal((await scene.act('plug', 'on')).error.message, 'Error Setting Device Status: plug to on')
  assert.ok(scene.rig.log.some(line => line.includes('are user, password and output_id right?')))
})
