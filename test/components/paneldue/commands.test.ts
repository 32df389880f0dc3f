// [paneldue]: what each command of the panel does to Klipper, and which lines are rejected.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeKlippy, Refusal } from '../../support/fake-klippy.ts'
import { noPseudoTerminals } from '../../support/fake-serial-device.ts'
import { quickClock } from '../../support/quick-clock.ts'
import { type Rig, startRig } from '../../support/rig.ts'
import { ScriptedPanel } from './scripted-panel.ts'

const skip = await noPseudoTerminals()

class Scene implements AsyncDisposable {
  readonly panel: ScriptedPanel
  readonly klippy: FakeKlippy
  readonly rig: Rig

  private constructor(panel: ScriptedPanel, klippy: FakeKlippy, rig: Rig) {
    this.panel = panel
    this.klippy = klippy
    this.rig = rig
  }

  static async start(options = ''): Promise<Scene> {
    const [panel, klippy] = await Promise.all([ScriptedPanel.start(), FakeKlippy.start()])
    const rig = await startRig({
      klippySocket: klippy.path,
      ready: true,
      clock: quickClock(20),
      conf: `[paneldue]\nserial: ${panel.device.path}\n${options}`,
    })
    return new Scene(panel, klippy, rig)
  }

  get scripts(): unknown[] {
    return this.klippy.requests
      .filter(({ method }) => method === 'gcode/script')
      .map(({ params }) => params.script)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rig[Symbol.asyncDispose]()
    await this.panel[Symbol.asyncDispose]()
    await this.klippy[Symbol.asyncDispose]()
  }
}

const SCRIPTS = [
  ['M24', 'RESUME'],
  ['M25', 'PAUSE'],
  ['M0', 'CANCEL_PRINT'],
  ['M120', 'SAVE_GCODE_STATE NAME=PANELDUE'],
  ['M121', 'RESTORE_GCODE_STATE NAME=PANELDUE'],
  ['M290 S0.05', 'SET_GCODE_OFFSET Z_ADJUST=0.05 MOVE=1'],
  ['M290 Z-0.02', 'SET_GCODE_OFFSET Z_ADJUST=-0.02 MOVE=1'],
  ['M23 /gcodes/part a.gcode', 'M23 /part a.gcode'],
  ['M32 "0:/gcodes/a b.gcode"', 'SDCARD_PRINT_FILE FILENAME="a b.gcode"'],
  ['M32 /gcodes/sub/Part.gcode', 'SDCARD_PRINT_FILE FILENAME="sub/Part.gcode"'],
  ['M32 Part.gcode', 'SDCARD_PRINT_FILE FILENAME="Part.gcode"'],
  ['M98 P"0:/macros/LOAD"', 'LOAD SPEED=5'],
  ['M98 P/macros/CLEAN', 'CLEAN'],
  ['G1 X10 F3000', 'G1 X10 F3000'],
  ['M117 äöü', 'M117 äöü'],
] as const

test('commands reach Klipper as it knows them, in their order', { skip }, async () => {
  await using scene = await Scene.start('macros:\n  LOAD SPEED=5\n  CLEAN\n')
  for (const [sent] of SCRIPTS) scene.panel.send(sent)
  await scene.klippy.waitFor('gcode/script', SCRIPTS.length)
  assert.deepEqual(
    scene.scripts,
    SCRIPTS.map(([, script]) => script),
  )
})

test('a macro that is to be confirmed runs after the OK of the panel', { skip }, async () => {
  await using scene = await Scene.start('confirmed_macros:\n  HOT TEMP=300\n')
  const chooses = async () => {
    scene.panel.send('M98 P"0:/macros/HOT"')
    return scene.panel.message(message => 'msgBox.mode' in message)
  }
  assert.deepEqual(await chooses(), {
    'msgBox.mode': 3,
    'msgBox.controls': 0,
    'msgBox.timeout': 0,
    'msgBox.msg': 'Run HOT?',
    'msgBox.title': 'Confirm macro',
    'msgBox.seq': 1,
  })
  scene.panel.send('M292 P1')
  // Cancelled: the next OK belongs to nothing.
  scene.panel.send('M292 P0')
  assert.equal((await chooses())['msgBox.seq'], 2)
  scene.panel.send('M292 P0')
  await scene.klippy.waitFor('gcode/script')
  scene.panel.send('M292 P0')
  await scene.panel.poll()
  assert.deepEqual(scene.scripts, ['HOT TEMP=300'])
})

