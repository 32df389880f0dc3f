// What does not fit the printer, for those who start a print: in the reply on request, and as a notification.
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import type { DataPaths } from '../../../src/core/paths.ts'
import { sendRequest } from '../../support/raw-http.ts'
import type { Frame } from '../../support/web-client.ts'
import { upload } from '../files/form.ts'
import { startAnalysis } from './analysis-rig.ts'

const PLAIN = 'G28\nG1 X60 Y60 Z5 F6000\n'
/** A file with a command that Klipper ignores. */
const ODD = `${PLAIN}M862.3 P"MK4"\n`
const WARNINGS = ['Klipper does not know and ignores: M862.3']

const prepare = ({ gcodes }: DataPaths) => {
  mkdirSync(gcodes, { recursive: true })
  // Their analysis ends before their prints.
  for (const name of ['old.gcode', 'older.gcode'])
    writeFileSync(`${gcodes}/${name}`, `${ODD}${'G4 P500\n'.repeat(20_000)}`)
}

async function startScene() {
  const scene = await startAnalysis({ prepare, speed: 100 })
  let prints = 0
  /** Resolves when one more print has ended. */
  const printed = async () => {
    prints += 1
    let seen = 0
    await scene.client.find(({ method, params: [change] = [] }) => {
      if (method === 'notify_history_changed' && change.action === 'finished') seen += 1
      return seen === prints
    })
  }
  const start = (params: object) => scene.call('printer.print.start', params)
  return { ...scene, start, printed, [Symbol.asyncDispose]: () => scene[Symbol.asyncDispose]() }
}

test('the reply contains the warnings where the caller requests them', async () => {
  await using scene = await startScene()
  await scene.analyse('odd.gcode', ODD)
  await scene.analyse('part.gcode', PLAIN)
  const started = { state: 'ok', warnings: WARNINGS }
  assert.deepEqual(await scene.start({ filename: 'odd.gcode', warnings: true }), started)
  await scene.printed()
  assert.deepEqual(await scene.start({ filename: '/part.gcode', warnings: true }), {
    state: 'ok',
    warnings: [],
  })
  await scene.printed()
  assert.equal(await scene.start({ filename: 'odd.gcode', warnings: false }), 'ok')
  await scene.printed()
  const post = (query: string) =>
    sendRequest(scene.rig.port, `/printer/print/start?filename=odd.gcode${query}`, { verb: 'POST' })
  assert.equal((await post('')).body, '{"result":"ok"}')
  await scene.printed()
  assert.deepEqual((await post('&warnings=true')).json.result, started)
})

test('a file without an analysis is analysed, and its warnings follow the start of its print', async () => {
  await using scene = await startScene()
  assert.deepEqual((await scene.start({ filename: 'old.gcode', warnings: true })).warnings, WARNINGS)
  await scene.call('printer.print.cancel')
  await scene.printed()
  assert.equal(await scene.start({ filename: 'older.gcode' }), 'ok')
  const isWarning =
    (name: string) =>
    ({ method, params: [file] = [] }: Frame) =>
      method === 'notify_print_warnings' && file.filename === name
  const { params } = await scene.client.find(isWarning('older.gcode'))
  assert.deepEqual(params[0].warnings, WARNINGS)
  assert.equal(scene.client.frames.filter(isWarning('old.gcode')).length, 1)
})

test('an upload that is printed replies with the warnings on request', async () => {
  await using scene = await startScene()
  const { json } = await upload(scene.rig.port, 'odd.gcode', ODD, { print: 'true', warnings: 'true' })
  assert.deepEqual(
    [json.print_started, json.print_warnings, json.result.print_warnings],
    [true, WARNINGS, WARNINGS],
  )
  const kept = await upload(scene.rig.port, 'b.gcode', ODD, { warnings: 'true' })
  assert.ok(!('print_warnings' in kept.json), 'no print, no warnings')
})
