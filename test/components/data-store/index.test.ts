// The stores through the API, with a virtual printer.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { quickClock } from '../../support/quick-clock.ts'
import { type Rig, startRig } from '../../support/rig.ts'

async function get(
  rig: Rig,
  path: string,
): Promise<{ status: number; result: never; error?: { message: string } }> {
  const response = await fetch(`${rig.url}${path}`)
  return { status: response.status, ...((await response.json()) as { result: never }) }
}

async function run(rig: Rig, script: string): Promise<void> {
  await fetch(`${rig.url}/printer/gcode/script`, { method: 'POST', body: new URLSearchParams({ script }) })
}

interface Console {
  gcode_store: { message: string; type: string; time: number }[]
}

async function consoleOf(rig: Rig, query = ''): Promise<Console['gcode_store']> {
  const { result }: { result: Console } = await get(rig, `/server/gcode_store${query}`)
  return result.gcode_store
}

test('the console of a printer, as a whole and its newest entries', async () => {
  await using rig = await startRig()
  const before = Date.now() / 1000
  await run(rig, 'G4 P1\nNO_SUCH_COMMAND')
  const entries = await consoleOf(rig)
  const [command, response] = entries.slice(-2)
  assert.deepEqual([command?.type, command?.message], ['command', 'G4 P1\nNO_SUCH_COMMAND'])
  assert.deepEqual([response?.type, response?.message], ['response', '// Unknown command:"NO_SUCH_COMMAND"'])
  assert.ok((command?.time ?? 0) >= before)
  assert.deepEqual(await consoleOf(rig, '?count=1'), [response])
  assert.deepEqual(await consoleOf(rig, '?count=0'), entries)
  assert.deepEqual(await consoleOf(rig, '?count=-5'), [])
  assert.deepEqual(await consoleOf(rig, '?count=5000'), entries)
  const refused = await get(rig, '/server/gcode_store?count=abc')
  assert.deepEqual(
    [refused.status, refused.error?.message],
    [400, 'Unable to convert argument [count] to int: value received: abc'],
  )
})

test('the console keeps the configured number of entries', async () => {
  await using rig = await startRig({ conf: '[data_store]\ngcode_store_size: 2' })
  for (const name of ['A', 'B', 'C']) await run(rig, `M117 ${name}`)
  assert.deepEqual(
    (await consoleOf(rig)).map(({ message }) => message),
    ['M117 B', 'M117 C'],
  )
})

/** Calls `done` for each notification, one a second, until it returns true. */
async function everySecond(rig: Rig, done: () => Promise<boolean>): Promise<void> {
  const socket = new WebSocket(`${rig.url.replace('http', 'ws')}/websocket`)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  socket.addEventListener('error', () => reject(new Error('the WebSocket is refused')))
  socket.addEventListener('message', ({ data }) => {
    if (JSON.parse(String(data)).method !== 'notify_proc_stat_update') return
    done().then(enough => enough && resolve(), reject)
  })
  try {
    await promise
  } finally {
    socket.close()
  }
}

test('the temperatures of a printer are recorded once it is ready', async () => {
  await using rig = await startRig({ clock: quickClock() })
  let sensors: Record<string, Record<string, number[]>> = {}
  await everySecond(rig, async () => {
    const { result } = await get(rig, '/server/temperature_store?include_monitors=true')
    sensors = result
    return (sensors.extruder?.temperatures?.length ?? 0) >= 2
  })
  assert.deepEqual(Object.keys(sensors.extruder ?? {}).sort(), ['powers', 'targets', 'temperatures'])
  assert.equal(sensors.heater_bed?.temperatures?.length, sensors.extruder?.temperatures?.length)
})
