// The documents as a site: their links, their search, and how a server sends them.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, posix } from 'node:path'
import { after, test } from 'node:test'
import { excerptOf, findSections, type Section, wordsOf } from '../../src/pages/guide/search.ts'
import { assertOwnFilesOnly } from '../support/page-policy.ts'
import { sendRequest } from '../support/raw-http.ts'
import { startRig } from '../support/rig.ts'
import { startWorkshopRig } from '../support/workshop.ts'
import { docsSite, writeFiles } from './docs-site.ts'

const FOLDER = mkdtempSync(join(tmpdir(), 'guide-'))
after(() => rmSync(FOLDER, { recursive: true, force: true }))

const site = docsSite()

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
