// Sections [power NAME] that cannot be used: each is left out with a warning that names it, and the others work.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tasmotaDouble } from './http-double.ts'
import { initialised, startScene } from './scene.ts'

const http = (option: string) => `
[power bad]
type: http
on_url: http://127.0.0.1:1/on
off_url: http://127.0.0.1:1/off
status_url: http://127.0.0.1:1/status
response_template: on
${option}
`

for (const [what, section, warning] of [
  ['an unknown type', '[power bad]\ntype: zigbee', /power bad.*type: zigbee.*must be one of http, tasmota/],
  ['a missing option', '[power bad]\ntype: tasmota', /\[power bad\] needs the option "address"/],
  [
    'a poll_interval below the minimum',
    '[power bad]\ntype: tasmota\naddress: 127.0.0.1\npoll_interval: 0.5',
    /"poll_interval: 0\.5" of section \[power bad\] must be a number of at least 1/,
  ],
  [
    'an address with a path',
    '[power bad]\ntype: tasmota\naddress: http://127.0.0.1/',
    /"address" of section \[power bad\] must be a host name or an IP address/,
  ],
  [
    "the server's own service",
    '[power bad]\ntype: tasmota\naddress: 127.0.0.1\nbound_services: moonraker.service',
    /"bound_services" of section \[power bad\] cannot contain the server's own service/,
  ],
  [
    'a template with an error',
    http('request_template:\n  {% do http_request.send() %}\n  {% if command % %}'),
    /the template "request_template" of section \[power bad\] failed at line 2, column \d+: /,
  ],
  [
    'a URL that is not one',
    http('').replace('http://127.0.0.1:1/on', 'ftp://127.0.0.1/on'),
    /"on_url" of section \[power bad\] must be a URL that starts with http/,
  ],
  [
    'a secret that is not there',
    http('password: {secrets.plug.password}'),
    /the template "password" of section \[power bad\] failed at line 1, column \d+: /,
  ],
] as const) {
  test(`${what} leaves the section out`, async () => {
    await using plug = await tasmotaDouble()
    await using scene = await startScene(
      `${section}\n[power good]\ntype: tasmota\naddress: ${plug.address}\n`,
    )
    await initialised(scene)
    assert.deepEqual(await scene.states(), { good: 'off' })
    const warnings = await scene.warnings()
    assert.ok(
      warnings.some(text => text.startsWith('Section [power bad] is left out: ') && warning.test(text)),
      warnings.join('\n'),
    )
  })
}

test('the previous name of on_when_job_queued is read with a warning', async () => {
  await using plug = await tasmotaDouble()
  await using scene = await startScene(
    `[power plug]\ntype: tasmota\naddress: ${plug.address}\non_when_upload_queued: True\n`,
  )
  const warnings = await scene.warnings()
  assert.ok(warnings.some(text => text.includes('"on_when_upload_queued"') && text.includes('deprecated')))
})

test('without a section there is no component', async () => {
  await using scene = await startScene('')
  const { result } = await scene.client.call('server.info')
  assert.ok(!result.components.includes('power'))
})
