// Queries the state of a printer: node first-call.ts http://localhost:7125 [API key]
import { CallError, connect } from 'moonraker-ts/client'

const [url = 'http://localhost:7125', apiKey] = process.argv.slice(2)
const client = await connect({ url, ...(apiKey && { apiKey }) })

const info = await client.call('server.info')
console.log(`Klippy is ${info.klippy_state}`)

const objects = { print_stats: ['state'], extruder: ['temperature', 'target'] }
const { status } = await client.call('printer.objects.query', { objects })
console.log('print:', status.print_stats?.state, 'nozzle:', status.extruder?.temperature)

console.log(await client.call('printer.gcode.script', { script: 'M117 Hello' }))

try {
  await client.call('server.files.metadata', { filename: 'no such file.gcode' })
} catch (error) {
  if (!(error instanceof CallError)) throw error
  console.log('error:', error.code, error.message)
}
client.close()
