// The first page at /docs in a browser.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { Chromium, noChromium } from '../../support/chromium.ts'
import { startRig } from '../../support/rig.ts'

const chromium = new Chromium()
after(() => chromium.close())

test('the first page has the facts of this server', { skip: noChromium }, async () => {
  await using rig = await startRig({ printer: 'none' })
  await using open = await chromium.open()
  const { page, problems } = open
  await page.goto(`${rig.url}/docs/`)
  const facts = page.locator('#facts')
  for (const fact of [`${rig.url.replace('http', 'ws')}/websocket`, rig.socketPath, 'data_store']) {
    await facts.getByText(fact, { exact: true }).waitFor()
  }
  await page.getByText(`curl ${rig.url}/server/info`).waitFor()
  assert.deepEqual(problems, [])
})
