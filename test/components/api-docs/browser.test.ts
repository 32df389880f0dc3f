// The pages at /docs in a browser: the facts of the server, and the login.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Page } from 'playwright-core'
import { connect } from '../../../src/client/index.ts'
import { violations } from '../../support/accessibility.ts'
import { Chromium, noChromium } from '../../support/chromium.ts'
import { startRig } from '../../support/rig.ts'

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
