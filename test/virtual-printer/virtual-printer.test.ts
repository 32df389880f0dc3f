// States, restarts and simulated failures of the virtual printer, as a client sees them.

import assert from 'node:assert/strict'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { defaultPrinterCfg, VirtualPrinter } from '../../src/virtual-printer/index.ts'
import { type Client, MACHINE, type PrinterRig, startPrinter } from './printer-rig.ts'

const SHUTDOWN_ADVICE =
  '\nOnce the underlying issue is corrected, use the\n"FIRMWARE_RESTART" command to reset the firmware, reload the\nconfig, and restart the host software.\nPrinter is shutdown\n'

async function reconnect(rig: PrinterRig, client: Client): Promise<Client> {
  await client.closed
  await rig.printer.untilReady()
  return rig.connect()
}

test('startup comes first, with its text, and then ready', async () => {
  await using rig = await startPrinter({ ready: false, speed: 1 })
  const client = await rig.connect()
  await client.subscribeOutput()
  const first = await client.query('webhooks')
  assert.equal(first.state, 'startup')
  assert.match(String(first.state_message), /^\nPrinter is not ready\nThe klippy host software is attempting/)
  await rig.printer.untilReady()
  assert.deepEqual(await client.query('webhooks'), { state: 'ready', state_message: 'Printer is ready' })
  assert.deepEqual(client.output, ['// Klipper state: Ready'])
})

test('M112 shuts down without an error of its own; afterwards only the restarts work', async () => {
  await using rig = await startPrinter()
  const client = await rig.connect()
  await client.subscribeOutput()
  assert.deepEqual(await client.script('M112'), {})
  assert.deepEqual(client.output, ['// Klipper state: Shutdown'])
  const message = `Shutdown due to M112 command${SHUTDOWN_ADVICE}`
  assert.equal(rig.printer.state, 'shutdown')
  assert.equal((await client.call('info')).state_message, message)
  await assert.rejects(client.script('G28'), { message })
  assert.equal(client.output.at(-1), '!! Shutdown due to M112 command')
  await client.script('FIRMWARE_RESTART')
  const again = await reconnect(rig, client)
  assert.equal((await again.call('info')).state, 'ready')
})

test('emergency_stop aborts homing', async () => {
  await using rig = await startPrinter({ speed: 1 })
  const client = await rig.connect()
  await client.subscribeOutput()
  const homing = client.script('G28')
  await client.call('emergency_stop')
  await assert.rejects(homing, { message: 'Homing failed due to printer shutdown' })
  assert.deepEqual(client.output, ['// Klipper state: Shutdown', '!! Homing failed due to printer shutdown'])
  assert.equal(
    (await client.query('webhooks')).state_message,
    `Shutdown due to webhooks request${SHUTDOWN_ADVICE}`,
  )
})

test('RESTART replies, reports Disconnect, closes the socket, and starts with the new configuration', async () => {
  await using rig = await startPrinter()
  const client = await rig.connect()
  await client.subscribeOutput()
  await client.script('M220 S50')
  rig.writeConfig(`${MACHINE}[output_pin light]\npin: x\n`)
  assert.deepEqual(await client.script('RESTART'), {})
  const again = await reconnect(rig, client)
  assert.deepEqual(client.output, ['// Klipper state: Disconnect'])
  const { objects } = (await again.call('objects/list')) as { objects: string[] }
  assert.ok(objects.includes('output_pin light'))
  assert.equal((await again.query('gcode_move')).speed_factor, 1)
})

test('an unknown section is an error; the objects created before it can be queried; RESTART recovers', async () => {
  await using rig = await startPrinter({ config: `${MACHINE}[nosuchsection]\n`, ready: false })
  const client = await rig.connect()
  const message =
    'Section \'nosuchsection\' is not a valid config section\n\nOnce the underlying issue is corrected, use the "RESTART"\ncommand to reload the config and restart the host software.\nPrinter is halted\n'
  const info = await client.call('info')
  assert.equal(info.state, 'error')
  assert.equal(info.state_message, message)
  await assert.rejects(client.script('G28'), { message })
  assert.deepEqual((await client.query('toolhead')).position, [0, 0, 0, 0])
  rig.writeConfig(MACHINE)
  await client.script('RESTART')
  const again = await reconnect(rig, client)
  assert.equal((await again.call('info')).state, 'ready')
})

test('a missing option is named', async () => {
  await using rig = await startPrinter({
    config: MACHINE.replace('max_velocity: 300', ''),
    ready: false,
  })
  await assert.rejects(
    rig.printer.untilReady(),
    /Option 'max_velocity' in section 'printer' must be specified/,
  )
})

test('a macro cannot have the name of a command without renaming it', async () => {
  const macro = '[gcode_macro PAUSE]\ngcode: M118 x\n'
  await using rig = await startPrinter({ config: macro + MACHINE, ready: false })
  assert.match(rig.printer.stateMessage, /^gcode command PAUSE already registered\n/)
})

