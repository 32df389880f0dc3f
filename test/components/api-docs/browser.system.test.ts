// The pages at /docs in a browser: the facts of the server, the login, and calls. Names from Klippy, from agents and from links
// are text there, and nothing else.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Page } from 'playwright-core'
import { connect } from '../../../src/client/index.ts'
import { violations } from '../../support/accessibility.ts'
import { Chromium, noChromium } from '../../support/chromium.ts'
import { FakeKlippy } from '../../support/fake-klippy.ts'
import { startRig } from '../../support/rig.ts'
import { connectAgent } from '../extensions/agent-client.ts'

const chromium = new Chromium()
after(() => chromium.close())

const who = (page: Page, text: string) => page.locator('#who', { hasText: text }).waitFor()

test('the first page has the facts of this server, on a phone too', { skip: noChromium }, async () => {
  await using rig = await startRig({ printer: 'none' })
  await using open = await chromium.open({ viewport: { width: 320, height: 640 }, colorScheme: 'dark' })
  const { page, problems } = open
  await page.goto(`${rig.url}/docs/`)
  const facts = page.locator('#facts')
  for (const fact of [`${rig.url.replace('http', 'ws')}/websocket`, rig.socketPath, 'data_store']) {
    await facts.getByText(fact, { exact: true }).waitFor()
  }
  await page.getByText(`curl ${rig.url}/server/info`).waitFor()
  assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 320)
  assert.deepEqual(await violations(page), [])
  assert.deepEqual(problems, [])
})

test('a login is that of the dashboard, and an API key works in its place', {
  skip: noChromium,
}, async () => {
  await using rig = await startRig({ authorization: 'force_logins: True\ntrusted_clients: 127.0.0.1' })
  using client = await connect({ url: rig.socketPath })
  await client.call('access.post_user', { username: 'me', password: 'secret', role: 'viewer' })
  const key = await client.call('access.get_api_key')
  await using open = await chromium.open()
  const { page } = open
  await page.goto(`${rig.url}/docs/websocket`)
  const dialog = page.getByRole('dialog')
  await dialog.getByText('This server shows its API to its users only').waitFor()
  assert.deepEqual(await violations(page), [])
  await page.getByLabel('User name').fill('me')
  await page.getByLabel('Password').fill('wrong')
  await dialog.getByRole('button', { name: 'Log in' }).click()
  await dialog.getByText('Invalid Password').waitFor()
  await page.getByLabel('Password').fill('secret')
  await page.getByLabel('Stay logged in').check()
  await dialog.getByRole('button', { name: 'Log in' }).click()
  await who(page, 'me (viewer)')
  await page.getByRole('heading', { name: 'server.info' }).waitFor()
  await page.locator('#values').getByText('"Printer is ready"').waitFor()
  assert.deepEqual(await violations(page), [])

  await page.goto(rig.url)
  await page.getByText('me, viewer').waitFor()

  await page.goto(`${rig.url}/docs/`)
  await page.getByRole('button', { name: 'Forget login' }).click()
  await who(page, 'not logged in')
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByLabel('API key').fill('wrong')
  await page.getByRole('button', { name: 'Use the key' }).click()
  await dialog.getByText('This is not an API key of this server').waitFor()
  await page.getByLabel('API key').fill(key)
  await page.getByRole('button', { name: 'Use the key' }).click()
  await who(page, 'API key (admin)')
})

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

/** The followed objects on the page, each with the names of its fields. */
const FOLLOWED = `[...document.querySelectorAll('#values table')].map(table =>
  [table.caption.textContent, ...[...table.rows].map(({ cells }) => cells[0].textContent)])`

