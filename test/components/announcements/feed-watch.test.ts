import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame } from '../../support/web-client.ts'
import { FeedServer, MODIFIED, tagOf } from './feed-server.ts'
import { feed, item } from './feeds.ts'
import { Scene } from './scene.ts'

const NEWS = feed(
  `${item('arksine/moonraker/issue/2', { pubDate: 'Thu, 17 Mar 2022 00:00:00 GMT' })}${item('arksine/moonraker/issue/1')}`,
)
const ids = ({ entries }: Frame) => entries.map(({ entry_id }: Frame) => entry_id)
const infos = ({ log }: Scene) => log.filter(line => / (INFO|WARNING|ERROR) /.test(line))

test('feeds are fetched a while after the start, and clients are notified', async () => {
  await using scene = await Scene.open('subscriptions:\n  Mainsail')
  scene.web.put('moonraker', NEWS)
  scene.web.put('mainsail', feed(item('mainsail-crew/mainsail/issue/9', { category: 'high' })))
  assert.deepEqual(await scene.shown(), [])
  const [wait = 0] = scene.time.waits()
  assert.ok(wait >= 10 && wait <= 20, String(wait))
  assert.deepEqual(scene.web.taken(), [])
  await scene.look()
  const update = await scene.notified('update')
  assert.deepEqual(ids(update), [
    'arksine/moonraker/issue/2',
    'arksine/moonraker/issue/1',
    'mainsail-crew/mainsail/issue/9',
  ])
  assert.deepEqual(update.entries[2], {
    entry_id: 'mainsail-crew/mainsail/issue/9',
    url: 'https://github.com/mainsail-crew/mainsail/issue/9',
    title: 'Title',
    description: 'Words',
    priority: 'high',
    date: 1647459219,
    dismissed: false,
    date_dismissed: null,
    dismiss_wake: null,
    source: 'moonlight',
    feed: 'mainsail',
  })
  assert.deepEqual(update, await scene.call('list'))
  assert.deepEqual(update.feeds, ['moonraker', 'klipper', 'mainsail'])
  assert.deepEqual(scene.web.taken(), ['klipper', 'mainsail', 'moonraker'])
})

test('feeds are fetched about every half hour, and only if they have changed', async () => {
  await using scene = await Scene.open()
  scene.web.put('moonraker', NEWS)
  scene.web.put('klipper', feed(''))
  await scene.look()
  assert.ok(scene.web.requests.every(({ headers }) => headers['if-none-match'] === undefined))
  scene.web.taken()
  for (let round = 0; round < 5; round += 1) {
    const wait = await scene.look()
    assert.ok(wait >= 1620 && wait <= 1980, String(wait))
    for (const { feed: name, headers } of scene.web.requests) {
      assert.equal(headers['if-none-match'], tagOf(name === 'moonraker' ? NEWS : feed('')))
      assert.equal(headers['if-modified-since'], MODIFIED)
    }
    assert.deepEqual(scene.web.taken(), ['klipper', 'moonraker'])
  }
  assert.equal(scene.notifications.length, 1)
})

test('tags are stored where Moonraker stores them, and survive a restart', async () => {
  await using scene = await Scene.open()
  scene.web.put('moonraker', NEWS)
  await scene.look()
  const { namespaces } = scene.core.storage
  assert.equal(namespaces.get('moonraker', 'announcements.moonraker.etag'), tagOf(NEWS))
  await scene.restart()
  scene.web.taken()
  assert.equal((await scene.call('update')).modified, false)
  assert.equal((await scene.shown()).length, 2)
  scene.web.answer('moonraker', res => res.writeHead(200).end(NEWS))
  await scene.core.storage.namespaces.post('moonraker', 'announcements.moonraker.etag', 'line\nbreak')
  assert.equal((await scene.call('update')).modified, false)
  assert.equal(scene.core.storage.namespaces.find('moonraker', 'announcements.moonraker'), undefined)
})

test('an entry that a feed no longer contains is removed, a changed text is corrected', async () => {
  await using scene = await Scene.open()
  scene.web.put('moonraker', NEWS)
  scene.web.put('klipper', feed(item('klipper3d/klipper/issue/5')))
  await scene.look()
  await scene.notified('update')
  await scene.call('dismiss', { entry_id: 'arksine/moonraker/issue/1' })
  scene.web.put('moonraker', feed(item('arksine/moonraker/issue/1', { title: 'Other', pubDate: 'soon' })))
  assert.equal((await scene.call('update')).modified, true)
  const { entries } = await scene.notified('update')
  assert.deepEqual(
    entries.map(({ entry_id, title, dismissed, date }: Frame) => [entry_id, title, dismissed, date]),
    [
      ['arksine/moonraker/issue/1', 'Other', true, 1647459219],
      ['klipper3d/klipper/issue/5', 'Title', false, 1647459219],
    ],
  )
})

