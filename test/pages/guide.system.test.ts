// The documents as a site in a browser, from a server and from a disk.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { Page } from 'playwright-core'
import { violations } from '../support/accessibility.ts'
import { Chromium, noChromium } from '../support/chromium.ts'
import { startRig } from '../support/rig.ts'
import { docsSite, writeFiles } from './docs-site.ts'

const FOLDER = mkdtempSync(join(tmpdir(), 'guide-'))
const chromium = new Chromium()
after(async () => {
  rmSync(FOLDER, { recursive: true, force: true })
  await chromium.close()
})

const search = (page: Page) => page.getByRole('searchbox', { name: 'Search the documents' })

test('readers search with the keyboard, and follow links', { skip: noChromium }, async () => {
  await using rig = await startRig({ printer: 'none' })
  await using open = await chromium.open({ viewport: { width: 1400, height: 900 } })
  const { page, problems } = open
  await page.goto(`${rig.url}/docs/guide/install.html`)
  await page.getByRole('navigation', { name: 'Documents' }).getByText('Webcams').waitFor()
  await page.keyboard.press('/')
  await page.keyboard.type('max_upload_size')
  await page.getByRole('status').filter({ hasText: 'section' }).waitFor()
  assert.deepEqual(await violations(page), [])
  await page.keyboard.press('ArrowDown')
  assert.equal(await page.evaluate("document.activeElement.closest('#results') !== null"), true)
  await page.keyboard.press('Escape')
  await page.keyboard.type('xyzzy')
  await page.getByText('Nothing found').waitFor()
  await search(page).fill('All options [server]')
  await page.getByRole('link', { name: 'Configuration options: [server]' }).waitFor()
  await page.keyboard.press('Enter')
  await page.waitForURL('**/generated/configuration.html#server')
  await page.getByRole('navigation', { name: 'Documents' }).getByRole('link', { name: 'Dashboard' }).click()
  await page.getByAltText('The dashboard during a print').waitFor()
  await page.getByRole('link', { name: 'API', exact: true }).click()
  await page.waitForURL(`${rig.url}/docs/`)
  assert.deepEqual(problems, [])
})

test('a phone of 320 px has the menu behind a button, and wide tables scroll by themselves', {
  skip: noChromium,
}, async () => {
  await using rig = await startRig({ printer: 'none' })
  await using open = await chromium.open({ viewport: { width: 320, height: 640 }, colorScheme: 'dark' })
  const { page, problems } = open
  for (const name of ['generated/methods.html', 'writing-a-client.html']) {
    await page.goto(`${rig.url}/docs/guide/${name}`)
    await page.getByRole('heading', { level: 1 }).waitFor()
    assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 320, name)
  }
  assert.deepEqual(await violations(page), [])
  const menu = page.getByRole('navigation', { name: 'Documents' })
  assert.equal(await menu.isVisible(), false)
  await page.getByRole('button', { name: 'Documents' }).click()
  // Resolves once the entry of this page, far down in the menu, is on the screen.
  await page.evaluate(`new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error('the menu does not show the entry of this page')), 20_000)
    const observer = new IntersectionObserver(([entry]) => entry.isIntersecting && resolve())
    observer.observe(document.querySelector('.menu [aria-current]'))
  })`)
  assert.deepEqual(await violations(page), [])
  await menu.getByRole('link', { name: 'Power', exact: true }).click()
  await page.waitForURL('**/power.html')
  assert.deepEqual(problems, [])
})

test('the site works from a disk, without a server', { skip: noChromium }, async () => {
  const folder = join(FOLDER, 'site')
  writeFiles(folder, (await docsSite()).files)
  await using open = await chromium.open()
  const { page, problems } = open
  await page.goto(pathToFileURL(join(folder, 'decisions/index.html')).href)
  await search(page).fill('timelapse ffmpeg')
  await page
    .getByRole('link', { name: /^Time-lapse/ })
    .first()
    .click()
  await page.waitForURL('**/timelapse.html*')
  assert.deepEqual(problems, [])
})
