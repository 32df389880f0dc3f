import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CallError, connect } from '../../src/client/index.ts'
import { quickClock } from '../support/quick-clock.ts'
import { startRig } from '../support/rig.ts'
import { CuttableProxy } from './cuttable-proxy.ts'
import { next, until } from './next.ts'

describe('following', { concurrency: true }, () => {
  test('notifications arrive with their parameters until the listener is removed', async () => {
    await using rig = await startRig()
    using client = await connect({ url: rig.socketPath })
    const lines: string[] = []
    const off = client.on('notify_gcode_response', line => lines.push(line.toUpperCase()))
    await client.call('printer.gcode.script', { script: 'M118 one' })
    off()
    await client.call('printer.gcode.script', { script: 'M118 two' })
    const last = next(client, 'notify_gcode_response')
    await client.call('printer.gcode.script', { script: 'M118 three' })
    await last
    assert.equal(lines.filter(line => line.includes('ONE')).length, 1)
    assert.equal(lines.filter(line => /TWO|THREE/.test(line)).length, 0)
  })

  test('a mirror has the requested fields, and follows them', async () => {
    await using rig = await startRig()
    using client = await connect({ url: `ws://127.0.0.1:${rig.port}` })
    const mirror = await client.follow({
      extruder: ['target', 'temperature'],
      heater_bed: null,
      'no such': null,
    })
    assert.deepEqual(Object.keys(mirror.status).sort(), ['extruder', 'heater_bed', 'no such'])
    assert.deepEqual(Object.keys(mirror.status.extruder).sort(), ['target', 'temperature'])
    assert.deepEqual(mirror.status['no such'], {})
    assert.equal(mirror.live, true)
    const bed = mirror.status.heater_bed
    const before = mirror.eventtime
    await client.call('printer.gcode.script', { script: 'M104 S50' })
    await until(mirror, () => mirror.status.extruder.target === 50)
    assert.equal(typeof mirror.status.extruder.temperature, 'number')
    assert.ok(mirror.eventtime > before)
    assert.equal(bed.target, 0)
  })

  test('mirrors share one subscription, and each has its own objects', async () => {
    await using rig = await startRig()
    using client = await connect({ url: rig.socketPath })
    const [hot, both] = await Promise.all([
      client.follow({ extruder: ['target'] }),
      client.follow({ extruder: ['power', 'target'], heater_bed: ['target'] }),
    ])
    const changes: unknown[] = []
    hot.on('change', change => changes.push(change))
    const late = await client.follow({ heater_bed: ['target'] })
    changes.length = 0
    await client.call('printer.gcode.script', { script: 'M140 S40' })
    await Promise.all([
      until(both, () => both.status.heater_bed.target === 40),
      until(late, () => late.status.heater_bed.target === 40),
    ])
    await client.call('printer.gcode.script', { script: 'M104 S60' })
    await until(hot, () => hot.status.extruder.target === 60)
    assert.deepEqual(changes, [{ extruder: { target: 60 } }])
    late.close()
    await client.call('printer.gcode.script', { script: 'M140 S45' })
    await until(both, () => both.status.heater_bed.target === 45)
    assert.equal(late.status.heater_bed.target, 40)
  })

  test('iterating yields the status now and after changes, until the mirror is closed', async () => {
    await using rig = await startRig()
    using client = await connect({ url: rig.socketPath })
    const mirror = await client.follow({ extruder: ['target'] })
    const seen: unknown[] = []
    for await (const { extruder } of mirror) {
      seen.push(extruder.target)
      if (extruder.target === 30) mirror.close()
      else {
        await client.call('printer.gcode.script', { script: 'M104 S30' })
        await until(mirror, () => mirror.status.extruder.target === 30)
      }
    }
    assert.deepEqual(seen, [0, 30])
  })

  test('a mirror continues after a lost connection and after a restart of Klippy', async () => {
    await using rig = await startRig({ clock: quickClock() })
    await using proxy = await CuttableProxy.to(rig.port)
    using client = await connect({ url: `ws://127.0.0.1:${proxy.port}` })
    using other = await connect({ url: rig.socketPath })
    const mirror = await client.follow({ extruder: ['target'], webhooks: ['state'] })

    const lost = next(client, 'disconnected')
    proxy.cut()
    await lost
    assert.equal(mirror.live, false)
    await other.call('printer.gcode.script', { script: 'M104 S70' })
    await until(mirror, () => mirror.live && mirror.status.extruder.target === 70)

    const away = next(client, 'notify_klippy_disconnected')
    await other.call('printer.restart')
    await away
    assert.equal(mirror.live, false)
    await until(mirror, () => mirror.live && mirror.status.webhooks.state === 'ready')
    assert.equal(mirror.status.extruder.target, 0)
    await other.call('printer.gcode.script', { script: 'M104 S80' })
    await until(mirror, () => mirror.status.extruder.target === 80)
  })

  test('following rejects without Klippy, and over HTTP', async () => {
    await using rig = await startRig({ printer: 'none' })
    using client = await connect({ url: rig.socketPath })
    await assert.rejects(
      client.follow({ extruder: null }),
      (error: unknown) => error instanceof CallError && error.code === 503,
    )
    using single = await connect({ url: rig.url })
    await assert.rejects(single.follow({ extruder: null }), /over HTTP/)
  })
})
