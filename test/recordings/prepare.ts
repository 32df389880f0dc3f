// What a recording takes for granted: state that exchanges made which are not in it.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { postJson, sendRequest } from '../support/raw-http.ts'
import type { Rig } from '../support/rig.ts'

/** Sections of the moonraker.conf that the recordings were made with. */
export const CONFIGURATION = `
[octoprint_compat]

[announcements]
dev_mode: True
subscriptions:
    mainsail

[webcam front]
location: printer
enabled: True
service: mjpegstreamer
target_fps: 15
stream_url: http://127.0.0.1:7913/webcam/?action=stream
snapshot_url: http://127.0.0.1:7913/webcam/?action=snapshot
`

const item = (key: string, value: unknown) => ({ namespace: 'golden', key, value })

/** Items of earlier exchanges, by recording. */
const ITEMS = {
  http_db: [item('k_str', 'hello'), item('k_int', { sub: 1 })],
  ws_db: [item('k_int', 5), item('k_neg', -7)],
}

function postItems(recording: keyof typeof ITEMS) {
  return async ({ port }: Rig): Promise<void> => {
    for (const each of ITEMS[recording]) await postJson(port, '/server/database/item', each)
  }
}

async function queueFiles({ port, paths }: Rig): Promise<void> {
  writeFileSync(join(paths.gcodes, 'golden_small.gcode'), 'M117 small\n')
  await postJson(port, '/server/job_queue/job', { filenames: ['golden_small.gcode', 'golden_small.gcode'] })
}

/** Files that were uploaded before, below the data folder. */
const UPLOADED = [
  'gcodes/.hidden.gcode',
  'gcodes/golden_small.gcode',
  'gcodes/.thumbs/golden_small-32x32.png',
  'gcodes/late/order.gcode',
  'gcodes/sub/dir one/part ü.gcode',
  'gcodes/zero.gcode',
  'gcodes/notes.txt',
  'config/printer.cfg',
  'logs/klippy.log',
]

/** Puts the files there, and those that copies and moves of earlier exchanges made. */
function putFiles(...made: readonly string[]) {
  return async ({ dataPath }: Rig): Promise<void> => {
    for (const path of [...UPLOADED, ...made]) {
      mkdirSync(dirname(join(dataPath, path)), { recursive: true })
      writeFileSync(join(dataPath, path), '')
    }
  }
}

/** Announcements of a developer's feed. */
async function announce({ port, dataPath }: Rig): Promise<void> {
  const item = (number: number) =>
    `<item><title>News</title><link>https://news.test</link><guid>arksine/moonraker/issue/${number}</guid></item>`
  const folder = join(dataPath, 'development', 'announcements')
  writeFileSync(join(folder, 'moonraker.xml'), `<rss><channel>${item(1)}${item(2)}</channel></rss>`)
  await postJson(port, '/server/announcements/update', {})
}

/** As well a feed that an earlier exchange added. */
async function announceAndFollow(rig: Rig): Promise<void> {
  await announce(rig)
  await postJson(rig.port, '/server/announcements/feed', { name: 'fluidd' })
}

const PREPARATIONS: Readonly<Record<string, (rig: Rig) => Promise<void>>> = {
  http_core: announceAndFollow,
  ws_core: announce,
  http_db: postItems('http_db'),
  ws_db: postItems('ws_db'),
  http_jobqueue: queueFiles,
  ws_jobqueue: queueFiles,
  ws_files: putFiles('gcodes/newdir2/copy2.gcode'),
  http_files: putFiles('gcodes/newdir/copy2.gcode', 'gcodes/newdir3/copy2.gcode'),
}

/** Brings a server into the state at the start of a recording. */
export async function prepare(recording: string, rig: Rig): Promise<void> {
  await PREPARATIONS[recording]?.(rig)
}

/** Puts the ids of queued jobs in the places of `{queued:0}` and the like. */
export async function fillIn(text: string, { port }: Rig): Promise<string> {
  if (!text.includes('{queued:')) return text
  const { json } = await sendRequest(port, '/server/job_queue/status')
  return text.replace(/\{queued:(\d+)\}/g, (_, index) => json.result.queued_jobs[Number(index)].job_id)
}
