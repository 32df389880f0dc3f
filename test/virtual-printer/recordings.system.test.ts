// The virtual printer compared with recordings of a real Klippy: objects, fields, types, settings, commands.

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { type Client, type Json, type PrinterRig, startPrinter } from './printer-rig.ts'

const RECORDINGS = join(import.meta.dirname, '../../../shared/spec/recordings')

interface Line {
  seq: number
  dir: string
  msg: Json
}

function recorded(name: string): Line[] {
  return readFileSync(join(RECORDINGS, `klippy_${name}.jsonl`), 'utf8')
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Line)
}

/** The machine of the recordings, with its folders in the rig's. */
function machine(): string {
  const read = (name: string) => readFileSync(join(RECORDINGS, 'environment', name), 'utf8')
  return read('printer.cfg')
    .replace('[include macros.cfg]', read('macros.cfg'))
    .replace('/home/pi/printer_data/config/variables.cfg', '{folder}/variables.cfg')
    .replace('control: pid', 'control: watermark')
    .replaceAll(/^pid_K.*$/gm, '')
}

async function start(speed = 1000): Promise<{ rig: PrinterRig; client: Client }> {
  const rig = await startPrinter({ config: machine(), speed })
  return { rig, client: await rig.connect() }
}

/** The type of a value, and the types of its parts. */
function kind(value: unknown): unknown {
  if (value === null) return 'null'
  if (Array.isArray(value)) return value.map(kind)
  if (typeof value !== 'object') return typeof value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, kind(each)]))
}

describe('as recorded', { concurrency: true, skip: !existsSync(RECORDINGS) }, () => {
  test('objects in their order, with their fields and kinds', async () => {
    const { rig, client } = await start()
    await using _ = rig
    const lines = recorded('badcfg')
    const names = (lines[1]!.msg.result as { objects: string[] }).objects
    const status = (lines[3]!.msg.result as { status: Record<string, Json> }).status
    assert.deepEqual((await client.call('objects/list')).objects, names)
    for (const name of names) {
      const mine = rig.printer.status(name)!
      if (name === 'configfile' || name === 'gcode')
        assert.deepEqual(Object.keys(mine), Object.keys(status[name]!))
      else assert.deepEqual(kind(mine), kind(status[name]!), name)
    }
  })

  test('commands with their help', async () => {
    const { rig } = await start()
    await using _ = rig
    const { status } = recorded('badcfg')[3]!.msg.result as { status: Record<string, Json> }
    assert.deepEqual(rig.printer.status('gcode')!.commands, status.gcode!.commands)
  })

  test('settings with their defaults', async () => {
    const { rig } = await start()
    await using _ = rig
    const { status } = recorded('badcfg')[3]!.msg.result as { status: Record<string, Json> }
    const settings = status.configfile!.settings as Record<string, Json>
    const mine = rig.printer.status('configfile')!.settings as Record<string, Json>
    // Paths differ.
    const local = new Set([
      'mcu.serial',
      'temperature_sensor host.sensor_path',
      'virtual_sdcard.path',
      'save_variables.filename',
    ])
    for (const [section, options] of Object.entries(settings)) {
      for (const [option, value] of Object.entries(options)) {
        if (local.has(`${section}.${option}`)) continue
        assert.deepEqual(mine[section]?.[option], value, `[${section}] ${option}`)
      }
    }
  })

  test('endpoints', async () => {
    const { rig, client } = await start()
    await using _ = rig
    const { endpoints } = recorded('startup').find(line =>
      JSON.stringify(line.msg).includes('"endpoints":['),
    )!.msg.result as { endpoints: string[] }
    const mine = (await client.call('list_endpoints')).endpoints as string[]
    assert.deepEqual(mine.toSorted(), endpoints.toSorted())
  })

  test('replies to the recorded requests, word for word', async () => {
    const { rig, client } = await start()
    await using _ = rig
    await client.subscribeOutput()
    const lines = recorded('api_session')
    const answered = new Set<number>()
    for (const [index, line] of lines.entries()) {
      const { method, params, id } = line.msg
      if (method !== 'gcode/script' && !String(method).startsWith('pause_resume/')) continue
      // Two requests with one id: each has its own reply, the next one after it.
      const answer = lines.findIndex(
        (other, at) =>
          at > index && !answered.has(at) && other.msg.id === id && other.dir.startsWith('klippy'),
      )
      if (answer === -1 || JSON.stringify(params).includes('TEST_REMOTE')) continue
      answered.add(answer)
      const from = client.output.length
      const reply = await client.raw({ id: 10_000 + index, method, params })
      const { msg } = lines[answer]!
      assert.deepEqual({ ...reply, id }, msg, JSON.stringify(line.msg))
      const responses = lines
        .slice(index, answer)
        .filter(other => other.msg.method === 'process_gcode_response')
        .map(other => (other.msg.params as { response: string }).response)
      const mine = client.output.slice(from)
      if (responses.some(text => text.includes('FIRMWARE_VERSION'))) assert.equal(mine.length, 1)
      else assert.deepEqual(mine, responses, JSON.stringify(line.msg))
    }
    assert.ok(answered.size > 30)
  })

  test('the shape of a mesh dump', async () => {
    const { rig, client } = await start()
    await using _ = rig
    const lines = recorded('api_session')
    const request = lines.findIndex(line => line.msg.method === 'bed_mesh/dump_mesh')
    const answer = lines.find((line, at) => at > request && line.msg.id === lines[request]!.msg.id)!
    assert.deepEqual(await client.call('bed_mesh/dump_mesh'), answer.msg.result)
  })
})
