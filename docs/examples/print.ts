// Uploads a file, prints it, and waits for the end: node print.ts ws://localhost:7125 part.gcode [API key]
import { openAsBlob } from 'node:fs'
import { basename } from 'node:path'
import { connect } from 'moonraker-ts/client'

const [url = 'ws://localhost:7125', path = 'part.gcode', apiKey] = process.argv.slice(2)
const client = await connect({ url, ...(apiKey && { apiKey }) })

const finished = new Promise<string>(resolve => {
  client.on('notify_history_changed', ({ action, job }) => {
    if (action === 'finished' && job.filename === basename(path)) resolve(job.status)
  })
})
const mirror = await client.follow({ virtual_sdcard: ['progress'] })
mirror.on('change', ({ virtual_sdcard }) => console.log('printed:', virtual_sdcard?.progress))

const { print_started } = await client.files.upload(await openAsBlob(path), {
  path: basename(path),
  print: true,
  onProgress: (sent, total = sent) => console.log(`${Math.round((100 * sent) / total)} % sent`),
})
console.log(print_started ? await finished : 'uploaded, but not started: is the printer ready and idle?')
client.close()
