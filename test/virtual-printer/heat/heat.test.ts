// Heaters, sensors and fans: temperatures over time.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MACHINE, startPrinter } from '../printer-rig.ts'

describe('heat', { concurrency: true }, () => {
  test('M109 and M190 wait, with a report each second, and reach the target', async () => {
    await using rig = await startPrinter()
    const client = await rig.connect()
    await client.subscribeOutput()
    await client.script('M190 S50\nM109 S200')
    const { temperature, target } = await client.query('extruder')
    assert.equal(target, 200)
    assert.ok(Math.abs((temperature as number) - 200) < 5, String(temperature))
    assert.ok(client.output.length > 20)
    assert.match(client.output[0]!, /^B:\d+\.\d \/50\.0 T0:\d+\.\d \/0\.0$/)
  })

  test('power is full on the way', async () => {
    await using rig = await startPrinter({ speed: 5 })
    const client = await rig.connect()
    await client.script('M104 S290\nG4 P1000\nM400')
    assert.equal((await client.query('extruder')).power, 1)
  })

  test('power holds the target', async () => {
    await using rig = await startPrinter()
    const client = await rig.connect()
    await client.script('M109 S200\nG4 P60000\nM400')
    const { temperature, power } = await client.query('extruder')
    assert.ok(Math.abs((temperature as number) - 200) < 0.2)
    assert.ok((power as number) > 0.2 && (power as number) < 0.8)
  })

  test('TEMPERATURE_WAIT waits for cooling', async () => {
    await using rig = await startPrinter()
    const client = await rig.connect()
    rig.printer.setTemperature('extruder', 150)
    await client.script('TEMPERATURE_WAIT SENSOR=extruder MAXIMUM=60')
    assert.ok(((await client.query('extruder')).temperature as number) <= 60.1)
    await assert.rejects(client.script('TEMPERATURE_WAIT SENSOR=nosuch MAXIMUM=60'), {
      message: "The value 'nosuch' is not valid for SENSOR. Options: 'heater_bed', 'extruder'",
    })
  })

  test('a target out of range is rejected', async () => {
    await using rig = await startPrinter()
    const client = await rig.connect()
    await assert.rejects(client.script('M104 S400'), {
      message: 'Requested temperature (400.0) out of range (-20.0:300.0)',
    })
    await client.script('M104 S100\nM140 S60\nTURN_OFF_HEATERS')
    assert.equal((await client.query('heater_bed')).target, 0)
  })

  test('after a shutdown a heater cools down and still shows its target', async () => {
    await using rig = await startPrinter()
    const client = await rig.connect()
    rig.printer.setTemperature('extruder', 150)
    await client.script('M104 S200')
    rig.printer.shutdown('test')
    await client.subscribe({ extruder: null })
    await client.until(() => (client.pushed('extruder', 'temperature').at(-1) as number) < 140)
    const { target, power } = await client.query('extruder')
    assert.deepEqual({ target, power }, { target: 200, power: 0 })
  })

  test('several tools, generic heaters, sensors and temperature fans', async () => {
    const second = /\[extruder\][^[]*/.exec(MACHINE)![0].replace('[extruder]', '[extruder1]')
    const config = `${MACHINE}${second}
[heater_generic chamber]
heater_pin: x
sensor_type: Generic 3950
sensor_pin: y
control: watermark
min_temp: 0
max_temp: 80
gcode_id: C
[temperature_fan cooler]
pin: x
sensor_type: Generic 3950
sensor_pin: y
control: watermark
min_temp: 0
max_temp: 80
target_temp: 0
[temperature_sensor room]
sensor_type: temperature_host
`
    await using rig = await startPrinter({ config })
    const client = await rig.connect()
    await client.script(
      'M104 T1 S80\nSET_HEATER_TEMPERATURE HEATER=chamber TARGET=40\nACTIVATE_EXTRUDER EXTRUDER=extruder1',
    )
    assert.equal((await client.query('extruder1')).target, 80)
    assert.equal((await client.query('heater_generic chamber')).target, 40)
    assert.equal((await client.query('toolhead')).extruder, 'extruder1')
    const { available_heaters, available_sensors } = await client.query('heaters')
    assert.deepEqual(available_heaters, ['heater_bed', 'heater_generic chamber', 'extruder', 'extruder1'])
    assert.ok((available_sensors as string[]).includes('temperature_fan cooler'))
    rig.printer.setTemperature('temperature_fan cooler', 60)
    await client.script('SET_TEMPERATURE_FAN_TARGET TEMPERATURE_FAN=cooler TARGET=30')
    assert.equal((await client.query('temperature_fan cooler')).speed, 1)
    const room = await client.query('temperature_sensor room')
    assert.deepEqual(Object.keys(room), ['temperature', 'measured_min_temp', 'measured_max_temp'])
  })
})
