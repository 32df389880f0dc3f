// Uploads by OctoPrint's route: what is done with the file, and the reply.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Reply, sendRequest } from '../../support/raw-http.ts'
import { BOUNDARY, formBody, type Part } from '../files/form.ts'
import { get, post, Scene, type Target } from './octo-rig.ts'

const TYPE = { 'Content-Type': `multipart/form-data; boundary=${BOUNDARY}` }

/** Sends a form with a file and further fields. */
function upload({ port }: Target, filename: string, fields: Record<string, string> = {}): Promise<Reply> {
  const texts: Part[] = Object.entries(fields).map(([name, body]) => ({ name, body }))
  const body = formBody([...texts, { filename, body: 'G28\n' }])
  return sendRequest(port, '/api/files/local', { verb: 'POST', headers: TYPE, body })
}

test('the reply is that of Moonraker and that of OctoPrint', async () => {
  await using scene = await Scene.open()
  const reply = await upload(scene, 'ä 1.gcode', { path: 'sub' })
  assert.equal(reply.status, 201, reply.body)
  const { item, ...rest } = reply.json
  const { modified, ...place } = item
  assert.deepEqual(place, { path: 'sub/ä 1.gcode', root: 'gcodes', size: 4, permissions: 'rw' })
  assert.ok(modified > 0)
  const path = `sub/${encodeURIComponent('ä 1.gcode')}`
  assert.deepEqual(rest, {
    action: 'create_file',
    print_started: false,
    print_queued: false,
    done: true,
    effectiveSelect: false,
    effectivePrint: false,
    files: {
      local: {
        name: 'ä 1.gcode',
        display: 'ä 1.gcode',
        path: 'sub/ä 1.gcode',
        origin: 'local',
        refs: {
          resource: `${scene.rig.url}/api/files/local/${path}`,
          download: `${scene.rig.url}/server/files/gcodes/${path}`,
        },
      },
    },
  })
  assert.equal(reply.headers.location, `/api/files/moonraker/gcodes/${path}`)
  assert.equal(readFileSync(join(scene.rig.paths.gcodes, 'sub', 'ä 1.gcode'), 'utf8'), 'G28\n')
  assert.deepEqual(scene.scripts, [])
})

test('select chooses the file for the job, print prints it', async () => {
  await using scene = await Scene.open()
  const chosen = await upload(scene, 'a.gcode', { select: 'true' })
  assert.deepEqual([chosen.json.effectiveSelect, chosen.json.effectivePrint], [true, false])
  assert.equal((await get(scene, '/api/job')).job.file.name, 'a.gcode')
  assert.deepEqual(scene.scripts, [])
  const printed = await upload(scene, 'b.gcode', { select: 'true', print: 'true' })
  assert.deepEqual([printed.json.effectiveSelect, printed.json.effectivePrint], [true, true])
  assert.equal(printed.json.print_started, true)
  assert.deepEqual(scene.scripts, ['SDCARD_PRINT_FILE FILENAME="b.gcode"'])
  await scene.printing('b.gcode')
  const late = await upload(scene, 'c.gcode', { print: 'true' })
  assert.equal(late.status, 201)
  assert.deepEqual([late.json.effectivePrint, late.json.print_queued], [false, false])
})

test('a file is printed by the command select as well, or is put in line', async () => {
  await using scene = await Scene.open({
    files: ['a.gcode', 'b.gcode'],
    conf: '[file_manager]\nqueue_gcode_uploads: True\n',
  })
  const select = (name: string) =>
    post(scene, `/api/files/moonraker/gcodes/${name}`, { command: 'select', print: true })
  const reply = await select('a.gcode')
  assert.deepEqual([reply.status, reply.body], [204, ''])
  assert.deepEqual(scene.scripts, ['SDCARD_PRINT_FILE FILENAME="a.gcode"'])
  await scene.printing('a.gcode')
  assert.equal((await select('b.gcode')).status, 204)
  const { queued_jobs } = (await get(scene, '/server/job_queue/status')).result
  assert.deepEqual(
    queued_jobs.map(({ filename }: { readonly filename: string }) => filename),
    ['b.gcode'],
  )
  assert.equal((await select('none.gcode')).status, 404)
})

test('without a queue a busy printer is a conflict', async () => {
  await using scene = await Scene.open({ files: ['a.gcode'] })
  await scene.printing('b.gcode')
  const reply = await post(scene, '/api/files/local/a.gcode', { command: 'select', print: true })
  assert.deepEqual([reply.status, reply.json.error.message], [409, "'a.gcode' cannot be printed now"])
})

test('what is refused elsewhere is refused here', async () => {
  await using scene = await Scene.open()
  assert.equal((await upload(scene, 'a.gcode', { root: 'logs' })).status, 403)
  assert.equal((await upload(scene, 'a.gcode', { checksum: '00' })).status, 422)
  assert.equal((await upload(scene, '../../evil.gcode')).status, 400)
  const headers = { ...TYPE, Origin: 'http://evil.test' }
  const body = formBody([{ filename: 'a.gcode', body: 'G28' }])
  assert.equal(
    (await sendRequest(scene.port, '/api/files/local', { verb: 'POST', headers, body })).status,
    403,
  )
  assert.equal(
    (await sendRequest(scene.port, '/api/files/sdcard', { verb: 'POST', headers: TYPE, body })).status,
    404,
  )
  const noForm = await sendRequest(scene.port, '/api/files/local', { verb: 'POST', body: '{}' })
  assert.equal(noForm.status, 400)
  assert.ok(!existsSync(join(scene.rig.paths.gcodes, 'a.gcode')))
})

test('the reply about a file of another root contains its root', async () => {
  await using scene = await Scene.open()
  const reply = await upload(scene, 'extra.cfg', { root: 'config', print: 'true', select: 'true' })
  assert.equal(reply.status, 201, reply.body)
  assert.deepEqual([reply.json.effectiveSelect, reply.json.effectivePrint], [false, false])
  assert.equal(reply.headers.location, '/api/files/moonraker/config/extra.cfg')
  const { refs } = reply.json.files.local
  assert.equal((await fetch(refs.download)).status, 200)
})
