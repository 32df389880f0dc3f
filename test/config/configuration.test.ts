// Reading sections: typed values, errors with their place, warnings about unread options, the server.config reply.
import assert from 'node:assert/strict'
import { homedir } from 'node:os'
import { test } from 'node:test'
import {
  deprecated,
  fields,
  lines,
  pairs,
  path,
  prefixed,
  type SectionOptions,
  separated,
  template,
  withPreviousNames,
  word,
} from '../../src/config/index.ts'
import { bool, float, int, string } from '../../src/schema/index.ts'
import { configuration, refused } from './configuration.ts'

const SERVER = {
  host: string().default('0.0.0.0'),
  port: int({ min: 1, max: 65535 }).default(7125),
  klippy_uds_address: path().default('/tmp/klippy_uds'),
  route_prefix: string().optional(),
  enable_debug_logging: deprecated(bool().default(false), 'start the server with -v instead'),
}

test('values have the declared types, or their defaults', () => {
  const config = configuration('[server]\nport: 7126\nenable_debug_logging: On\n')
  const { options, section, name } = config.read('server', SERVER)
  const typed: {
    host: string
    port: number
    route_prefix?: string | undefined
    enable_debug_logging: boolean
  } = options
  assert.deepEqual(typed, {
    host: '0.0.0.0',
    port: 7126,
    klippy_uds_address: '/tmp/klippy_uds',
    enable_debug_logging: true,
  })
  assert.deepEqual([section, name], ['server', ''])
})

test('a missing section has its defaults', () => {
  const config = configuration('')
  assert.equal(config.read('server', SERVER).options.port, 7125)
  assert.equal(config.has('server'), false)
  assert.deepEqual(config.warnings(), [])
})

test('booleans and numbers as configparser reads them', () => {
  const config = configuration(
    '[s]\na: True\nb: yes\nc: ON\nd: 1\ne: off\nf: No\ng: 2.\nh: .5\ni: 1e3\nj: -4\nk: +7\n',
  )
  const flags = config.read('s', { a: bool(), b: bool(), c: bool(), d: bool(), e: bool(), f: bool() })
  assert.deepEqual(Object.values(flags.options), [true, true, true, true, false, false])
  const numbers = config.read('s', { g: float(), h: float(), i: float(), j: int(), k: int() })
  assert.deepEqual(Object.values(numbers.options), [2, 0.5, 1000, -4, 7])
})

test('paths may contain the home and the data folder', () => {
  const config = configuration(
    '[s]\na: ~/x\nb: {data_path}/comms/klippy.sock\nc: /abs/../y\nd:\n  { data_path }/z\ne: ~\n',
  )
  const { options } = config.read('s', {
    a: path(),
    b: path(),
    c: path(),
    d: path(),
    e: path(),
    f: path().default('{data_path}/default'),
    g: path().optional(),
  })
  assert.deepEqual(options, {
    a: `${homedir()}/x`,
    b: '/data/comms/klippy.sock',
    c: '/y',
    d: '/data/z',
    e: homedir(),
    f: '/data/default',
  })
  assert.deepEqual(config.reply().config.s, {
    a: '~/x',
    b: '{data_path}/comms/klippy.sock',
    c: '/abs/../y',
    d: '{ data_path }/z',
    e: '~',
    f: '{data_path}/default',
    g: null,
  })
  const { message } = refused(() => configuration('[s]\na: {secrets.a.b}/x\n').read('s', { a: path() }))
  assert.match(message, /line 2: .*must be a path without braces other than \{data_path\}/)
})

test('options that depend on others are read in a second step', () => {
  const config = configuration('[power relay]\ntype: GPIO\npin: gpiochip0/gpio1\n')
  const section = config.read('power relay', { type: word('gpio', 'http') })
  assert.equal(section.name, 'relay')
  assert.deepEqual(section.read({ pin: string(), timer: float().optional() }), { pin: 'gpiochip0/gpio1' })
  assert.deepEqual(config.warnings(), [])
  assert.deepEqual(config.reply().config, {
    'power relay': { type: 'gpio', pin: 'gpiochip0/gpio1', timer: null },
  })
})

