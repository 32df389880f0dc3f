// The component in a whole server, with the feeds of a developer's folder.
import assert from 'node:assert/strict'
import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { DataPaths } from '../../../src/core/paths.ts'
import { postJson, sendRequest } from '../../support/raw-http.ts'
import { startRig } from '../../support/rig.ts'
import { type Frame, WebClient } from '../../support/web-client.ts'
import { feed, item } from './feeds.ts'

const FIRST = 'arksine/moonraker/issue/1'

let writes = 0

function put({ data }: Pick<DataPaths, 'data'>, name: string, text: string): string {
  const folder = join(data, 'development', 'announcements')
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${name}.xml`)
  writeFileSync(file, text)
  // Two quick writes may have the same time in the file system.
  writes += 1
  utimesSync(file, 1_700_000_000 + writes, 1_700_000_000 + writes)
  return file
}

const start = () =>
  startRig({
    printer: 'none',
    conf: '[announcements]\ndev_mode: True\nsubscriptions:\n  mainsail',
    prepare: paths => put(paths, 'moonraker', feed(item(FIRST, { title: 'First &amp; foremost' }))),
  })

test('dev_mode: the feeds of the folder are available from the start', async () => {
  await using rig = await start()
  const { json } = await sendRequest(rig.port, '/server/announcements/list')
  const [entry, ...more] = json.result.entries
  assert.deepEqual(
    [entry.entry_id, entry.title, entry.source, more],
    [FIRST, 'First & foremost', 'moonlight', []],
  )
  assert.deepEqual(json.result.feeds, ['moonraker', 'klipper', 'mainsail'])
  const { json: info } = await sendRequest(rig.port, '/server/info')
  assert.ok(info.result.components.includes('announcements'))
  assert.deepEqual(info.result.warnings, [])
})

test('dev_mode: changed files are read again, invalid ones are ignored', async () => {
  await using rig = await start()
  using client = await WebClient.open(rig.url)
  const update = async (): Promise<[boolean, string[]]> => {
    const { result } = await client.call('server.announcements.update')
    return [result.modified, result.entries.map(({ entry_id }: Frame) => entry_id)]
  }
  assert.deepEqual(await update(), [false, [FIRST]])
  const file = put({ data: rig.dataPath }, 'mainsail', feed(item('mainsail-crew/mainsail/issue/1')))
  assert.deepEqual(await update(), [true, [FIRST, 'mainsail-crew/mainsail/issue/1']])
  const { params } = await client.notified('notify_announcement_update')
  assert.equal(params[0].entries.length, 2)
  put({ data: rig.dataPath }, 'mainsail', '<rss><channel>')
  put({ data: rig.dataPath }, 'moonraker', feed(' '.repeat(300_000)))
  assert.equal((await update())[1].length, 2)
  assert.equal(
    rig.log.filter(line => / INFO .*announcements: feed (mainsail|moonraker): /.test(line)).length,
    2,
  )
  rmSync(file)
  mkdirSync(file)
  assert.equal((await update())[1].length, 2)
  put({ data: rig.dataPath }, 'moonraker', feed(''))
  assert.deepEqual(await update(), [true, ['mainsail-crew/mainsail/issue/1']])
})

test('the reply is sent before the notification that the request causes', async () => {
  await using rig = await start()
  using client = await WebClient.open(rig.url)
  const dismissed = await client.call('server.announcements.dismiss', { entry_id: FIRST, wake_time: 600 })
  await client.notified('notify_announcement_dismissed')
  put({ data: rig.dataPath }, 'fluidd', feed(item('fluidd-core/fluidd/issue/1')))
  const added = await client.call('server.announcements.post_feed', { name: 'fluidd' })
  await client.notified('notify_announcement_update')
  const removed = await client.call('server.announcements.delete_feed', { name: 'fluidd' })
  await client.notified('notify_announcement_update', 2)
  const order = client.frames.filter(frame => 'id' in frame || /announcement/.test(frame.method))
  assert.deepEqual(
    order.map(({ id, method }) => method ?? id),
    [
      dismissed.id,
      'notify_announcement_dismissed',
      added.id,
      'notify_announcement_update',
      removed.id,
      'notify_announcement_update',
    ],
  )
})

test('over HTTP, as clients write it', async () => {
  await using rig = await start()
  const { port } = rig
  const post = (path: string) => sendRequest(port, `/server/announcements/${path}`, { verb: 'POST' })
  const id = encodeURIComponent(FIRST)
  assert.equal((await post(`dismiss?entry_id=${id}&wake_time=600`)).json.result.entry_id, FIRST)
  const { json: shown } = await sendRequest(port, '/server/announcements/list?include_dismissed=false')
  assert.deepEqual(shown.result.entries, [])
  assert.equal((await postJson(port, '/server/announcements/dismiss', { entry_id: FIRST })).status, 200)
  assert.equal((await post('update?subscriptions=klipper,moonraker')).json.result.modified, false)
  assert.equal((await post('update?subscriptions=nosuch')).reason, 'No subscription for nosuch')
  assert.equal((await post('feed?name=moontest')).json.result.action, 'added')
  const deleted = await sendRequest(port, '/server/announcements/feed?name=moontest', { verb: 'DELETE' })
  assert.equal(deleted.json.result.action, 'removed')
  assert.equal((await post('dismiss')).reason, 'No data for argument: entry_id')
})
