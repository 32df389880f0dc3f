// [button NAME]: templates at presses and releases, what they can use, and sections that cannot be used. The chip is
// one of the tests.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { ServerHost } from '../../../src/app/host.ts'
import type { HostPart } from '../../../src/component/host.ts'
import { hostInputs } from '../../../src/components/button/host-inputs.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { GpioInputs } from '../../../src/core/gpio/inputs.ts'
import type { Scope } from '../../../src/core/scope.ts'
import { FakeChip } from '../../core/gpio/fake-chip.ts'
import { FakeKlippy } from '../../support/fake-klippy.ts'
import { type RigOptions, startRig } from '../../support/rig.ts'
import { testLog } from '../../support/test-log.ts'
import { WebClient } from '../../support/web-client.ts'

/** A host whose GPIO chip is one of the tests. */
class ChipHost extends ServerHost {
  readonly #inputs: GpioInputs

  constructor(chip: FakeChip, lines: string[]) {
    super({
      log: testLog({ console: line => lines.push(line) }),
    })
    this.#inputs = new GpioInputs(systemClock, chip.machine)
  }

  override use<T>(part: HostPart<T>, scope: Scope): T {
    return (part as unknown) === hostInputs ? (this.#inputs as T) : super.use(part, scope)
  }
}

/** A server with the buttons of `conf`, a client, and the chip. */
async function start(conf: string, options: RigOptions = {}) {
  const chip = new FakeChip()
  const host = new ChipHost(chip, [])
  const rig = await startRig({ printer: 'none', ...options, host, conf })
  const client = await WebClient.open(rig.url)
  /** Changes the level of a line; resolves with the notification that its template sends. */
  const change = async (line: number, level: boolean) => {
    const seen = client.frames.filter(({ method }) => method === 'notify_button_event').length
    chip.setLevel(line, level)
    const { params } = await client.notified('notify_button_event', seen + 1)
    return params[0]
  }
  return {
    chip,
    rig,
    client,
    change,
    warnings: async (): Promise<string[]> => (await client.call('server.info')).result.warnings,
    /** Resolves with the line of the log that contains `text`. */
    async logged(text: string) {
      for (;;) {
        const line = rig.log.find(each => each.includes(text))
        if (line !== undefined) return line
        await new Promise(resolve => setTimeout(resolve, 5))
      }
    },
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]()
      await rig[Symbol.asyncDispose]()
      await host.stop()
      chip[Symbol.dispose]()
    },
  }
}

const NOTIFY = 'on_press: {send_notification()}\non_release: {send_notification()}'

test('clients are notified of presses and releases', async () => {
  await using scene = await start(`[button bell]\npin: gpio3\n${NOTIFY}`)
  const press = await scene.change(3, true)
  const release = await scene.change(3, false)
  const { elapsed_time, received_time, render_time } = press.event
  assert.deepEqual(press, {
    name: 'bell',
    type: 'gpio',
    event: { elapsed_time, received_time, render_time, pressed: true },
    aux: null,
  })
  assert.ok(elapsed_time > 0 && render_time >= received_time)
  assert.equal(release.event.pressed, false)
  const between = release.event.received_time - received_time
  assert.ok(Math.abs(release.event.elapsed_time - between) < 1e-6)
})

test('the state at the start runs no template', async () => {
  await using scene = await start(`[button bell]\npin: !gpio3\n${NOTIFY}`)
  // The line is low, so an inverted button is pressed at the start.
  const event = await scene.change(3, true)
  assert.equal(event.event.pressed, false)
})

test('a template calls methods of the API and reads their results', async () => {
  await using scene = await start(`[button items]
pin: gpio3
on_press:
  {% set db = {"namespace": "buttons", "key": "last"} %}
  {% do call_method("server.database.post_item", value={"count": 2}, **db) %}
  {% set item = call_method("server.database.get_item", **db) %}
  {% do send_notification({"count": item.value.count, "files": call_method("server.files.list")}) %}`)
  assert.deepEqual((await scene.change(3, true)).aux, { count: 2, files: [] })
})

test('a template keeps values between its runs, and notifies clients once in each', async () => {
  await using scene = await start(`[button count]
pin: gpio3
on_press:
  {% do user_data.update({"count": user_data.get("count", 0) + 1}) %}
  {% do send_notification(user_data.count) %}
  {% do send_notification("again") %}
on_release: {% do send_notification(-user_data.count) %}`)
  const aux = []
  for (const level of [true, false, true]) aux.push((await scene.change(3, level)).aux)
  assert.deepEqual(aux, [1, -1, 2])
})

