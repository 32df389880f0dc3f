import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FeedError, MAX_FEED_BYTES, readFeed } from '../../../src/components/announcements/feed-document.ts'
import { feed, item } from './feeds.ts'

const read = (xml: string) => readFeed(Buffer.from(xml))
/** The only item of a feed with these elements. */
async function readItem(elements: string) {
  const [only, ...more] = await read(feed(`<item><guid>a/b/issue/1</guid>${elements}</item>`))
  assert.deepEqual(more, [])
  return only!
}

test('the items of a feed, in its order', async () => {
  const high = item('arksine/moonlight/issue/2', { title: 'Two', category: 'high' })
  assert.deepEqual(await read(feed(`${high}${item('arksine/moonlight/issue/1')}`)), [
    {
      entry_id: 'arksine/moonlight/issue/2',
      url: 'https://github.com/arksine/moonlight/issue/2',
      title: 'Two',
      description: 'Words',
      priority: 'high',
      date: 1647459219,
    },
    {
      entry_id: 'arksine/moonlight/issue/1',
      url: 'https://github.com/arksine/moonlight/issue/1',
      title: 'Title',
      description: 'Words',
      priority: 'normal',
      date: 1647459219,
    },
  ])
  assert.deepEqual(await read(feed('')), [])
})

test('a byte order mark, CDATA, XML entities, and characters at the borders of chunks', async () => {
  assert.equal((await readItem('<title><![CDATA[A & B]]> &amp; C &#x1F600;</title>')).title, 'A & B & C 😀')
  const padded = `\uFEFF${feed(`<!--${'😀'.repeat(30_000)}-->${item('a/b/issue/1', { title: '😀' })}`)}`
  assert.equal((await read(padded))[0]?.title, '😀')
})

test('missing elements are empty, and items without an id are left out', async () => {
  const { title, description, url, priority, date } = await readItem('')
  assert.deepEqual([title, description, url, priority, date], ['', '', '', 'normal', null])
  const bad = ['', '<guid/>', `<guid>${'x'.repeat(300)}</guid>`, '<guid>a\u0085b</guid>']
  assert.deepEqual(await read(feed(bad.map(each => `<item>${each}</item>`).join(''))), [])
})

test('of repeated elements and items the first counts', async () => {
  assert.equal((await readItem('<title>One</title><title>Two</title>')).title, 'One')
  const twice = await read(feed(`${item('a/b', { title: 'One' })}${item('a/b', { title: 'Two' })}`))
  assert.deepEqual(
    twice.map(({ title }) => title),
    ['One'],
  )
})

test('only items of the channel count, and only elements of their own', async () => {
  const elsewhere = `<group>${item('a/b')}</group><link>https://nowhere.test</link>`
  assert.deepEqual(await read(feed(elsewhere)), [])
  assert.equal((await readItem('<media><title>Inner</title></media>')).title, '')
})

test('HTML becomes text that no page shows as HTML', async () => {
  for (const [written, expected] of [
    ['&lt;img src=x onerror=alert(1)&gt; hm', '‹img src=x onerror=alert(1)› hm'],
    ['<![CDATA[<script>alert(1)</script>]]>', '‹script›alert(1)‹/script›'],
    ['Some <b>bold</b> words', 'Some bold words'],
    ['<![CDATA[<svg/onload=alert(1)]]>', '‹svg/onload=alert(1)'],
    ['&lt;&lt;b&gt;', '<‹b›'],
    ['1 &lt; 2 &amp;&amp; 3 &gt; 2, &lt;- so', '1 < 2 && 3 > 2, <- so'],
    ['[a link](https://moonraker.readthedocs.io).', '[a link](https://moonraker.readthedocs.io).'],
    ['[x](javascript:alert(1)) ![y]( data:z)', '[x] (javascript:alert(1)) ![y] ( data:z)'],
    ['[x](&lt;javascript:alert(1)>)', '[x] (‹javascript:alert(1)›)'],
    ['[x] [x]: javascript:alert(1)', '[x] [x] : javascript:alert(1)'],
    ['[x] [x]: https://a.test', '[x] [x]: https://a.test'],
  ] as const) {
    const { title, description } = await readItem(
      `<title>${written}</title><description>${written}</description>`,
    )
    assert.deepEqual([title, description], [expected, expected])
  }
})

