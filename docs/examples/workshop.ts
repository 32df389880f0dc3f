// Shows the printers of a workshop and what changes: node workshop.ts http://localhost:7120 [API key of the main printer]
import { Workshop } from 'moonraker-ts/client'

const [url = 'http://localhost:7120', apiKey] = process.argv.slice(2)
const workshop = new Workshop({ url, ...(apiKey && { apiKey }) })

// Each printer has the whole API below its name, and users of its own: a printer that needs a login gets one here.
for (const { name, path, error } of await workshop.printers()) {
  if (path === null || error !== null) continue
  using printer = await workshop.printer(name)
  const { jobs } = await printer.call('server.history.list', { limit: 1 })
  console.log(`${name}: last print ${jobs[0]?.filename ?? 'none'}`)
}

const mirror = await workshop.follow()
const show = () => {
  for (const { name, klippy_state, print, error } of mirror.printers.values()) {
    const progress = print === null ? '' : `${print.state} ${Math.round(print.progress * 100)} %`
    console.log(`${name}: ${error ?? klippy_state} ${progress}`)
  }
}
show()
mirror.on('change', show)
mirror.on('disconnected', reason => console.log('lost:', reason.message))
