// The contents of the page, and that it contains no HTML from outside.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { html } from '../../../src/components/welcome/html.ts'
import { fullPage, publicPage, type WelcomeView } from '../../../src/components/welcome/page.ts'

const VIEW: WelcomeView = {
  version: 'v0.10.0-1-gabcdef0',
  klippy: { state: 'ready', message: 'Printer is ready' },
  print: null,
  klippySocket: '/tmp/klippy_uds',
  warnings: [],
  components: ['authorization', 'data_store'],
  failedComponents: [],
  addresses: ['http://localhost:7125', 'http://192.168.1.5:7125', 'https://192.168.1.5:7130'],
  socket: '/home/pi/printer_data/comms/moonraker.sock',
  routePrefix: '',
  refusedSites: [],
}

test('templates escape values, and not pieces', () => {
  const piece = html`<b title="${`"'`}">${'<&>'}</b>`
  assert.equal(piece.text, '<b title="&quot;&#39;">&lt;&amp;&gt;</b>')
  assert.equal(html`${[piece, 1, null]}${'$&'}`.text, `${piece.text}1$&amp;`)
})

test('texts of a printer or a file stay text', () => {
  const evil = `"><script>alert('1')</script>&amp;`
  const escaped = '&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;amp;'
  const view: WelcomeView = {
    version: evil,
    klippy: { state: 'error', message: evil },
    print: { state: 'printing', filename: evil },
    klippySocket: evil,
    warnings: [evil],
    components: [evil],
    failedComponents: [evil],
    addresses: [evil],
    socket: evil,
    routePrefix: evil,
    refusedSites: [evil],
  }
  for (const klippy of [view.klippy, { state: 'disconnected', message: null } as const]) {
    const page = fullPage({ ...view, klippy })
    assert.ok(!page.includes(evil))
    assert.ok(page.includes(escaped))
    assert.equal(page.split('<script>').length, 2, 'only the script of the page itself')
  }
  assert.ok(!publicPage(evil, evil).includes(evil))
})

test('the page shows no message of a ready printer', () => {
  const page = fullPage(VIEW)
  assert.match(page, /<p class="state ready">The printer is ready<\/p>/)
  assert.doesNotMatch(page, /Printer is ready<\/p>\s*<p class="message">/)
  assert.doesNotMatch(page, /class="(attention|failure)"/)
})

test('the page names the print in progress', () => {
  const printing = fullPage({ ...VIEW, print: { state: 'printing', filename: 'sub/part.gcode' } })
  assert.match(printing, /The printer prints<\/p>\s*<p class="message">sub\/part\.gcode</)
  assert.doesNotMatch(printing, /The printer is ready/)
  assert.match(fullPage({ ...VIEW, print: { state: 'paused', filename: 'a' } }), /The print is paused/)
})

test('the page explains cors_domains only for sites that are not allowed', () => {
  assert.doesNotMatch(fullPage(VIEW), /cors_domains/)
  const page = fullPage({ ...VIEW, refusedSites: ['http://app.fluidd.xyz'] })
  assert.match(page, /allow this site[\s\S]*cors_domains:\n {4}http:\/\/app\.fluidd\.xyz</)
})

test("the page shows Klippy's message and all warnings", () => {
  const page = fullPage({
    ...VIEW,
    klippy: { state: 'shutdown', message: 'MCU lost\nOnce corrected, restart\n' },
    warnings: ['First\nof two', 'Second'],
    failedComponents: ['mqtt'],
  })
  assert.match(
    page,
    /<p class="state shutdown">.*<\/p>\s*<p class="message">MCU lost\nOnce corrected, restart<\/p>/,
  )
  assert.match(
    page,
    /<section class="attention">.*\n<ul><li class="message">First\nof two<\/li><li class="message">Second<\/li>/,
  )
  assert.match(page, /<section class="failure">.*\n<ul><li class="message">mqtt<\/li>/)
})

test('without Klippy the page shows the path of its socket', () => {
  const page = fullPage({ ...VIEW, klippy: { state: 'disconnected', message: null } })
  assert.match(page, /Klipper is not connected[\s\S]*<code>\/tmp\/klippy_uds<\/code>/)
})

test('addresses carry the prefix', () => {
  const page = fullPage({ ...VIEW, routePrefix: '/printer1' })
  for (const part of [
    '<code>ws://localhost:7125/printer1/websocket</code>',
    '<code>wss://192.168.1.5:7130/printer1/websocket</code>',
    'href="http://192.168.1.5:7125/printer1/"',
    'href="/printer1/docs/"',
    'href="/printer1/openapi.json"',
    'curl http://localhost:7125/printer1/server/info',
    'connects to\n<code>http://192.168.1.5:7125/printer1</code>',
  ]) {
    assert.ok(page.includes(part), part)
  }
})

test('the page loads nothing from outside', () => {
  for (const page of [fullPage(VIEW), publicPage(VIEW.version, '')]) {
    assert.doesNotMatch(page, /<(script|img|iframe|object|embed)[^>]+src|@import|url\(/)
    assert.deepEqual(page.match(/<link[^>]*>/g), ['<link rel="icon" href="data:,">'])
    assert.doesNotMatch(page, / (style|on\w+)="/)
  }
})

test('an unauthenticated client sees the name, the version and how to log in', () => {
  const page = publicPage(VIEW.version, '')
  assert.match(page, /moonraker-ts <small>v0\.10\.0-1-gabcdef0</)
  assert.match(page, /trusted_clients[\s\S]*Mainsail needs this: it has no login/)
  assert.match(publicPage(VIEW.version, '/printer1'), /href="\/printer1\/docs\/http"/)
  assert.doesNotMatch(page, /class="state|7125|klippy|\/home/)
})