test('a template sends HTTP requests, and reads replies of any status', async () => {
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/missing' ? 404 : 200)
    response.end(`${request.method} ${String(request.headers['x-key'])}`)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await using scene = await start(
    `[button web]
pin: gpio3
on_press:
  {% do http_request.set_url("http://127.0.0.1:${port}/lamp") %}
  {% do http_request.set_method("post") %}
  {% do http_request.add_header("X-Key", secrets.lamp.key) %}
  {% set lamp = http_request.send() %}
  {% do async_sleep(0.001) %}
  {% set missing = http_request.send(url="http://127.0.0.1:${port}/missing") %}
  {% do send_notification([lamp.text, missing.status_code, missing.has_error()]) %}`,
    {
      prepare: ({ secrets }) => writeFileSync(secrets, '[lamp]\nkey: abc\n'),
    },
  )
  assert.deepEqual((await scene.change(3, true)).aux, ['POST abc', 404, true])
  server.close()
})

for (const [what, template, text] of [
  [
    'calls a method that fails',
    '{call_method("server.files.metadata", filename="a.gcode")}',
    'server.files.metadata: Metadata not available for <a.gcode>',
  ],
  ['raises an error', '{raise_error("the cover is open")}', 'on_press: the cover is open'],
  [
    'never ends',
    '{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}',
    'the template needs more than 100000 steps',
  ],
  ['calls a method that does not exist', '{call_method("no.such")}', 'no.such: Method not found'],
  ['calls without a name', '{call_method()}', 'needs the name of a method'],
  ['requests nothing', '{http_request.send()}', 'the URL: not an address of http or https'],
] as const) {
  test(`a template that ${what} is in the log, and the next event runs`, async () => {
    await using scene = await start(
      `[button bad]\npin: gpio3\non_press: ${template}\non_release: {send_notification()}`,
    )
    scene.chip.setLevel(3, true)
    assert.equal((await scene.change(3, false)).event.pressed, false)
    const lines = scene.rig.log.filter(line => line.includes('button bad: on_press: '))
    assert.equal(lines.length, 1)
    assert.ok(lines[0]?.includes(text), lines[0])
  })
}

test('an event too soon after the one before is ignored, and counts for the next', async () => {
  await using scene = await start(`[button slow]
pin: gpio3
minimum_event_time: 10
on_press: {send_notification("press")}
on_release: {send_notification("release")}`)
  const aux: string[] = []
  const elapsed: number[] = []
  const changeAt = async (seconds: number, level: boolean) => {
    scene.chip.secondsAhead = seconds
    const event = await scene.change(3, level)
    aux.push(event.aux)
    elapsed.push(Math.round(event.event.elapsed_time))
  }
  await changeAt(20, true)
  scene.chip.secondsAhead = 25
  scene.chip.setLevel(3, false)
  await changeAt(40, true)
  await changeAt(60, false)
  assert.deepEqual(aux, ['press', 'press', 'release'])
  assert.deepEqual(elapsed, [20, 15, 20])
})

test('templates of a button run one after the other', async () => {
  await using scene = await start(`[button slow]
pin: gpio3
on_press:
  {% do async_sleep(0.05) %}
  {% do user_data.update({"done": True}) %}
on_release: {% do send_notification(user_data.get("done")) %}`)
  scene.chip.setLevel(3, true)
  assert.equal((await scene.change(3, false)).aux, true)
})

test('events beyond a limit are ignored while a template runs', async () => {
  await using scene = await start(`[button stuck]
pin: gpio3
on_press: {% do async_sleep(3600) %}
on_release: {send_notification()}`)
  for (let count = 0; count < 10; count += 1) {
    scene.chip.setLevel(3, true)
    scene.chip.setLevel(3, false)
  }
  assert.match(await scene.logged('button stuck:'), /Too many events of a button at once/)
})

test('a method that does not end blocks a button for call_timeout only', async () => {
  await using klippy = await FakeKlippy.start()
  klippy.answer('gcode/script', () => new Promise(() => undefined))
  await using scene = await start(
    `[button stuck]
pin: gpio3
call_timeout: 0.05
on_press: {% do call_method("printer.gcode.script", script="G28") %}
on_release: {% do send_notification("released") %}`,
    { klippySocket: klippy.path, ready: true },
  )
  scene.chip.setLevel(3, true)
  assert.equal((await scene.change(3, false)).aux, 'released')
  assert.match(
    await scene.logged('button stuck:'),
    /on_press: printer\.gcode\.script: no result within 0\.05 s \(option call_timeout of \[button stuck\]\)/,
  )
})

