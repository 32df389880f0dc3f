// The load of the machine through the API.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Rig, startRig } from '../../support/rig.ts'

interface Update {
  readonly moonraker_stats: { readonly time: number; readonly mem_units: string }
  readonly websocket_connections: number
}

/** The first notification to a new client. */
async function firstUpdate(rig: Rig): Promise<Update> {
  const socket = new WebSocket(`${rig.url.replace('http', 'ws')}/websocket`)
  try {
    return await new Promise((resolve, reject) => {
      socket.addEventListener('error', () => reject(new Error('the WebSocket is refused')))
      socket.addEventListener('message', ({ data }) => {
        const { method, params } = JSON.parse(String(data))
        if (method === 'notify_proc_stat_update') resolve(params[0])
      })
    })
  } finally {
    socket.close()
  }
}

test('clients receive and request the load, also without a printer', async () => {
  await using rig = await startRig({ printer: 'none' })
  const update = await firstUpdate(rig)
  assert.equal(update.websocket_connections, 1)
  assert.equal(update.moonraker_stats.mem_units, 'kB')
  const response = await fetch(`${rig.url}/machine/proc_stats`)
  const { result } = (await response.json()) as { result: { moonraker_stats: Update['moonraker_stats'][] } }
  assert.deepEqual(
    result.moonraker_stats.filter(({ time }) => time === update.moonraker_stats.time),
    [update.moonraker_stats],
  )
})
