// Feeds that clients add and remove, and those of components.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame } from '../../support/web-client.ts'
import { feed, item } from './feeds.ts'
import { Scene } from './scene.ts'

const names = async (scene: Scene): Promise<string[]> => (await scene.call('feeds')).feeds

test('a feed is added, fetched at once, and kept', async () => {
  await using scene = await Scene.open()
  scene.web.put('my_feed', feed(item('me/mine/issue/1')))
  assert.deepEqual(await scene.call('post_feed', { name: 'My_Feed' }), { feed: 'my_feed', action: 'added' })
  assert.deepEqual(await scene.shown(), ['me/mine/issue/1'])
  assert.deepEqual((await scene.notified('update')).feeds, ['moonraker', 'klipper', 'my_feed'])
  for (const name of ['my_feed', 'MOONRAKER']) {
    assert.equal((await scene.call('post_feed', { name })).action, 'skipped')
  }
  const { namespaces } = scene.core.storage
  assert.deepEqual(namespaces.get('moonraker', 'announcements.stored_feeds'), ['my_feed'])
  await scene.restart()
  assert.deepEqual(await names(scene), ['moonraker', 'klipper', 'my_feed'])
})

test('a removed feed has no announcements, and all of them when it is added again', async () => {
  await using scene = await Scene.open()
  scene.web.put('my_feed', feed(item('me/mine/issue/1')))
  scene.web.put('moonraker', feed(item('arksine/moonraker/issue/1')))
  await scene.call('post_feed', { name: 'my_feed' })
  await scene.look()
  await scene.notified('update')
  await scene.notified('update')
  assert.deepEqual(await scene.call('delete_feed', { name: 'MY_feed' }), {
    feed: 'my_feed',
    action: 'removed',
  })
  assert.equal((await scene.notified('update')).entries.length, 1)
  assert.deepEqual(await scene.shown(), ['arksine/moonraker/issue/1'])
  await scene.restart()
  assert.deepEqual(await names(scene), ['moonraker', 'klipper'])
  await scene.call('post_feed', { name: 'my_feed' })
  assert.equal((await scene.shown()).length, 2)
})

test('a feed that is removed while it is being fetched leaves no announcements', async () => {
  await using scene = await Scene.open()
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  scene.web.answer('my_feed', res => {
    void released.then(() => res.end(feed(item('me/mine/issue/1'))))
  })
  const added = scene.call('post_feed', { name: 'my_feed' })
  await scene.until(() => scene.web.requests.length === 1)
  await scene.call('delete_feed', { name: 'my_feed' })
  release()
  assert.equal((await added).action, 'added')
  assert.deepEqual(await scene.shown(), [])
  scene.web.put('my_feed', feed(item('me/mine/issue/1')))
  await scene.call('post_feed', { name: 'my_feed' })
  assert.deepEqual(await scene.shown(), ['me/mine/issue/1'])
})

test('a feed that is removed and added again at the same time is there, with its announcements', async () => {
  await using scene = await Scene.open()
  scene.web.put('my_feed', feed(item('me/mine/issue/1')))
  await scene.call('post_feed', { name: 'my_feed' })
  await Promise.all([
    scene.call('delete_feed', { name: 'my_feed' }),
    scene.call('post_feed', { name: 'my_feed' }),
  ])
  await scene.call('update')
  assert.deepEqual(await names(scene), ['moonraker', 'klipper', 'my_feed'])
  assert.deepEqual(await scene.shown(), ['me/mine/issue/1'])
})

test('a subscription that is removed from the configuration and added again has its announcements', async () => {
  await using scene = await Scene.open('subscriptions: mainsail')
  scene.web.put('mainsail', feed(item('mainsail-crew/mainsail/issue/1')))
  await scene.look()
  await scene.notified('update')
  await scene.restart()
  await scene.look()
  assert.deepEqual((await scene.notified('update')).entries, [])
  await scene.restart('subscriptions: mainsail')
  await scene.look()
  assert.deepEqual(await scene.shown(), ['mainsail-crew/mainsail/issue/1'])
})

test('announcements of feeds with invalid names are removed, and no others', async () => {
  await using scene = await Scene.open()
  await scene.call('post_feed', { name: 'my_feed' })
  const { namespaces } = scene.core.storage
  for (const [index, name] of ['', 'stored_feeds', '..', 'My Feed'].entries()) {
    await namespaces.post('announcements', `00000${index}`, { entry_id: `odd/${index}`, feed: name })
  }
  await scene.restart()
  assert.equal((await scene.call('list')).entries.length, 4)
  await scene.look()
  assert.deepEqual((await scene.call('list')).entries, [])
  await scene.restart()
  assert.deepEqual(await names(scene), ['moonraker', 'klipper', 'my_feed'])
})