test('RESTART leaves the machine warm and the filament out', async () => {
  const sensor = '[filament_switch_sensor s]\nswitch_pin: x\n'
  await using rig = await startPrinter({ config: MACHINE + sensor })
  rig.printer.setTemperature('heater_bed', 80)
  rig.printer.setFilament('s', false)
  await rig.printer.restart()
  await rig.printer.untilReady()
  assert.ok((rig.printer.status('heater_bed')!.temperature as number) > 60)
  assert.equal(rig.printer.status('filament_switch_sensor s')!.filament_detected, false)
})

test('SAVE_CONFIG writes the block, keeps a copy and restarts', async () => {
  await using rig = await startPrinter()
  const client = await rig.connect()
  await client.script('PID_CALIBRATE HEATER=extruder TARGET=60')
  const pending = await client.query('configfile')
  assert.equal(pending.save_config_pending, true)
  assert.deepEqual(Object.keys(pending.save_config_pending_items as object), ['extruder'])
  await client.script('SAVE_CONFIG')
  const again = await reconnect(rig, client)
  const text = rig.read('printer.cfg')
  assert.match(text, /^#pid_kp: 25$/m)
  assert.match(text, /^#\*# <-+ SAVE_CONFIG -+>$/m)
  assert.match(text, /^#\*# pid_kp = 21\.527$/m)
  assert.ok(readdirSync(rig.folder).some(name => /^printer-\d{8}_\d{6}\.cfg$/.test(name)))
  const { settings, save_config_pending } = await again.query('configfile')
  assert.equal((settings as Record<string, Record<string, unknown>>).extruder!.pid_kp, 21.527)
  assert.equal(save_config_pending, false)
})

test('a hanging printer sends nothing and replies later', async () => {
  await using rig = await startPrinter()
  const client = await rig.connect()
  rig.printer.hang()
  const info = client.call('info')
  const other = await rig.connect()
  const second = other.call('info')
  await new Promise(resolve => setImmediate(resolve))
  assert.deepEqual([client.all.length, other.all.length], [0, 0])
  rig.printer.resume()
  assert.equal((await info).state, 'ready')
  assert.equal((await second).state, 'ready')
})

test('drop closes the connections, and the printer keeps running', async () => {
  await using rig = await startPrinter()
  const client = await rig.connect()
  rig.printer.drop()
  await client.closed
  const again = await rig.connect()
  assert.equal((await again.call('info')).state, 'ready')
})

test('half a message and a flood', async () => {
  await using rig = await startPrinter()
  const client = await rig.connect()
  await client.subscribeOutput()
  rig.printer.flood(1000)
  await client.until(() => client.output.length === 1000)
  rig.printer.halfMessage()
  await client.closed
  assert.equal(client.output.length, 1000)
})

test('shutdown with a given reason', async () => {
  await using rig = await startPrinter()
  const client = await rig.connect()
  await client.subscribe({ webhooks: null })
  rig.printer.shutdown('Lost communication with MCU')
  const [state] = await client.until(() => {
    const states = client.pushed('webhooks', 'state')
    return states.length > 0 && states
  })
  assert.equal(state, 'shutdown')
  assert.equal(rig.printer.stateMessage, `Lost communication with MCU${SHUTDOWN_ADVICE}`)
})

test('a stale socket file is replaced, one in use is not touched', async () => {
  await using rig = await startPrinter()
  const options = { socketPath: rig.path('other.sock'), configFile: rig.path('printer.cfg') }
  writeFileSync(options.socketPath, '')
  const printer = new VirtualPrinter(options)
  await printer.start()
  await printer.stop()
  assert.ok(!existsSync(options.socketPath))
  const taken = createServer()
  await new Promise<void>(resolve => taken.listen(options.socketPath, resolve))
  await assert.rejects(new VirtualPrinter(options).start(), /another Klippy answers on/)
  taken.close()
})

test('the default printer is ready, prints its own start and end', async () => {
  await using rig = await startPrinter({
    config: defaultPrinterCfg(),
    files: { 'a.gcode': 'START_PRINT BED=50 HOTEND=190\nG1 X50 Y50 E1 F3000\nEND_PRINT\nM400\n' },
  })
  const client = await rig.connect()
  await client.subscribe({ print_stats: ['state'] })
  await client.script('SDCARD_PRINT_FILE FILENAME=a.gcode')
  await client.until(() => client.pushed('print_stats', 'state').includes('complete'))
  assert.equal((await client.query('heater_bed')).target, 0)
})

test('the printer writes a log', async () => {
  await using rig = await startPrinter()
  await rig.printer.gcode('M118 hello')
  await rig.printer.stop()
  assert.match(rig.read('klippy.log'), /Starting Klippy/)
})
