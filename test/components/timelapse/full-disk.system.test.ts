// A full disk while a print takes frames, and while its video and archive are made: the print goes on, what is announced is
// whole, and all works again when there is space.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { endOfPicture } from '../../../src/components/timelapse/jpeg.ts'
import { FakeKlippy } from '../../support/fake-klippy.ts'
import { LazyDisk, withoutLazyDisk } from '../../support/lazy-disk/lazy-disk.ts'
import { Bench } from './bench.ts'
import { RELEASE } from './scene.ts'
import { TestCamera } from './test-camera.ts'

const PRINTING = {
  state: 'printing',
  filename: 'cube.gcode',
  total_duration: 0,
  print_duration: 0,
  filament_used: 0,
  message: '',
}
const FULL = /full|space/
/** Changes of the disk before it is full: the last ones are more than a frame needs. */
const CHANGES = [0, 1, 2, 3, 8]

test('a full disk', { skip: withoutLazyDisk }, async t => {
  await using klippy = await FakeKlippy.start()
  await using camera = await TestCamera.start()
  klippy.change('print_stats', { ...PRINTING, state: 'standby', filename: '' })
  klippy.change('gcode_macro TIMELAPSE_TAKE_FRAME', { enable: true, takingframe: false, is_paused: false })
  await using bench = new Bench(klippy, camera)
  using disk = new LazyDisk(bench.folder)
  const client = await bench.start(disk.environment)

  /** Resolves with the next event of an action, apart from progress, after `trigger`. */
  const eventAfter = async (action: string, trigger: () => unknown) => {
    const from = client.frames.length
    void trigger()
    const { params } = await client.find(
      ({ method, params }, index) =>
        index >= from &&
        method === 'notify_timelapse_event' &&
        params[0].action === action &&
        !['started', 'running'].includes(params[0].status),
    )
    return params[0]
  }
  const releases = () => klippy.requests.filter(({ params }) => params.script === RELEASE).length
  /** Requests a frame as the macro does; resolves with its event when the printer may go on. */
  const frame = async () => {
    const before = releases()
    const event = await eventAfter('newframe', () =>
      klippy.call('timelapse_newframe', { macropark: {}, hyperlapse: 'False' }),
    )
    for (let count = klippy.count('gcode/script'); releases() === before; count += 1)
      await klippy.waitFor('gcode/script', count + 1)
    return event
  }
  /** The files of the newest print, apart from its record. */
  const frameFiles = () => {
    const folder = join(bench.frames, readdirSync(bench.frames).sort().at(-1) ?? '')
    const names = readdirSync(folder).filter(name => name !== '.print.json')
    for (const name of names) {
      const picture = readFileSync(join(folder, name))
      assert.equal(endOfPicture(picture), picture.length, `${name} is whole`)
    }
    return names
  }
  const outputs = () => readdirSync(bench.videos)

  klippy.print('File selected')
  klippy.push('print_stats', PRINTING)

  await t.test('while frames are taken', async () => {
    let stored = 0
    for (const changes of CHANGES) {
      disk.fullAfter(changes)
      const { status, msg } = await frame()
      if (status === 'success') stored += 1
      else assert.equal(msg, 'the disk of the frames is full (option min_free_space)')
      assert.equal(frameFiles().length, stored, `after ${changes} changes`)
      disk.fullAfter(null)
      stored += 1
      assert.equal((await frame()).frame, String(stored))
    }
    assert.ok(stored < 2 * CHANGES.length, 'the disk was full')
  })

  /** Makes a file while the disk gets full at several stages: it is made and announced, or neither. */
  const makeWhileFull = async (make: () => Promise<Record<string, string>>) => {
    let failed = 0
    for (const changes of [0, 8, 9, 10, 16, 20]) {
      const before = outputs()
      disk.fullAfter(changes)
      const { status, msg = '', filename, zipfile } = await make()
      disk.fullAfter(null)
      const made = outputs().filter(name => !before.includes(name))
      const isMade = status === 'success' || status === 'finished'
      assert.deepEqual(made, isMade ? [filename ?? zipfile] : [], msg)
      if (isMade) continue
      failed += 1
      assert.match(msg, FULL)
    }
    assert.ok(failed > 0)
  }

  await t.test('while the video is rendered', () =>
    makeWhileFull(() => eventAfter('render', () => client.call('machine.timelapse.render'))),
  )

  await t.test('while the frames are archived', () =>
    makeWhileFull(async () => {
      const { result } = await client.call('machine.timelapse.saveframes')
      assert.ok(!result.msg?.includes(bench.folder), result.msg)
      return result
    }),
  )

  await t.test('the end of the print, when there is space again', async () => {
    const { status, filename } = await eventAfter('render', () =>
      klippy.push('print_stats', { state: 'complete' }),
    )
    assert.equal(status, 'success')
    assert.ok(outputs().includes(filename))
  })
})