test('sections of a kind are found by their first word', () => {
  const config = configuration(
    '[power a]\n[powerful b]\n[power]\n[power  two words]\n[server]\n[update_manager client mainsail]\n',
  )
  assert.deepEqual(config.named('power'), ['power a', 'power  two words'])
  assert.equal(config.read('power  two words', {}).name, 'two words')
  assert.deepEqual(config.named('update_manager'), ['update_manager client mainsail'])
  assert.deepEqual(config.named('missing'), [])
  const written = ['power', 'powerful', 'update_manager', 'missing', 'client'].filter(kind =>
    config.has(kind),
  )
  assert.deepEqual(written, ['power', 'powerful', 'update_manager'])
})

const SENSOR = {
  name: string(),
  state_response_template: template(),
  parameter_: prefixed(pairs()),
  history_field_: prefixed(fields({ parameter: string(), precision: int().optional() })),
}

test('options by the prefix of their names', () => {
  const text =
    '[sensor e]\nname: E\nstate_response_template:\n  {% set a = 1 %}\n  {a}\nparameter_power:\n  units=W\n' +
    'parameter_energy:\n  units=kWh\nhistory_field_used:\n  parameter=energy\n  precision=6\nparameters: 1\nparameter_: 2\n'
  const config = configuration(text)
  const { options } = config.read('sensor e', SENSOR)
  assert.deepEqual(options.parameter_, { power: { units: 'W' }, energy: { units: 'kWh' } })
  assert.equal(options.history_field_.used?.precision, 6)
  assert.deepEqual(config.reply().config['sensor e'], {
    name: 'E',
    state_response_template: '{% set a = 1 %}\n{a}',
    parameter_power: { units: 'W' },
    parameter_energy: { units: 'kWh' },
    history_field_used: { parameter: 'energy', precision: 6 },
  })
  assert.deepEqual(
    config.warnings().map(warning => /'(.+?):/.exec(warning)?.[1]),
    ['parameters', 'parameter_'],
  )
  assert.deepEqual(configuration('').read('x', { parameter_: SENSOR.parameter_ }).options, { parameter_: {} })
})

const BAD: [text: string, options: SectionOptions, message: string][] = [
  ['port: abc', SERVER, 'the option "port: abc" of section [s] must be a whole number'],
  ['port: 70000', SERVER, 'the option "port: 70000" of section [s] must be a number of at most 65535'],
  ['port:', SERVER, 'the option "port: " of section [s] must be a whole number'],
  [
    'delay: 0',
    { delay: float({ above: 0 }) },
    'the option "delay: 0" of section [s] must be a number above 0',
  ],
  ['delay: x', { delay: float() }, 'the option "delay: x" of section [s] must be a number'],
  ['on: maybe', { on: bool() }, 'the option "on: maybe" of section [s] must be True or False'],
  ['type: x', { type: word('a', 'b') }, 'the option "type: x" of section [s] must be one of a, b'],
  [
    'window: 0-x',
    { window: separated('-', int()) },
    'the option "window: 0-x" of section [s] must be a whole number in item 2',
  ],
  [
    'objects:\n  a=1\n  b=c',
    { objects: pairs(int()) },
    'the option "objects: a=1 b=c" of section [s] must be a whole number in b',
  ],
  [
    'objects: a',
    { objects: fields({ parameter: string() }) },
    'the option "objects: a" of section [s] must be complete, but "parameter" is missing',
  ],
  [
    'history_field_x:\n  parameter=a\n  precision=y',
    SENSOR,
    'the option "history_field_x: parameter=a precision=y" of section [s] must be a whole number in precision',
  ],
  [
    'address: http://me:p@ss@cam.local/?a=b@c',
    { address: int() },
    'the option "address: http://…@cam.local/?a=b@c" of section [s] must be a whole number',
  ],
  [
    'password: 5',
    { password: int({ max: 4 }) },
    'the option "password: …" of section [s] must be a number of at most 4',
  ],
]

for (const [text, options, message] of BAD) {
  test(`rejected: ${JSON.stringify(text)}`, () => {
    const filled = `name: n\nstate_response_template: t\n`
    const config = configuration(`[server]\n[s]\n${options === SENSOR ? filled : ''}${text}\n`)
    const error = refused(() => config.read('s', options))
    const line = options === SENSOR ? 5 : 3
    assert.equal(error.message, `moonraker.conf, line ${line}: ${message}`)
    assert.deepEqual(error.place, {
      section: 's',
      option: text.split(':', 1)[0],
      file: 'moonraker.conf',
      line,
    })
  })
}

test('rejected: a missing required option, with its section', () => {
  const written = refused(() => configuration('[server]\n[power x]\n').read('power x', { type: string() }))
  assert.equal(
    written.message,
    'moonraker.conf, line 2: section [power x] needs the option "type"; add "type: …" to it',
  )
  const unwritten = refused(() => configuration('').read('mqtt', { address: string() }))
  assert.equal(unwritten.message, 'section [mqtt] needs the option "address"; add "address: …" to it')
})

test('a component makes errors with their place', () => {
  const config = configuration('[notifier a]\nurl: nowhere\n')
  const section = config.read('notifier a', { url: template() })
  assert.equal(section.error('this is no URL', 'url').message, 'moonraker.conf, line 2: this is no URL')
  assert.equal(section.error('this is no section').message, 'moonraker.conf, line 1: this is no section')
})

test('with `use default`, an invalid value is a warning', () => {
  const text = '[machine]\nprovider: openrc\nvalidate: perhaps\nfolder: {home}/x\nunknown: 1\n'
  const config = configuration(`${text}[other]\n`)
  const shape = {
    provider: word('systemd', 'none').default('systemd'),
    validate: bool().default(true),
    folder: path().optional(),
  }
  assert.deepEqual(config.read('machine', shape, 'use default').options, {
    provider: 'systemd',
    validate: true,
  })
  assert.deepEqual(config.reply().config.machine, { provider: 'systemd', validate: true, folder: null })
  const [provider, validate, folder, unread] = config.warnings()
  assert.equal(
    provider,
    'moonraker.conf, line 2: the option "provider: openrc" of section [machine] must be one of systemd, none; ' +
      'the default is used instead',
  )
  assert.match(
    validate!,
    /line 3: the option "validate: perhaps" of section \[machine\] must be True or False;/,
  )
  assert.match(folder!, /line 4: the option "folder: \{home\}\/x" of section \[machine\] must be a path/)
  assert.match(unread!, /Unparsed config option 'unknown: 1'/)
  const needed = refused(() => config.read('other', { port: int() }, 'use default'))
  assert.match(needed.message, /section \[other\] needs the option "port"/)
})

test('deprecated and renamed options are read with a warning', () => {
  const options = {
    on_when_job_queued: withPreviousNames(bool().default(false), 'on_when_upload_queued'),
    bound_services: withPreviousNames(lines().default([]), 'bound_service'),
    color_order: deprecated(string().default(''), 'it has no effect any more'),
  }
  const config = configuration(
    '[power a]\non_when_upload_queued: True\nbound_services: new\nbound_service: old\ncolor_order: RGB\n',
  )
  assert.deepEqual(config.read('power a', options).options, {
    on_when_job_queued: true,
    bound_services: ['new'],
    color_order: 'RGB',
  })
  config.read('power a', options)
  assert.deepEqual(config.warnings(), [
    'moonraker.conf, line 2: the option "on_when_upload_queued" of section [power a] is deprecated; use "on_when_job_queued" instead',
    'moonraker.conf, line 4: the option "bound_service" of section [power a] is deprecated; use "bound_services" instead',
    'moonraker.conf, line 5: the option "color_order" of section [power a] is deprecated; it has no effect any more',
  ])
  assert.deepEqual(config.reply().config['power a'], {
    on_when_job_queued: true,
    bound_services: ['new'],
    color_order: 'RGB',
  })
})

test('[DEFAULT] applies to all sections, with one warning', () => {
  const config = configuration('[DEFAULT]\nport: 5\nunknown: 1\n[server]\n[b]\nport: 6\n')
  assert.equal(config.read('server', SERVER).options.port, 5)
  assert.equal(config.read('b', { port: int() }).options.port, 6)
  assert.deepEqual(
    config.warnings().map(warning => warning.split('.  ')[0]),
    ["Unparsed config option 'unknown: 1' detected in section [DEFAULT]"],
  )
  assert.match(
    refused(() => configuration('[DEFAULT]\nport: x\n').read('server', SERVER)).message,
    /^moonraker\.conf, line 2: /,
  )
})

test('the reply of server.config has values, texts and files', () => {
  const config = configuration(
    '[server]\nport: 7126\n[include include/extras.conf]\n[job_queue]\njob_transition_delay: 2.\n' +
      'job_transition_gcode:\n  M118 Transitioning to next job...\n',
    {
      'include/extras.conf':
        '[mqtt]\nstatus_objects:\n  webhooks\n  toolhead=position\nusername: {secrets.mqtt.name}\n',
    },
  )
  config.read('server', SERVER)
  config.read('template', {})
  config.read('job_queue', { job_transition_delay: float(), job_transition_gcode: string().default('') })
  config.read('mqtt', {
    status_objects: pairs(string().nullable()).optional(),
    username: template().optional(),
    password: template().optional(),
    default_qos: int({ min: 0, max: 2 }).default(0),
  })
  assert.deepEqual(JSON.parse(JSON.stringify(config.reply())), {
    config: {
      server: {
        host: '0.0.0.0',
        port: 7126,
        klippy_uds_address: '/tmp/klippy_uds',
        route_prefix: null,
        enable_debug_logging: false,
      },
      template: {},
      job_queue: {
        job_transition_delay: 2,
        job_transition_gcode: '\nM118 Transitioning to next job...',
      },
      mqtt: {
        status_objects: { webhooks: null, toolhead: 'position' },
        username: '{secrets.mqtt.name}',
        password: null,
        default_qos: 0,
      },
    },
    orig: {
      DEFAULT: {},
      server: { port: '7126' },
      mqtt: { status_objects: '\nwebhooks\ntoolhead=position', username: '{secrets.mqtt.name}' },
      job_queue: {
        job_transition_delay: '2.',
        job_transition_gcode: '\nM118 Transitioning to next job...',
      },
    },
    files: [
      { filename: 'moonraker.conf', sections: ['server', 'job_queue'] },
      { filename: 'include/extras.conf', sections: ['mqtt'] },
    ],
  })
})

test('the reply of server.config shows references to secrets, but no secrets', () => {
  const config = configuration(
    '[DEFAULT]\napi_key: 0123\n[ldap]\nbind_password: hush\nsudo_password: {secrets.a.b}\nmqtt_password: {hush}\n' +
      'enable_api_key: True\npassword_mqtt:\n',
  )
  config.read('ldap', {
    bind_password: template(),
    sudo_password: template(),
    mqtt_password: string(),
    enable_api_key: bool(),
    password_mqtt: string().optional(),
    api_key: string(),
  })
  const shown = {
    bind_password: '…',
    sudo_password: '{secrets.a.b}',
    mqtt_password: '…',
    password_mqtt: '',
    api_key: '…',
  }
  const { config: read, orig } = config.reply()
  assert.deepEqual(read.ldap, { ...shown, enable_api_key: true })
  assert.deepEqual(orig, {
    DEFAULT: { api_key: '…' },
    ldap: { ...shown, enable_api_key: 'True' },
  })
})

test('warnings of the sources are among the warnings', () => {
  const config = configuration('[server]\n[include none/*.conf]\n')
  config.read('server', SERVER)
  assert.match(config.warnings().join(), /\[include none\/\*\.conf\] matches no file/)
})
