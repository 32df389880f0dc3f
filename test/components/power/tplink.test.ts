// [power NAME] of type tplink_smartplug.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type KasaDouble, kasaPlug } from './kasa-double.ts'
import { initialised, startScene } from './scene.ts'

const section = ({ port }: KasaDouble, more = '', host = '127.0.0.1') =>
  `[power plug]\ntype: tplink_smartplug\naddress: ${host}\nport: ${port}\n${more}\n`

test('a plug is switched, also if its replies arrive in parts', async () => {
  await using plug = await kasaPlug()
  plug.isSplit = true
  await using scene = await startScene(section(plug))
  await initialised(scene)
  assert.deepEqual((await scene.act('plug', 'on')).result, { plug: 'on' })
  assert.deepEqual(plug.relays, [1])
  assert.deepEqual((await scene.act('plug', 'toggle')).result, { plug: 'off' })
})

test('a socket of a strip is switched by its id, its number also in the old form', async () => {
  for (const [more, host] of [
    ['output_id: 1', '127.0.0.1'],
    ['', '127.0.0.1/1'],
  ] as const) {
    await using strip = await kasaPlug(3)
    await using scene = await startScene(section(strip, more, host))
    await initialised(scene)
    assert.deepEqual((await scene.act('plug', 'on')).result, { plug: 'on' })
    assert.deepEqual(strip.relays, [0, 1, 0])
    const isDeprecated = (await scene.warnings()).some(text => text.includes("use the 'output_id' option"))
    assert.equal(isDeprecated, more === '')
  }
})

test('the first socket of a strip needs no output_id', async () => {
  await using strip = await kasaPlug(2)
  await using scene = await startScene(section(strip))
  await initialised(scene)
  await scene.act('plug', 'on')
  assert.deepEqual(strip.relays, [1, 0])
})

test('timer gives the plug a rule', async () => {
  await using plug = await kasaPlug()
  plug.relays[0] = 1
  await using scene = await startScene(section(plug, 'timer: 5'))
  await initialised(scene)
  assert.deepEqual((await scene.act('plug', 'off')).result, { plug: 'off' })
  assert.deepEqual(plug.received.slice(-2), [
    '{"count_down":{"delete_all_rules":null}}',
    '{"count_down":{"add_rule":{"enable":1,"delay":5,"act":0,"name":"turn off"}}}',
  ])
})

for (const [what, answer, log] of [
  ['does not reply', 'hang', /no reply within/],
  ['closes the connection', 'drop', /closes the connection without a reply|ECONNRESET/],
  ['sends something else', 'hello', /not JSON/],
  ['reports an error', '{"system":{"get_sysinfo":{"err_code":-3}}}', /replies to get_sysinfo with error -3/],
] as const) {
  test(`a plug that ${what} is in the state error, and a command is an error`, async () => {
    await using plug = await kasaPlug()
    await using scene = await startScene(section(plug))
    await initialised(scene)
    plug.answer = () => answer
    const { error } = await scene.act('plug', 'on')
    assert.deepEqual(error, { code: 400, message: 'Error Toggling Device Power: plug' })
    assert.deepEqual(await scene.states(), { plug: 'error' })
    assert.match(scene.rig.log.join('\n'), log)
  })
}