test('M112 in a damaged line is an emergency, in the name of a file it is not', { skip }, async () => {
  await using scene = await Scene.start()
  scene.panel.send('M36 "0:/gcodes/M112.gcode"')
  scene.panel.send('M32 M112 part.gcode')
  await scene.klippy.waitFor('gcode/script')
  assert.equal(scene.klippy.count('emergency_stop'), 0)
  scene.panel.device.send('N7 xM112*1\n')
  await scene.klippy.waitFor('emergency_stop')
  scene.panel.send('m112')
  await scene.klippy.waitFor('emergency_stop', 2)
})

test('commands that fail by the hundred fill no log', { skip }, async () => {
  await using scene = await Scene.start()
  scene.panel.send('M98 P/macros/NONE')
  assert.match(await scene.panel.response(), /NONE is not in section/)
  for (let count = 0; count < 300; count += 1) scene.panel.send('M98 P/macros/OTHER')
  await scene.panel.pollUntil(({ resp = '' }) => resp.includes('OTHER'), 'S0 R7')
  scene.panel.send('M98 P/macros/LAST')
  await scene.panel.pollUntil(({ resp = '' }) => resp.includes('LAST'), 'S0 R7')
  const lines = scene.rig.log.filter(line => line.includes("the panel's command"))
  assert.ok(lines.length >= 20 && lines.length < 150, `${lines.length} lines`)
})

for (const [sent, endpoint] of [
  ['M999', 'gcode/firmware_restart'],
  ['FIRMWARE_RESTART', 'gcode/firmware_restart'],
  ['RESTART', 'gcode/restart'],
] as const) {
  test(`${sent} restarts Klipper, also while a command runs`, { skip }, async () => {
    await using scene = await Scene.start()
    scene.klippy.answer('gcode/script', () => new Promise(() => {}))
    scene.panel.send('M109 S200')
    scene.panel.send('G28')
    scene.panel.send(sent)
    await scene.klippy.waitFor(endpoint)
    assert.deepEqual(scene.scripts, ['M109 S200'])
  })
}

for (const line of ['N1 M112*99', 'm112', 'xxM112\xff']) {
  test(`an emergency stop needs no checksum: ${JSON.stringify(line)}`, { skip }, async () => {
    await using scene = await Scene.start()
    scene.panel.device.send(Buffer.from(`${line}\n`, 'latin1'))
    await scene.klippy.waitFor('emergency_stop')
  })
}

test('a restart that is to be confirmed is not sent as G-code', { skip }, async () => {
  await using scene = await Scene.start()
  scene.panel.send('M98 P"0:/macros/FIRMWARE_RESTART"')
  await scene.panel.message(message => 'msgBox.mode' in message)
  scene.panel.send('M292 P0')
  await scene.klippy.waitFor('gcode/firmware_restart')
  assert.deepEqual(scene.scripts, [])
})

for (const line of ['G28', 'N1 G28', 'N1 G28*', 'N1 G28*0', 'N1 G28*1000', 'N1 G28*x']) {
  test(`a line without a correct checksum is rejected: ${line}`, { skip }, async () => {
    await using scene = await Scene.start()
    scene.panel.device.send(`${line}\n`)
    assert.equal(await scene.panel.response(), `!! GCode Processing Error: ${line}`)
    assert.deepEqual(scene.scripts, [])
  })
}