test('only pages of the web are linked', async () => {
  for (const [link, expected] of [
    ['https://github.com/a/b/issues/1', 'https://github.com/a/b/issues/1'],
    ['http://a.test/"&gt;&lt;b', 'http://a.test/%22%3E%3Cb'],
    ['javascript:alert(1)', ''],
    ['java&#10;script:alert(1)', ''],
    ['data:text/html,x', ''],
    ['file:///etc/passwd', ''],
    ['/relative', ''],
    [`https://a.test/${'x'.repeat(3000)}`, ''],
  ] as const) {
    assert.equal((await readItem(`<link>${link}</link>`)).url, expected)
  }
})

test('texts are bounded, at a whole character', async () => {
  const { title, description } = await readItem(
    `<title>${'t'.repeat(1000)}</title><description>${'x'.repeat(510)}😀😀</description>`,
  )
  assert.equal(title.length, 256)
  assert.equal(description, `${'x'.repeat(510)}…`)
  assert.equal((await readItem('<title>\n  two\n  lines </title>')).title, 'two lines')
})

test('items over the limit are left out', async () => {
  const many = Array.from({ length: 500 }, (_, index) => `<item><guid>a/b/${index}</guid></item>`)
  assert.equal((await read(feed(many.join('')))).length, 100)
})

test('dates', async () => {
  for (const [written, expected] of [
    ['Wed, 16 Mar 2022 19:33:39 GMT', 1647459219],
    ['Wed, 16 Mar 2022 20:33:39 +0100', 1647459219],
    ['2022-03-16T19:33:39Z', 1647459219],
    ['soon', null],
    ['', null],
  ] as const) {
    assert.equal((await readItem(`<pubDate>${written}</pubDate>`)).date, expected)
  }
})

const refused: Readonly<Record<string, [string, RegExp]>> = {
  'an empty text': ['', /root element/],
  'no XML': ['{"entries":[]}', /./],
  'cut short': [feed(item('a/b')).slice(0, -20), /unclosed/],
  'not closed as opened': ['<rss><channel></rss></channel>', /unexpected close tag/],
  'no channel': ['<rss><item><guid>a</guid></item></rss>', /no <rss> with a <channel>/],
  'a page of a captive portal': ['<html><channel/></html>', /no <rss> with a <channel>/],
  'a DTD': [`<!DOCTYPE rss>${feed(item('a/b'))}`, /document type/],
  'entities that grow': [
    `<!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>${feed('<item><guid>&b;</guid></item>')}`,
    /document type/,
  ],
  'an entity from outside': [
    `<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>${feed('<item><guid>&x;</guid></item>')}`,
    /document type/,
  ],
  'an entity without a DTD': [feed('<item><guid>&x;</guid></item>'), /undefined entity/],
  'an entity that objects have': [feed('<item><guid>&constructor;</guid></item>'), /undefined entity/],
  'a NUL': [feed('<item><guid>a\0b</guid></item>'), /disallowed character/],
  'half a surrogate pair': [feed('<item><guid>&#xD800;</guid></item>'), /character entity/],
  'a thousand levels': [`${'<rss>'.repeat(1000)}${'</rss>'.repeat(1000)}`, /deeper than 16/],
  'too long': [feed(' '.repeat(MAX_FEED_BYTES)), /longer than/],
}

for (const [what, [xml, problem]] of Object.entries(refused)) {
  test(`refused: ${what}`, async () => {
    await assert.rejects(read(xml), error => error instanceof FeedError && problem.test(error.message))
  })
}
