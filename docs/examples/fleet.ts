// Prints copies of a file on a fleet, and waits for their end:
// node fleet.ts http://localhost:7200 part.gcode COPIES [API key]
import { openAsBlob } from 'node:fs'
import { basename } from 'node:path'
import { Fleet } from 'moonraker-ts/client'

const [url = 'http://localhost:7200', path = 'part.gcode', copies = '1', apiKey] = process.argv.slice(2)
const fleet = new Fleet({ url, ...(apiKey && { apiKey }) })

const ready = []
for await (const printer of fleet.printers({ state: 'ready' })) ready.push(printer)
console.log(`${ready.length} printers are ready: ${ready.map(({ name }) => name).join(', ')}`)

const file = await fleet.upload(await openAsBlob(path), {
  name: basename(path),
  onProgress: (bytes, total = 0) => console.log(`${Math.round((bytes / total) * 100)} % sent`),
})
const { batch } = await fleet.order({ file: file.sha256, name: file.name, copies: Number(copies) })

// The rows of the printers, as a page would show them. The hub sends them when they change.
const mirror = await fleet.follow(ready.slice(0, 200).map(({ id }) => id))
mirror.on('change', ({ changed }) => {
  for (const { name, state, job } of changed) console.log(`${name}: ${state} ${job?.file ?? ''}`)
})

for await (const jobs of fleet.followBatch(batch)) {
  console.log('jobs:', jobs.map(({ state }) => state).join(', '))
  for (const { id, state, why } of jobs) if (state === 'held') console.log(`look at job ${id}: ${why}`)
}
mirror.close()
