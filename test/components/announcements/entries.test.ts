// Stored announcements: dismissals, sources, and records of the original.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame } from '../../support/web-client.ts'
import { feed, item } from './feeds.ts'
import { Scene } from './scene.ts'

const FIRST = 'arksine/moonraker/issue/1'
const SECOND = 'arksine/moonraker/issue/2'

/** A scene that has two announcements. */
async function withNews(): Promise<Scene> {
  const scene = await Scene.open()
  scene.web.put(
    'moonraker',
    feed(`${item(FIRST)}${item(SECOND, { pubDate: 'Thu, 17 Mar 2022 00:00:00 GMT' })}`),
  )
  // Not by a look, which leaves the clock between two seconds.
  await scene.call('update')
  await scene.notified('update')
  return scene
}

async function entry(scene: Scene, id: string): Promise<Frame> {
  const { entries } = await scene.call('list')
  return entries.find(({ entry_id }: Frame) => entry_id === id)
}

/** Lets time pass in steps, as it does; `fits` stops it. */
async function passUntil(scene: Scene, step: number, fits: () => boolean): Promise<void> {
  while (!fits()) {
    await scene.time.waitFor(step)
    scene.time.pass(step)
  }
}

test('dismissed for ever, over a restart', async () => {
  await using scene = await withNews()
  assert.deepEqual(await scene.call('dismiss', { entry_id: SECOND }), { entry_id: SECOND })
  assert.deepEqual(await scene.notified('dismissed'), { entry_id: SECOND })
  assert.deepEqual(await scene.shown(), [FIRST])
  await scene.restart()
  assert.deepEqual(await scene.shown(), [FIRST])
  const { dismissed, date_dismissed, dismiss_wake } = await entry(scene, SECOND)
  assert.deepEqual([dismissed, date_dismissed, dismiss_wake], [true, scene.time.now(), null])
  assert.equal((await scene.call('list')).entries.length, 2)
})

test('an entry that is dismissed for a while wakes at its time, and clients are notified', async () => {
  await using scene = await withNews()
  await scene.call('dismiss', { entry_id: FIRST, wake_time: 90 })
  await scene.call('dismiss', { entry_id: SECOND, wake_time: 600 })
  assert.equal((await entry(scene, FIRST)).dismiss_wake, scene.time.now() + 90)
  await scene.time.waitFor(90)
  scene.time.pass(89)
  assert.deepEqual(await scene.shown(), [])
  scene.time.pass(1)
  assert.deepEqual(await scene.notified('wake'), { entry_id: FIRST })
  assert.deepEqual(await scene.shown(), [FIRST])
  await scene.time.waitFor(510)
  scene.time.pass(510)
  assert.deepEqual(await scene.notified('wake'), { entry_id: SECOND })
  const { dismissed, date_dismissed, dismiss_wake } = await entry(scene, SECOND)
  assert.deepEqual([dismissed, date_dismissed, dismiss_wake], [false, null, null])
})

test('the wake time survives a restart, also if it passes while the server does not run', async () => {
  await using scene = await withNews()
  await scene.call('dismiss', { entry_id: FIRST, wake_time: 300 })
  await scene.call('dismiss', { entry_id: SECOND, wake_time: 100 })
  await scene.end()
  scene.time.pass(150)
  await scene.start()
  assert.deepEqual(await scene.shown(), [SECOND])
  await scene.time.waitFor(150)
  scene.time.pass(150)
  scene.notifications.length = 0
  assert.deepEqual(await scene.notified('wake'), { entry_id: FIRST })
})

test('a wait of weeks is split into shorter timers', async () => {
  await using scene = await withNews()
  const week = 7 * 86_400
  await scene.call('dismiss', { entry_id: FIRST, wake_time: week })
  await scene.call('dismiss', { entry_id: SECOND, wake_time: 100 * 365 * 86_400 })
  const woken = () => scene.notifications.some(({ method }) => method === 'notify_announcement_wake')
  await scene.restart('enable_moonlight: False')
  await passUntil(scene, 600, woken)
  assert.deepEqual(await scene.notified('wake'), { entry_id: FIRST })
  assert.deepEqual(await scene.shown(), [FIRST])
})

test('the latest dismissal counts', async () => {
  await using scene = await withNews()
  await scene.call('dismiss', { entry_id: FIRST, wake_time: 60 })
  await scene.call('dismiss', { entry_id: FIRST, wake_time: null })
  assert.equal((await entry(scene, FIRST)).dismiss_wake, null)
  await scene.call('dismiss', { entry_id: FIRST, wake_time: 0 })
  scene.time.pass(0)
  await scene.notified('wake')
  assert.equal((await entry(scene, FIRST)).dismissed, false)
})