test('garbage is rejected, and the next line is read', { skip }, async () => {
  await using scene = await Scene.start()
  scene.panel.device.send(Buffer.from([0, 0xff, 0xfe, 0x80, 0x0a, 0x0a, 0x0d, 0x0a]))
  scene.panel.device.send('*\nN*\n**7\n')
  scene.panel.device.send('x'.repeat(3000))
  scene.panel.device.send('x'.repeat(3000))
  scene.panel.device.send('\n')
  // A correct checksum over bytes that are not UTF-8.
  scene.panel.device.send(Buffer.from([0xff, 0x2a, 0x32, 0x35, 0x35, 0x0a]))
  scene.panel.send('G28')
  assert.deepEqual(await scene.klippy.waitFor('gcode/script'), { script: 'G28' })
  assert.match(await scene.panel.response(), /^!! GCode Processing Error: /)
  assert.deepEqual(scene.scripts, ['G28'])
})

test('without enable_checksum, lines need none', { skip }, async () => {
  await using scene = await Scene.start('enable_checksum: False\n')
  scene.panel.device.send('G28\n')
  scene.panel.device.send('N3 G1 X1\n')
  scene.panel.send('G1 X2')
  await scene.klippy.waitFor('gcode/script', 3)
  assert.deepEqual(scene.scripts, ['G28', 'G1 X1', 'G1 X2'])
})

test('the panel shows errors and the lines of the console that matter', { skip }, async () => {
  await using scene = await Scene.start('non_trivial_keys:\n  Klipper state\n  echo: shown\n')
  scene.klippy.print('B:21.0 /0.0 T0:22.0 /0.0')
  scene.klippy.print('// echo: shown')
  assert.equal(await scene.panel.response(), '// echo: shown')
  scene.klippy.print('!! Move out of range')
  assert.equal(await scene.panel.response(), '!! Move out of range')
  assert.equal('resp' in (await scene.panel.poll('S0 R8')), false, 'each is shown once')
  scene.panel.send('M98 P"0:/macros/NONE"')
  assert.match(await scene.panel.response(), /^!! .*NONE/)
  scene.panel.send('M290')
  assert.match(await scene.panel.response(), /^!! .*M290/)
  scene.klippy.answer('gcode/script', () => {
    throw new Refusal('Unknown command')
  })
  scene.panel.send('FOO')
  assert.equal(await scene.panel.response(), '!! Unknown command')
  scene.klippy.print('!! last')
  const reply = await scene.panel.pollUntil(message => 'resp' in message, 'S0 R41')
  assert.deepEqual([reply.seq, reply.resp], [42, '!! last'])
})

test('commands that pile up are rejected', { skip }, async () => {
  await using scene = await Scene.start()
  scene.klippy.answer('gcode/script', () => new Promise(() => {}))
  for (let count = 0; count < 40; count += 1) scene.panel.send('G28')
  assert.equal(await scene.panel.response(), '!! Too many commands of the panel at once, try again later')
})

test('beeps for a macro', { skip }, async () => {
  await using scene = await Scene.start()
  await scene.klippy.waitFor('register_remote_method')
  scene.klippy.call('paneldue_beep', { frequency: 440, duration: 0.25 })
  const beep = await scene.panel.message(message => 'beep_freq' in message)
  assert.deepEqual(beep, { beep_freq: 440, beep_length: 250 })
})

test('a panel that was unplugged works again, with the list of macros', { skip }, async () => {
  await using scene = await Scene.start()
  assert.ok('files' in (await scene.panel.poll()))
  assert.equal('files' in (await scene.panel.poll()), false)
  scene.panel.device.send('N7 G2')
  scene.panel.device.unplug()
  scene.panel.device.plugIn()
  const { dir, files } = await scene.panel.poll()
  assert.deepEqual([dir, files], ['/macros', ['RESTART', 'FIRMWARE_RESTART']])
  assert.deepEqual(scene.scripts, [])
})

test('a port that does not exist is logged, and stops nothing else', async () => {
  const conf = '[paneldue]\nserial: /dev/no-panel\n'
  await using rig = await startRig({ printer: 'none', conf })
  assert.ok(
    rig.log.some(line => /paneldue.*\/dev\/no-panel does not exist/.test(line)),
    rig.log.join('\n'),
  )
})
