// Follows a printer until Ctrl-C: node follow.ts ws://localhost:7125 [API key]
import { CallError, connect } from 'moonraker-ts/client'

const [url = 'ws://localhost:7125', apiKey] = process.argv.slice(2)
const client = await connect({
  url,
  client: { name: 'follow.ts', version: '1.0', type: 'other', url: 'https://example.com' },
  ...(apiKey && { apiKey }),
})

// After a lost connection the client reconnects and subscribes again.
client.on('disconnected', error => console.log('lost:', error.message))
client.on('connected', () => console.log('connected again'))
client.on('notify_gcode_response', line => console.log('console:', line))
client.on('notify_klippy_shutdown', () => console.log('Klippy has shut down'))

async function follow(): Promise<void> {
  const mirror = await client.follow({ print_stats: ['state'], extruder: ['temperature', 'target'] })
  const show = () => console.log('status:', JSON.stringify(mirror.status))
  mirror.on('change', show)
  show()
}

try {
  await follow()
} catch (error) {
  if (!(error instanceof CallError) || error.code !== 503) throw error
  console.log('waiting for Klippy')
  const stop = client.on('notify_klippy_ready', () => {
    stop()
    void follow()
  })
}
