// Requests that come when the server listens and its components have not started yet: they get what later ones get.
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { timelapse as chapter } from '../../src/api/timelapse.ts'
import { component } from '../../src/component/component.ts'
import { callMethod } from '../../src/rpc/call-method.ts'
import type { Registry } from '../../src/rpc/registry.ts'
import { startRig } from '../support/rig.ts'

const CONF = `[timelapse]
output_path: {data}/videos
frame_path: {data}/frames
[update_manager]
enable_auto_refresh: False
[update_manager pages]
type: web
repo: someone/pages
path: {data}/pages
`

async function replies(registry: Registry) {
  const call = { registry }
  const [info, roots, videos, frames, last, status] = await Promise.all([
    callMethod(call, 'server.info', {}),
    callMethod(call, 'server.files.roots', {}),
    callMethod(call, 'server.files.list', { root: 'timelapse' }),
    callMethod(call, 'server.files.get_directory', { path: 'timelapse_frames' }),
    callMethod(call, 'machine.timelapse.lastframeinfo', {}),
    callMethod(call, 'machine.update.status', {}),
  ])
  return {
    registered: info.registered_directories,
    roots,
    videos: videos.map(({ path }) => path),
    frames: frames.files.map(({ filename }) => filename),
    last,
    updates: Object.keys(status.version_info),
  }
}

test('requests before the start of a component wait for it', async () => {
  const early = Promise.withResolvers<Awaited<ReturnType<typeof replies>>>()
  let registry: Registry | undefined
  const first = component({
    section: 'first',
    presence: 'always',
    options: {},
    create({ core }) {
      registry = core.registry
      core.events.on('server:listening', () => early.resolve(replies(core.registry)))
      return {}
    },
  })
  await using rig = await startRig({
    printer: 'none',
    conf: CONF,
    components: [first],
    prepare: ({ data }) => {
      for (const folder of ['videos', 'frames/print-000007', 'pages'])
        mkdirSync(join(data, folder), { recursive: true })
      const release = { project_owner: 'someone', project_name: 'pages', version: 'v1.0.0' }
      writeFileSync(join(data, 'pages', 'release_info.json'), JSON.stringify(release))
      writeFileSync(join(data, 'videos', 'part.mp4'), 'x')
      writeFileSync(join(data, 'frames/print-000007', 'frame000001.jpg'), 'x')
    },
  })
  const found = await early.promise
  assert.deepEqual(found, await replies(registry as Registry))
  assert.deepEqual(found.videos, ['part.mp4'])
  assert.equal(found.last.framecount, 1)
  assert.ok(found.updates.includes('pages'))
  assert.ok(found.roots.some(({ path }) => path === join(rig.dataPath, 'frames/print-000007')))
})

test('requests that wait for a component that fails are rejected', async () => {
  const early = Promise.withResolvers<unknown>()
  const failing = component({
    section: 'failing',
    presence: 'always',
    options: {},
    create({ core, scope, serveAfterStart }) {
      core.events.on('server:listening', () =>
        early.resolve(callMethod(core, 'machine.timelapse.cancel', {}).catch((error: unknown) => error)),
      )
      scope.use(serveAfterStart(chapter, { 'machine.timelapse.cancel': () => ({ cancelled: 0 }) } as never))
      return {
        start() {
          throw new Error('it cannot start')
        },
      }
    },
  })
  await using _rig = await startRig({ printer: 'none', components: [failing] })
  const error = await early.promise
  assert.deepEqual(
    [(error as { status: number }).status, (error as Error).message],
    [503, 'The component [failing] does not work: see the warnings'],
  )
})
