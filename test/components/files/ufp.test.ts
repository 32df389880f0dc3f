// Cura's packages: the server extracts the G-code and the picture, and nothing else.
import assert from 'node:assert/strict'
import { readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Rig, startRig } from '../../support/rig.ts'
import { MODEL, PNG, THUMBNAIL, zipOf } from './cura-package.ts'
import { upload } from './form.ts'
import { listFiles } from './list-files.ts'

const refusedAs = async (rig: Rig, body: Buffer, message: RegExp) => {
  const reply = await upload(rig.port, 'part.ufp', body)
  assert.equal(reply.status, 400, reply.body)
  assert.match(reply.json.error.message, message)
  assert.deepEqual(listFiles(rig.paths.gcodes), [])
}

test('a package becomes its G-code, with the picture where the metadata scan reads it', async () => {
  await using rig = await startRig({ printer: 'none' })
  const others = { '/Materials/x.xml.fdm_material': '<a/>', '../../evil': 'x', '/Metadata/evil.png': 'x' }
  const body = await zipOf({ [THUMBNAIL]: PNG, ...others, [MODEL]: ';FLAVOR:Marlin\nG28\n' })
  const reply = await upload(rig.port, 'Part One.UFP', body, { path: 'sub' })
  assert.equal(reply.status, 201, reply.body)
  assert.equal(reply.json.item.path, 'sub/Part One.gcode')
  assert.equal(reply.json.action, 'create_file')
  const { gcodes } = rig.paths
  assert.equal(readFileSync(join(gcodes, 'sub', 'Part One.gcode'), 'utf8'), ';FLAVOR:Marlin\nG28\n')
  assert.deepEqual(readFileSync(join(gcodes, 'sub', '.thumbs', 'Part One.png')), PNG)
  const names = listFiles(gcodes).filter(name => !/-\d+x\d+\.png$/.test(name))
  assert.deepEqual(names, ['sub/', 'sub/.thumbs/', 'sub/.thumbs/Part One.png', 'sub/Part One.gcode'])
  assert.ok(!listFiles(rig.dataPath).some(name => name.includes('evil')))
})

test('the picture is not written to where the caller may not write', async () => {
  await using rig = await startRig({ printer: 'none' })
  symlinkSync(rig.paths.logs, join(rig.paths.gcodes, '.thumbs'))
  const body = await zipOf({ [THUMBNAIL]: PNG, [MODEL]: 'G28\n' })
  assert.equal((await upload(rig.port, 'a.ufp', body)).status, 201)
  assert.ok(!listFiles(rig.paths.logs).includes('a.png'))
  assert.ok(rig.log.some(line => line.includes('the picture of a.gcode was not stored')))
})

test('without a picture, without the slash, and in another root', async () => {
  await using rig = await startRig({ printer: 'none' })
  const body = await zipOf({ '3D/model.gcode': 'G28\n' })
  assert.equal((await upload(rig.port, 'a.ufp', body)).json.item.path, 'a.gcode')
  assert.deepEqual(listFiles(rig.paths.gcodes), ['a.gcode'])
  assert.equal((await upload(rig.port, 'a.ufp', body, { root: 'config' })).json.item.path, 'a.ufp')
  assert.deepEqual(readFileSync(join(rig.paths.config, 'a.ufp')), body)
})

test('a file that is not a package, or a damaged one, is rejected and leaves nothing', async () => {
  await using rig = await startRig({ printer: 'none' })
  const whole = await zipOf({ [MODEL]: 'G28\n'.repeat(1000), [THUMBNAIL]: PNG })
  await refusedAs(rig, Buffer.from('G28\n'), /cannot be read/)
  await refusedAs(rig, Buffer.alloc(0), /cannot be read/)
  await refusedAs(rig, whole.subarray(0, whole.length - 30), /cannot be read/)
  await refusedAs(rig, await zipOf({ 'model.gcode': 'G28' }), /contains no G-code/)
  const damaged = Buffer.from(whole)
  damaged.fill(0xff, 60, 70)
  await refusedAs(rig, damaged, /cannot be read/)
})

test('zip bombs are rejected before they are unpacked', async () => {
  await using rig = await startRig({ printer: 'none', server: 'max_upload_size: 2' })
  await refusedAs(rig, await zipOf({ [MODEL]: Buffer.alloc(1_500_000) }), /too large when unpacked/)
  await refusedAs(rig, await zipOf({ [MODEL]: 'x'.repeat(3_000_000) }), /too large when unpacked/)
  const entries = Array.from({ length: 1001 }, (_, index) => [`f${index}`, 'x'])
  await refusedAs(rig, await zipOf(Object.fromEntries([...entries, [MODEL, 'G28']])), /too many entries/)
  // The zip directory has a smaller size than the entry.
  const liar = await zipOf({ [MODEL]: 'x'.repeat(100_000) })
  const size = Buffer.alloc(4)
  size.writeUInt32LE(100_000)
  for (let at = liar.indexOf(size); at !== -1; at = liar.indexOf(size, at + 1)) liar.writeUInt32LE(10, at)
  await refusedAs(rig, liar, /cannot be read/)
})
