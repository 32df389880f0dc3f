// [power NAME] of type http: what its templates can use, and how their errors show.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { HttpDouble, type Received } from './http-double.ts'
import { initialised, startScene } from './scene.ts'

/** A section with these templates; the URLs end in /on, /off and /status. */
function section({ address }: HttpDouble, response: string, more = ''): string {
  const urls = ['on', 'off', 'status'].map(command => `${command}_url: http://${address}/${command}`)
  return `[power plug]\ntype: http\n${urls.join('\n')}\n${more}response_template:\n  ${response.replaceAll('\n', '\n  ')}\n`
}

/** A server with the plug and the secret `plug.token`. */
function scene(conf: string) {
  return startScene(conf, {
    prepare: paths =>
      writeFileSync(join(paths.data, 'moonraker.secrets'), JSON.stringify({ plug: { token: 's3cret' } })),
  })
}

const off = () => ({ json: { state: 'OFF', nested: '{"state": "off"}' }, headers: { ETag: '"1"' } })

test('a template reads every part of the response', async () => {
  await using double = await HttpDouble.start(off)
  const checks = [
    'response.status_code == 200',
    'response.json().state == "OFF"',
    'response.text.startswith("{")',
    'response.url.endswith("/status")',
    'response.final_url.endswith("/status")',
    'response.headers["Content-Type"] == "application/json"',
    'response.headers.get("x-missing", 5) == 5',
    'response.etag == \'"1"\'',
    'response.last_modified is none',
    'response.encoding == "utf-8"',
    'response.error is none',
    'not response.has_error()',
    '(response.json().nested|fromjson).state == "off"',
    'command == "status"',
    'urls.on.endswith("/on")',
  ]
  const template = `{% set response = http_request.last_response() %}
{% do response.raise_for_status() %}
${checks.map(check => `{% if not (${check}) %}{% do raise_error(${JSON.stringify(check.replaceAll('"', "'"))}) %}{% endif %}`).join('\n')}
{response.json().state}`
  await using at = await scene(section(double, template))
  await initialised(at)
  assert.deepEqual(await at.states(), { plug: 'off' }, at.rig.log.join('\n'))
})

test('a template fills the request, secrets included', async () => {
  await using double = await HttpDouble.start(off)
  const request = `request_template:
  {% do http_request.set_headers({"X-Old": "1"}) %}
  {% do http_request.reset() %}
  {% do http_request.set_method("put") %}
  {% do http_request.set_url(urls.off ~ "?x=1") %}
  {% do http_request.add_header("X-Token", secrets.plug.token) %}
  {% do http_request.set_body({"turn": command}) %}
  {% set response = http_request.send() %}
  {% do http_request.send(url=urls.status, method="GET", body="text", headers={"X-Count": 2}) %}
  {% do log_debug("sent " ~ response.status_code) %}
`
  await using at = await scene(section(double, '{http_request.last_response().json().state}', request))
  await initialised(at)
  const facts = ({ method, path, headers, body }: Received) => [
    method,
    path,
    headers['x-old'],
    headers['x-token'],
    headers['x-count'],
    headers['content-type'],
    body,
  ]
  assert.deepEqual(double.received.map(facts), [
    ['PUT', '/off?x=1', undefined, 's3cret', undefined, 'application/json', '{"turn":"status"}'],
    ['GET', '/status', undefined, undefined, '2', undefined, 'text'],
  ])
  assert.ok(at.rig.log.some(line => line.includes('[power plug] request_template: sent 200')))
})

for (const [what, template, log] of [
  [
    'an undefined value',
    'x\n{nothing.here}',
    /section \[power plug\] failed at line 2, column \d+: 'nothing' is undefined/,
  ],
  ['raise_error', '{% do raise_error("no plug", 409) %}', /cannot be read: no plug/],
  ['another text', 'maybe', /"response_template" must give on or off, not "maybe"/],
  [
    'an endless loop',
    '{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}',
    /more than \d+ steps/,
  ],
] as const) {
  test(`a response_template with ${what} is an error in the log, and the client gets the usual one`, async () => {
    await using double = await HttpDouble.start(off)
    await using at = await scene(section(double, template))
    assert.equal((await at.act('plug', 'on')).error.message, 'Error Setting Device Status: plug to on')
    assert.match(at.rig.log.join('\n'), log)
  })
}

test('a request_template that sends nothing is an error', async () => {
  await using double = await HttpDouble.start(off)
  await using at = await scene(section(double, 'off', 'request_template: {command}\n'))
  assert.equal((await at.act('plug', 'on')).error.message, 'Error Setting Device Status: plug to on')
  assert.deepEqual(double.received, [])
  assert.match(at.rig.log.join('\n'), /did not send a request with http_request\.send\(\)/)
})
