// The pages at /docs in a browser. Names from Klippy, from agents and from links are text there, and nothing else.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '../../src/client/index.ts'
import { connectAgent } from '../components/extensions/agent-client.ts'
import { FakeKlippy } from '../support/fake-klippy.ts'
import { startRig } from '../support/rig.ts'
import { Browser, noBrowser } from './browser.ts'

const EVIL = '<img src=x onerror=alert(1)>'

/** A server whose Klippy, and a status object of it, have names that would be elements of a page. */
async function startEvil() {
  const klippy = await FakeKlippy.start()
  klippy.endpoints = [
    ...klippy.endpoints,
    `evil/${EVIL}`,
    'evil/\'"><script>alert(1)</script>',
    'evil/__proto__',
  ]
  klippy.change(EVIL, { [EVIL]: EVIL })
  klippy.change('last', { field: 1 })
  const rig = await startRig({ klippySocket: klippy.path, ready: true })
  const stop = async () => {
    await rig[Symbol.asyncDispose]()
    await klippy[Symbol.asyncDispose]()
  }
  return { klippy, rig, [Symbol.asyncDispose]: stop }
}

const texts = (selector: string) => `[...document.querySelectorAll('${selector}')].map(e => e.textContent)`
const OBJECTS = `[...document.querySelectorAll('#values table')].map(table =>
  [table.caption.textContent, ...[...table.rows].map(({ cells }) => cells[0].textContent)])`

test('the WebSocket page', { skip: noBrowser }, async () => {
  await using scene = await startEvil()
  await using browser = await Browser.open()
  const { klippy, rig } = scene
  await browser.show(`${rig.url}/docs/websocket#%`)
  assert.equal(await browser.until(`document.querySelector('#chosen h2')?.textContent`), 'server.info')
  assert.equal(await browser.until(`document.getElementById('who').textContent`), 'trusted address (admin)')
  const names: string[] = await browser.until(texts('.catalogue a'))
  const evil = names.filter(name => name.includes('evil'))
  assert.equal(evil.length, 3)
  for (const name of evil) {
    await browser.until(`(location.hash = ${JSON.stringify(encodeURIComponent(name))})`)
    const title = await browser.until(
      `document.querySelector('[aria-current=true] a')?.textContent === ${JSON.stringify(name)} &&
        document.querySelector('#chosen h2').textContent`,
    )
    assert.equal(title, name)
  }
  await browser.until(`document.querySelector('#objects input')`)
  await browser.until(
    `(document.querySelectorAll('#objects input:not(:checked)').forEach(box => box.click()), true)`,
  )
  await browser.until(
    `(tables => tables.length === ${Object.keys(klippy.status).length} && tables)(${OBJECTS})`,
  )
  klippy.push('print_stats', { added: EVIL })
  const objects: string[][] = await browser.until(
    `(tables => tables.some(([, ...fields]) => fields.includes('added')) && tables)(${OBJECTS})`,
  )
  assert.deepEqual(
    objects.find(([name]) => name === 'print_stats'),
    ['print_stats', 'state', 'filename', 'added'],
  )
  assert.deepEqual(
    objects.find(([name]) => name === EVIL),
    [EVIL, EVIL],
  )
  using _agent = await connectAgent(rig.url, EVIL)
  await browser.until(`${texts('#log code')}.some(text => text.includes('onerror'))`)
  assert.deepEqual(await browser.until(`[document.images.length, document.scripts.length]`), [0, 1])
  assert.deepEqual(browser.problems, [])
})

test('the HTTP page', { skip: noBrowser }, async () => {
  await using scene = await startEvil()
  await using browser = await Browser.open()
  await browser.show(
    `${scene.rig.url}/docs/http?url=http://evil.test/x.json&configUrl=http://evil.test/y.json`,
  )
  const chapter = `document.querySelector('.opblock-tag[data-tag=Klipper]')`
  await browser.until(`${chapter}?.dataset.isOpen === 'false' && (${chapter}.click(), true)`)
  const paths: string[] = await browser.until(
    `(all => all.some(path => path.includes('evil')) && all)(${texts('.opblock-summary-path')})`,
  )
  const evil = new Set(paths.filter(path => path.includes('evil')).map(path => path.replaceAll('\u200b', '')))
  assert.equal(evil.size, 3)
  assert.ok(evil.has(`/printer/evil/${EVIL}`))
  // Of the methods of each path one: to open a block takes Swagger UI a second.
  const blocks = `[...document.querySelectorAll('.opblock-get')].filter(({ textContent }) => textContent.includes('evil'))`
  await browser.until(
    `${blocks}.map(block => block.querySelector('.opblock-summary-control').click()).length === ${evil.size}`,
  )
  await browser.until(`document.querySelectorAll('.opblock-get.is-open').length === ${evil.size}`)
  assert.equal(
    await browser.until(`document.querySelector('.info .title').textContent.split(' ')[0]`),
    'moonraker-ts',
  )
  assert.equal(await browser.until(`document.querySelectorAll('img:not([src^="data:"])').length === 0`), true)
  assert.deepEqual(browser.problems, [])
})

/** Types into the filter of Swagger UI, which React controls. */
const filterBy = (text: string) => `(input => {
  const { set } = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')
  set.call(input, '${text}')
  return input.dispatchEvent(new Event('input', { bubbles: true }))
})(document.querySelector('.operation-filter-input'))`

test('the HTTP page expands what matches its filter, and sends requests as its user', {
  skip: noBrowser,
}, async () => {
  await using rig = await startRig({ printer: 'none', authorization: 'force_logins: True' })
  using client = await connect({ url: rig.socketPath })
  const key = await client.call('access.get_api_key')
  await using browser = await Browser.open()
  await browser.show(`${rig.url}/docs/`)
  await browser.until(
    `(sessionStorage.setItem('moonraker-ts credentials', '${JSON.stringify({ kind: 'key', key })}'), true)`,
  )
  await browser.show(`${rig.url}/docs/http`)
  await browser.until(`document.querySelector('.opblock-tag') !== null`)
  assert.equal(await browser.until(`document.querySelectorAll('.opblock').length + 1`), 1)
  await browser.until(filterBy('/server/info'))
  assert.equal(
    await browser.until(`document.querySelector('.opblock-summary-path')?.dataset.path`),
    '/server/info',
  )
  await browser.until(`(document.querySelector('.opblock-summary-control').click(), true)`)
  // Swagger UI ignores a click until the block is complete: click again after a while.
  await browser.until(
    `setInterval(() => document.querySelector('.live-responses-table') ?? document.querySelector('.execute')?.click(), 500)`,
  )
  const status = `document.querySelector('.live-responses-table tbody .response-col_status')?.textContent`
  assert.match(await browser.until(status), /^200/)
  const logins = `[...document.querySelectorAll('.authorize, .authorization__btn')]`
  assert.equal(await browser.until(`${logins}.every(button => !button.checkVisibility())`), true)
  await browser.until(filterBy(''))
  await browser.until(`document.querySelectorAll('.opblock').length === 0`)
})
