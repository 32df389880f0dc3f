// The documents as a site: their links, their search, and how browsers show them from a server and from a disk.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, posix } from 'node:path'
import { after, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { Page } from 'playwright-core'
import { excerptOf, findSections, type Section, wordsOf } from '../../src/pages/guide/search.ts'
import { violations } from '../support/accessibility.ts'
import { Chromium, noChromium } from '../support/chromium.ts'
import { assertOwnFilesOnly } from '../support/page-policy.ts'
import { sendRequest } from '../support/raw-http.ts'
import { startRig } from '../support/rig.ts'
import { startWorkshopRig } from '../support/workshop.ts'

interface Site {
  readonly files: ReadonlyMap<string, Buffer>
  readonly problems: readonly string[]
}

const { docsSite } = (await import(new URL('../../scripts/docs-site.mjs', import.meta.url).href)) as {
  docsSite: (options?: { readonly root?: string; readonly served?: boolean }) => Promise<Site>
}

const FOLDER = mkdtempSync(join(tmpdir(), 'guide-'))
const chromium = new Chromium()
after(async () => {
  rmSync(FOLDER, { recursive: true, force: true })
  await chromium.close()
})

const site = docsSite()

function writeFiles(folder: string, files: Iterable<readonly [string, string | Buffer]>): void {
  for (const [path, content] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
}

test('every link of the documents leads somewhere, and every document is in the list', async () => {
  assert.deepEqual((await site).problems, [])
})

test('a dead link, a dead anchor, a missing picture and a document that no list contains are reported', async () => {
  const root = join(FOLDER, 'dead')
  writeFiles(root, [
    ['README.md', '[gone](docs/gone.md)'],
    ['docs/README.md', '# All\n\n## First\n\n- [A](a.md)\n- [Notes](notes/)\n'],
    ['docs/a.md', '# A\n\n[b](b.md) [up](#upper) ![p](p.webp) <img src="q.webp" alt="q"> [c](notes/c.md#no)'],
    ['docs/b.md', '# B\n\n## A `code` title!\n\n[here](#a-code-title) [source](../package.json) [A](a.md#a)'],
    ['docs/notes/README.md', '# Notes'],
    ['docs/notes/c.md', '# C'],
    ['package.json', '{}'],
  ])
  const { files, problems } = await docsSite({ root })
  assert.deepEqual(problems.toSorted(), [
    'README.md: there is no docs/gone.md',
    "docs/a.md: docs/notes/c.md has no section '#no'",
    'docs/a.md: there is no docs/p.webp',
    'docs/a.md: there is no docs/q.webp',
    "docs/a.md: there is no section '#upper'",
    'docs/b.md: docs/README.md does not list it',
  ])
  const page = String(files.get('b.html'))
  assert.match(page, /<h2 id="a-code-title">A <code>code<\/code> title!<\/h2>/)
  assert.match(page, /<a href="a\.html#a">A<\/a>/)
  assert.match(page, /source/)
  assert.doesNotMatch(page, /package\.json/)
  assert.match(String(files.get('notes/index.html')), /<a href="c\.html">C<\/a>/)
})

test('pages load only files of the site, and have no script or style in them', async () => {
  const { files } = await site
  for (const [path, content] of files) {
    if (!path.endsWith('.html')) continue
    const html = String(content)
    assert.doesNotMatch(html, /<script(?![^>]* src=)|<style| style=| on\w+=/, path)
    for (const [, file = ''] of html.matchAll(/<(?:script|link|img)[^>]* (?:src|href)="([^"]+)"/g)) {
      if (file !== 'data:,') assert.ok(files.has(posix.join(posix.dirname(path), file)), `${path}: ${file}`)
    }
  }
  assert.match(String(files.get('dashboard.html')), /src="pictures\/dashboard\.webp"/)
})

const section = (title: string, heading: string, text: string): Section => ({
  page: 'a.html',
  title,
  heading,
  anchor: '',
  text,
})

test('sections with all words are found, titles and whole words first', () => {
  const sections = [
    section('Files', 'Uploads', 'A reupload is an upload.'),
    section('Power', '', 'Nothing of it'),
    section('Files', 'Other', 'The uploader'),
    section('Upload', 'By hand', 'An upload'),
  ]
  const found = (text: string) => findSections(sections, wordsOf(text)).map(({ heading }) => heading)
  assert.deepEqual(found('UPLOAD'), ['By hand', 'Uploads', 'Other'])
  assert.deepEqual(found(' upload  files '), ['Uploads', 'Other'])
  assert.deepEqual([found(''), found('upload nowhere')], [[], []])
})

test('an excerpt has the searched words in it', () => {
  const text = `${'before '.repeat(30)}the Upload_Size limit${' after'.repeat(60)}`
  const parts = excerptOf(text, ['upload_size', 'limit'])
  assert.deepEqual(
    parts.filter(({ isMatch }) => isMatch).map(part => part.text),
    ['Upload_Size', 'limit'],
  )
  assert.ok(parts.map(part => part.text).join('').length < 200)
  assert.deepEqual(excerptOf('short', ['x']), [{ text: 'short', isMatch: false }])
})

test('the server has the guide below its prefix, for everyone, with the policy of its pages', async () => {
  await using rig = await startRig({
    printer: 'none',
    server: 'route_prefix: printer1',
    authorization: 'trusted_clients:',
  })
  const moved = await sendRequest(rig.port, '/printer1/docs/guide')
  assert.deepEqual([moved.status, moved.headers.location], [308, './guide/'])
  const { status, headers, body } = await sendRequest(rig.port, '/printer1/docs/guide/')
  assert.equal(status, 200)
  assertOwnFilesOnly(headers)
  assert.match(body, /<a href="\.\.\/">API<\/a>/)
  const inFolder = await sendRequest(rig.port, '/printer1/docs/guide/decisions/')
  assert.match(inFolder.body, /<a href="\.\.\/\.\.\/">API<\/a>/)
  const picture = await sendRequest(rig.port, '/printer1/docs/guide/pictures/dashboard.webp', {
    verb: 'HEAD',
  })
  assert.deepEqual([picture.status, picture.headers['content-type']], [200, 'image/webp'])
  for (const path of ['none.html', 'a/b/install.html', '..%2fhttp', '..%2f..%2fpackage.json', '__proto__']) {
    assert.equal((await sendRequest(rig.port, `/printer1/docs/guide/${path}`)).status, 404, path)
  }
  assert.equal((await sendRequest(rig.port, '/docs/guide/')).status, 404)
})

test('a workshop has the guide at its top and below each printer', async () => {
  await using rig = await startWorkshopRig({ printers: { one: { ownPort: false } } })
  for (const path of ['docs/guide/', 'one/docs/guide/install.html']) {
    assert.equal((await fetch(`${rig.url}/${path}`)).status, 200, path)
  }
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
  writeFiles(folder, (await site).files)
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