test('a feed cannot remove the announcements of another', async () => {
  await using scene = await Scene.open('subscriptions: evil')
  scene.web.put('moonraker', NEWS)
  await scene.look()
  scene.web.put('evil', feed(item('arksine/moonraker/issue/1', { title: 'Mine' })))
  assert.equal((await scene.call('update')).modified, false)
  scene.web.put('evil', feed(''))
  await scene.call('update')
  const { entries } = await scene.call('list')
  assert.deepEqual(
    entries.map(({ title }: Frame) => title),
    ['Title', 'Title'],
  )
})

/** An address where no server listens any more. */
async function goneAddress(): Promise<string> {
  await using gone = await FeedServer.start()
  return gone.address
}

test('without the internet: one line in the log, growing delays between retries, and no warning', async () => {
  await using scene = await Scene.open()
  await scene.end()
  await scene.start('', await goneAddress())
  await scene.look()
  const waits: number[] = []
  for (let round = 0; round < 8; round += 1) waits.push(await scene.look())
  for (const [index, expected] of [60, 120, 240, 480, 960, 1800, 1800, 1800].entries()) {
    const wait = waits[index]!
    assert.ok(Math.abs(wait - expected) <= expected * 0.1, `${wait} instead of ${expected}`)
  }
  assert.equal(infos(scene).length, 1, infos(scene).join('\n'))
  assert.match(infos(scene)[0]!, / INFO +announcements: .*ECONNREFUSED/)
  assert.deepEqual(scene.core.warnings.list(), [])
  assert.deepEqual(await scene.call('update'), { entries: [], modified: false })
})

test('when the internet returns, announcements arrive, and the period is half an hour again', async () => {
  await using scene = await Scene.open()
  scene.web.answer('moonraker', res => res.writeHead(503).end())
  scene.web.answer('klipper', res => res.writeHead(429).end())
  await scene.look()
  scene.web.put('moonraker', NEWS)
  scene.web.put('klipper', feed(''))
  assert.ok((await scene.look()) < 70)
  assert.equal((await scene.shown()).length, 2)
  assert.ok((await scene.look()) > 1600)
})

const bad: Readonly<Record<string, string>> = {
  'cut short': NEWS.slice(0, -30),
  'a DTD with entities': `<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>${NEWS}`,
  'a page of HTML': '<!doctype html><html><p>Please log in</html>',
  'a mebibyte': feed(' '.repeat(2 ** 20)),
  'nothing at all': '',
}

for (const [what, text] of Object.entries(bad)) {
  test(`a bad feed changes nothing: ${what}`, async () => {
    await using scene = await Scene.open()
    scene.web.put('moonraker', NEWS)
    await scene.look()
    await scene.notified('update')
    scene.web.put('moonraker', text)
    scene.web.put('klipper', feed(item('klipper3d/klipper/issue/5')))
    assert.equal((await scene.call('update')).modified, true)
    assert.equal((await scene.shown()).length, 3)
    const lines = infos(scene).length
    await scene.call('update')
    assert.equal(infos(scene).length, lines)
    assert.deepEqual(scene.core.warnings.list(), [])
    scene.web.put('moonraker', feed(''))
    assert.equal((await scene.call('update')).modified, true)
    assert.deepEqual(await scene.shown(), ['klipper3d/klipper/issue/5'])
  })
}

test('a feed without an end, or that hangs, delays no other', async () => {
  await using scene = await Scene.open('subscriptions:\n  endless\n  hangs')
  scene.web.put('moonraker', NEWS)
  scene.web.answer('endless', res => {
    const more = () => void (res.destroyed || res.write(' '.repeat(65_536), more))
    more()
  })
  scene.web.answer('hangs', res => void res.write('<rss>'))
  const update = scene.call('update', { subscriptions: 'hangs' })
  const shared = scene.call('update', { subscriptions: ['hangs'] })
  assert.equal((await scene.call('update', { subscriptions: 'moonraker, endless' })).modified, true)
  assert.equal((await scene.shown()).length, 2)
  assert.deepEqual(scene.web.taken(), ['endless', 'hangs', 'moonraker'])
  await scene.end()
  await Promise.all([update, shared])
})

test('enable_moonlight: False sends no requests', async () => {
  await using scene = await Scene.open('enable_moonlight: False')
  await scene.look()
  await scene.look()
  assert.deepEqual(await scene.call('update'), { entries: [], modified: false })
  assert.equal((await scene.call('post_feed', { name: 'fluidd' })).action, 'added')
  assert.deepEqual(scene.web.taken(), [])
})

test('a client can limit an update to some feeds', async () => {
  await using scene = await Scene.open()
  await scene.call('update', { subscriptions: ['klipper'] })
  assert.deepEqual(scene.web.taken(), ['klipper'])
  await scene.call('update', { subscriptions: Array.from({ length: 1000 }, () => 'klipper') })
  assert.deepEqual(scene.web.taken(), ['klipper'])
  await assert.rejects(scene.call('update', { subscriptions: 'klipper,nosuch' }), {
    status: 400,
    message: 'No subscription for nosuch',
  })
})
