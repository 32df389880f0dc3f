// [update_manager NAME]: a section that cannot be used becomes a warning, and the others remain.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startRig } from '../../support/rig.ts'
import { WebClient } from '../../support/web-client.ts'

test('a section with an unknown type is left out with a warning', async () => {
  await using rig = await startRig({
    printer: 'none',
    conf: '[update_manager]\nenable_system_updates: False\n[update_manager client fancy]\ntype: wibble\npath: ~/fancy\n',
  })
  using client = await WebClient.open(rig.url)
  const { result } = await client.call('server.info')
  assert.ok(result.components.includes('update_manager'))
  const about = (result.warnings as string[]).filter(text => text.includes('fancy'))
  assert.equal(about.length, 1)
  assert.match(
    about[0] ?? '',
    /^\[update_manager\]: Failed to load extension fancy: .*the option "type: wibble"/,
  )
})

for (const window of ['5', '3-3', '0-24', 'a-b'])
  test(`the refresh window ${window} fails the component with the reason`, async () => {
    await using rig = await startRig({
      printer: 'none',
      conf: `[update_manager]\nrefresh_window: ${window}\n`,
    })
    using client = await WebClient.open(rig.url)
    const { result } = await client.call('server.info')
    assert.deepEqual(result.failed_components, ['update_manager'])
    assert.match(result.warnings.join('\n'), /refresh_window/)
    const reply = await client.call('machine.update.status')
    assert.equal(reply.error.code, -32601)
  })

test('two sections of a name, and one with the name of the system packages', async () => {
  const section = (name: string) => `[update_manager ${name}]\ntype: git_repo\npath: {data}\norigin: x\n`
  await using rig = await startRig({
    printer: 'none',
    conf: `[update_manager]\nenable_system_updates: False\n${section('client app')}${section('app')}${section('system')}`,
  })
  using client = await WebClient.open(rig.url)
  const { result } = await client.call('server.info')
  for (const name of ['app', 'system'])
    assert.ok(
      result.warnings.some((text: string) => text.includes(`Extension ${name} already added`)),
      name,
    )
  const { result: status } = await client.call('machine.update.status')
  assert.deepEqual(Object.keys(status.version_info), ['klipper', 'app'])
})