test('the WebSocket page shows names as text', { skip: noChromium }, async () => {
  await using scene = await startEvil()
  await using open = await chromium.open()
  const { klippy, rig } = scene
  const { page, problems } = open
  await page.goto(`${rig.url}/docs/websocket#%`)
  const title = page.locator('#chosen h2')
  await title.filter({ hasText: 'server.info' }).waitFor()
  await who(page, 'trusted address (admin)')
  const names = await page.locator('.catalogue a').allTextContents()
  const evil = names.filter(name => name.includes('evil'))
  assert.equal(evil.length, 3)
  for (const name of evil) {
    await page.evaluate(`void (location.hash = ${JSON.stringify(encodeURIComponent(name))})`)
    await page.locator('[aria-current=true] a').filter({ hasText: name }).waitFor()
    await title.filter({ hasText: name }).waitFor()
  }
  await page.evaluate("document.querySelectorAll('#objects input:not(:checked)').forEach(box => box.click())")
  const tables = page.locator('#values table')
  await tables.nth(Object.keys(klippy.status).length - 1).waitFor({ state: 'attached' })
  klippy.push('print_stats', { added: EVIL })
  await tables.getByText('added', { exact: true }).waitFor()
  const followed = await page.evaluate<string[][]>(FOLLOWED)
  const fieldsOf = (object: string) => followed.find(([name]) => name === object)?.slice(1)
  assert.deepEqual(fieldsOf('print_stats'), ['state', 'filename', 'added'])
  assert.deepEqual(fieldsOf(EVIL), [EVIL])
  using _agent = await connectAgent(rig.url, EVIL)
  await page.locator('#log code').filter({ hasText: 'onerror' }).first().waitFor()
  assert.deepEqual(await page.evaluate('[document.images.length, document.scripts.length]'), [0, 1])
  assert.deepEqual(problems, [])
})

test('the HTTP page shows names as text, and loads only the document of its server', {
  skip: noChromium,
}, async () => {
  await using scene = await startEvil()
  await using open = await chromium.open()
  const { page, problems } = open
  const other = 'http://evil.test/x.json'
  await page.goto(`${scene.rig.url}/docs/http?url=${other}&configUrl=${other}`)
  await page.locator('.opblock-tag[data-tag=Klipper]').click()
  const blocks = page.locator('.opblock-get').filter({ hasText: 'evil' })
  await blocks.nth(2).waitFor()
  assert.equal(await blocks.count(), 3)
  const paths = await blocks.locator('.opblock-summary-path').allTextContents()
  assert.ok(paths.some(path => path.replaceAll('\u200b', '') === `/printer/evil/${EVIL}`))
  for (const block of await blocks.all()) await block.locator('.opblock-summary-control').click()
  await page.locator('.opblock-get.is-open').nth(2).waitFor()
  await page.locator('.info .title').filter({ hasText: 'moonraker-ts' }).waitFor()
  assert.equal(await page.locator('img:not([src^="data:"])').count(), 0)
  assert.deepEqual(problems, [])
})

test('the HTTP page expands what matches its filter, and sends requests as its user', {
  skip: noChromium,
}, async () => {
  await using rig = await startRig({ printer: 'none', authorization: 'force_logins: True' })
  using client = await connect({ url: rig.socketPath })
  const key = await client.call('access.get_api_key')
  await using open = await chromium.open()
  const { page } = open
  const stored = JSON.stringify({ kind: 'key', key })
  await page.addInitScript(`sessionStorage.setItem('moonraker-ts credentials', '${stored}')`)
  await page.goto(`${rig.url}/docs/http`)
  await page.locator('.opblock-tag').first().waitFor()
  assert.equal(await page.locator('.opblock').count(), 0)
  const filter = page.locator('.operation-filter-input')
  await filter.fill('/server/info')
  const path = page.locator('.opblock-summary-path').first()
  await path.waitFor()
  assert.equal(await path.getAttribute('data-path'), '/server/info')
  await page.locator('.opblock-summary-control').first().click()
  await page.locator('.execute').click()
  const status = page.locator('.live-responses-table tbody .response-col_status')
  await status.filter({ hasText: '200' }).first().waitFor()
  for (const login of await page.locator('.authorize, .authorization__btn').all()) {
    assert.equal(await login.isVisible(), false)
  }
  await filter.fill('')
  await page.locator('.opblock').first().waitFor({ state: 'detached' })
})