test('invalid dismissals are rejected', async () => {
  await using scene = await withNews()
  await assert.rejects(scene.call('dismiss', { entry_id: 'nope/1' }), {
    status: 400,
    message: 'No key matching entry id: nope/1',
  })
  for (const params of [
    {},
    { entry_id: FIRST, wake_time: -1 },
    { entry_id: FIRST, wake_time: 1e15 },
    { entry_id: FIRST, wake_time: 'soon' },
  ]) {
    await assert.rejects(scene.call('dismiss', params), { status: 400 })
  }
  assert.equal((await scene.shown()).length, 2)
})

test('simultaneous dismissals and updates', async () => {
  await using scene = await withNews()
  const all = [FIRST, SECOND].map(entry_id => scene.call('dismiss', { entry_id }))
  scene.web.put('moonraker', feed(item(FIRST)))
  await Promise.all([...all, scene.call('update')])
  await scene.restart()
  const { entries } = await scene.call('list')
  assert.deepEqual(
    entries.map(({ entry_id, dismissed }: Frame) => [entry_id, dismissed]),
    [[FIRST, true]],
  )
})

test('announcements are stored in the form of the original', async () => {
  await using scene = await withNews()
  await scene.call('dismiss', { entry_id: FIRST, wake_time: 60 })
  const { namespaces } = scene.core.storage
  assert.deepEqual(namespaces.keys('announcements'), ['000000', '000001'])
  const now = scene.time.now()
  assert.deepEqual(namespaces.get('announcements', '000000'), {
    entry_id: FIRST,
    url: `https://github.com/${FIRST}`,
    title: 'Title',
    description: 'Words',
    priority: 'normal',
    date: 1647459219,
    dismissed: true,
    date_dismissed: now,
    dismiss_wake: now + 60,
    source: 'moonlight',
    feed: 'moonraker',
  })
})

test('records of the original are used: keys, dismissals, feeds; invalid records are ignored', async () => {
  await using scene = await Scene.open()
  const { namespaces } = scene.core.storage
  const kept = (id: string, more: object = {}) => ({
    entry_id: id,
    url: null,
    title: null,
    description: 'Written <b>so</b>',
    priority: null,
    date: 1647459219.0,
    dismissed: true,
    date_dismissed: 1669000000.5,
    dismiss_wake: null,
    source: 'moonlight',
    feed: 'Moonraker',
    ...more,
  })
  await namespaces.postAll(
    'announcements',
    new Map<string, unknown>([
      ['00000F', kept(FIRST)],
      ['0000A0', kept(SECOND, { dismiss_wake: scene.time.now() - 5 })],
      ['0000A1', kept('simplyprint/2022-03-16T19:33:39', { source: 'internal', feed: 'simplyprint' })],
      ['odd', 'text'],
      ['worse', { entry_id: [] }],
    ]),
  )
  await namespaces.post('moonraker', 'announcements.stored_feeds', ['fluidd', '../../etc/passwd', 7])
  scene.web.put('moonraker', feed(`${item(FIRST)}${item(SECOND)}${item('arksine/moonraker/issue/3')}`))
  await scene.restart()
  assert.deepEqual((await scene.call('feeds')).feeds, ['moonraker', 'klipper', 'fluidd', '7'])
  const { url, title, priority, dismissed } = await entry(scene, FIRST)
  assert.deepEqual([url, title, priority, dismissed], ['', '', 'normal', true])
  assert.equal((await entry(scene, SECOND)).dismissed, false)
  await scene.look()
  assert.equal((await entry(scene, FIRST)).dismissed, true)
  assert.equal((await entry(scene, FIRST)).title, 'Title')
  const { namespaces: after } = scene.core.storage
  assert.deepEqual(after.keys('announcements'), ['00000F', '0000A0', '0000A1', '0000A2', 'odd', 'worse'])
  assert.equal((after.get('announcements', '0000A2') as Frame).entry_id, 'arksine/moonraker/issue/3')
})

test('entries of feeds without a subscription are removed, dismissed or not', async () => {
  await using scene = await Scene.open('subscriptions: mainsail')
  scene.web.put('mainsail', feed(`${item(FIRST)}${item(SECOND)}`))
  await scene.look()
  await scene.notified('update')
  await scene.call('dismiss', { entry_id: FIRST })
  await scene.restart()
  await scene.look()
  assert.deepEqual((await scene.notified('update')).entries, [])
  assert.deepEqual(scene.core.storage.namespaces.keys('announcements'), [])
})