test('only feeds that clients added can be removed', async () => {
  await using scene = await Scene.open('subscriptions: mainsail')
  for (const name of ['mainsail', 'moonraker', 'nosuch']) {
    const message = `Feed '${name}' not stored`
    await assert.rejects(scene.call('delete_feed', { name }), { status: 400, message })
  }
  await scene.call('post_feed', { name: 'fluidd' })
  await scene.restart('subscriptions:\n  mainsail\n  fluidd')
  await assert.rejects(scene.call('delete_feed', { name: 'fluidd' }), {
    status: 400,
    message: "Feed 'fluidd' exists in the configuration, cannot remove",
  })
})

test('invalid names and too many feeds are rejected', async () => {
  await using scene = await Scene.open('enable_moonlight: False')
  for (const name of [
    '',
    'stored_feeds',
    'announcements',
    '../secret',
    'a/b',
    '.hidden',
    'a b',
    'ü',
    'x'.repeat(65),
    'a\0b',
    '%2e%2e',
  ]) {
    await assert.rejects(scene.call('post_feed', { name }), { status: 400 })
  }
  for (let index = 0; index < 98; index += 1) await scene.call('post_feed', { name: `feed${index}` })
  await assert.rejects(scene.call('post_feed', { name: 'onemore' }), {
    status: 400,
    message: "Feed 'onemore' cannot be added: there are 100 already",
  })
})

test('the configuration: names in any case, each once; an invalid name causes a warning', async () => {
  await using scene = await Scene.open('subscriptions:\n  MainSail\n  klipper\n  mainsail\n  no name')
  assert.deepEqual(await names(scene), ['moonraker', 'klipper', 'mainsail'])
  assert.match(scene.core.warnings.list().join(), /\[announcements\] subscriptions: 'no name'/)
})

test('a component in use adds its feed, before the first update or later', async () => {
  await using scene = await Scene.open()
  await scene.service.followFeed('spoolman')
  scene.web.put('spoolman', feed(item('donkie/spoolman/issue/1')))
  await scene.look()
  assert.deepEqual(scene.web.taken(), ['klipper', 'moonraker', 'spoolman'])
  scene.web.put('octoeverywhere', feed(item('quinndamerell/octoeverywhere/issue/1')))
  await scene.notified('update')
  await scene.service.followFeed('octoeverywhere')
  assert.equal((await scene.notified('update')).entries.length, 2)
  await scene.restart()
  await scene.service.followFeed('spoolman')
  await scene.look()
  assert.deepEqual(await scene.shown(), ['donkie/spoolman/issue/1'])
})

const SUDO = {
  entry_id: 'machine/sudo',
  title: 'A password is needed',
  description: 'Let it continue.',
  url: 'http://printer.local:7125/',
  priority: 'high',
  feed: 'machine',
} as const

test('a component raises an announcement and settles it', async () => {
  await using scene = await Scene.open()
  const { service } = scene
  await service.raise(SUDO)
  const { entries } = await scene.notified('update')
  assert.deepEqual(entries, [
    {
      ...SUDO,
      date: scene.time.now(),
      dismissed: false,
      date_dismissed: null,
      dismiss_wake: null,
      source: 'internal',
    },
  ])
  await scene.restart()
  await scene.look()
  assert.deepEqual(await scene.shown(), ['machine/sudo'])
  await scene.service.settle('machine/nosuch')
  await scene.service.settle('machine/sudo')
  assert.deepEqual((await scene.notified('update')).entries, [])
})

test('an entry that is raised again stays dismissed, unless its text differs', async () => {
  await using scene = await Scene.open()
  const { service } = scene
  await service.raise(SUDO)
  await scene.notified('update')
  await scene.call('dismiss', { entry_id: 'machine/sudo' })
  await service.raise(SUDO)
  await service.raise({ ...SUDO, title: 'Again' })
  const { entries } = await scene.notified('update')
  assert.deepEqual(
    entries.map(({ title, dismissed }: Frame) => [title, dismissed]),
    [['Again', false]],
  )
})

test('an announcement of a component is shown as text, not as HTML', async () => {
  await using scene = await Scene.open()
  const raised = { ...SUDO, title: '<b>', description: 'Service <img src=x onerror=alert(1)>' }
  await scene.service.raise(raised)
  const [entry] = (await scene.notified('update')).entries
  assert.deepEqual([entry.title, entry.description], ['‹b›', 'Service ‹img src=x onerror=alert(1)›'])
  await scene.call('dismiss', { entry_id: SUDO.entry_id })
  await scene.service.raise(raised)
  // Arrives after the announcement.
  await assert.rejects(scene.call('dismiss', { entry_id: 'nosuch' }), { status: 400 })
  assert.deepEqual(await scene.shown(), [])
})

test('no feed removes or overwrites the announcement of a component', async () => {
  await using scene = await Scene.open()
  await scene.service.raise(SUDO)
  await scene.notified('update')
  scene.web.put('moonraker', feed(item('machine/sudo', { title: 'Mine' })))
  assert.equal((await scene.call('update')).modified, false)
  assert.equal((await scene.call('list')).entries[0].title, SUDO.title)
})