test('a pin that no longer exists is a warning', async () => {
  await using scene = await start(`[button bell]\npin: gpio3\n${NOTIFY}`)
  scene.chip.remove()
  scene.chip.sendEdge(3, true)
  await scene.logged('cannot be read')
  assert.match((await scene.warnings()).join('\n'), /Button bell: the pin cannot be read any more: .*ENODEV/)
})

test('a restart of the server takes the same pins again', async () => {
  using chip = new FakeChip()
  const host = new ChipHost(chip, [])
  const options: RigOptions = { printer: 'none', host, conf: `[button bell]\npin: gpio3\n${NOTIFY}` }
  for (let count = 0; count < 2; count += 1) {
    await using rig = await startRig(options)
    using client = await WebClient.open(rig.url)
    assert.deepEqual((await client.call('server.info')).result.warnings, [])
  }
  await host.stop()
})

const DOCUMENT = readFileSync(new URL('../../../docs/lights-sensors-buttons.md', import.meta.url), 'utf8')
const EXAMPLES = [...DOCUMENT.matchAll(/```ini\n(\[button [\s\S]*?)```/g)].map(([, text]) => text as string)

test('the examples of the documents can be used', async () => {
  assert.equal(EXAMPLES.length, 3)
  for (const example of EXAMPLES) {
    await using scene = await start(example)
    assert.deepEqual(await scene.warnings(), [])
  }
})

test('the example of a double and a long press acts on both', async () => {
  const example = EXAMPLES.find(text => text.includes('[button double]')) as string
  await using scene = await start(`${example}  {send_notification()}\n`)
  /** What the templates called: neither method works here, so that each is in the log. */
  const called = () =>
    scene.rig.log.flatMap(line => /button double: \w+: ([\w.]+): /.exec(line)?.slice(1) ?? [])
  /** The pin is low while the button is pressed. */
  const pressAt = async (seconds: number, length: number) => {
    scene.chip.secondsAhead = seconds
    scene.chip.setLevel(26, false)
    scene.chip.secondsAhead = seconds + length
    await scene.change(26, true)
  }
  scene.chip.setLevel(26, true)
  await pressAt(10, 0.1)
  assert.deepEqual(called(), [])
  await pressAt(10.3, 0.1)
  assert.deepEqual(called(), ['printer.print.cancel'])
  scene.chip.secondsAhead = 20
  scene.chip.setLevel(26, false)
  scene.chip.secondsAhead = 22
  scene.chip.setLevel(26, true)
  await scene.logged('machine.device_power.post_device')
  assert.deepEqual(called(), ['printer.print.cancel', 'machine.device_power.post_device'])
})

test('sections that cannot be used are left out, and the others work', async () => {
  const bad = {
    silent: ['pin: gpio5', /\[button silent\]: No template option configured/],
    number: [`pin: 17\n${NOTIFY}`, /Invalid pin format 17\./],
    pinless: [NOTIFY, /"pin"/],
    line: [`pin: gpio99\n${NOTIFY}`, /gpio99 of gpiochip0 does not exist/],
    taken: [`pin: gpio4\n${NOTIFY}`, /gpio4 of gpiochip0 is used by another section or program/],
    chip: [`pin: gpiochip9/gpio1\n${NOTIFY}`, /Chip path .*gpiochip9 does not exist/],
    bounces: [`pin: gpio5\ndebounce_period: 0.001\n${NOTIFY}`, /"debounce_period: 0.001".*at least 0.01/],
    past: [`pin: gpio5\nminimum_event_time: -1\n${NOTIFY}`, /"minimum_event_time: -1".*at least 0/],
    usb: [`type: usb\npin: gpio5\n${NOTIFY}`, /"type: usb".*must be one of gpio/],
    template: ['pin: gpio5\non_press: {% if %}', /"on_press".* line 1/],
  } as const
  const sections = Object.entries(bad).map(([name, [section]]) => `[button ${name}]\n${section}`)
  await using scene = await start(`[button good]\npin: gpio4\n${NOTIFY}\n${sections.join('\n')}`)
  const warnings = await scene.warnings()
  for (const [name, [, warning]] of Object.entries(bad)) {
    const found = warnings.find(text => text.startsWith(`Section [button ${name}] is left out: `))
    assert.match(found ?? '', warning, name)
  }
  assert.equal((await scene.change(4, true)).name, 'good')
})

test('without a GPIO chip the warning names what is missing', async () => {
  await using rig = await startRig({
    printer: 'none',
    conf: `[button bell]\npin: gpiochip99/gpio3\n${NOTIFY}`,
  })
  using client = await WebClient.open(rig.url)
  const { result } = await client.call('server.info')
  assert.deepEqual(result.warnings, [
    'Section [button bell] is left out: Chip path /dev/gpiochip99 does not exist',
  ])
})
