// Measures how fast a hub gives jobs to printers: `node bench/fleet-dispatch.ts [PRINTERS]`. As many jobs as printers are
// ordered at once; each simulated printer takes one, and prints until all others have started theirs. Hub and printers are in
// this process, the engine is in another.
import { sign } from 'node:crypto'
import { cpus } from 'node:os'
import { FleetRig } from '../test/fleet/hub/fleet-rig.ts'
import { SimulatedPrinter } from '../test/fleet/hub/simulated-printer.ts'
import { until } from '../test/support/until.ts'
import { credentialsOf } from './fleet-credentials.ts'
import { sleep } from './load.ts'

/** Milliseconds that a print takes while the last ones are started, and afterwards. */
const LONG = 600_000
const SHORT = 20
const CONNECTS_PER_SECOND = 100
/** Seconds within which everything must have happened. */
const LIMIT = 300

const count = Number(process.argv[2] ?? 1000)
if (!Number.isInteger(count) || count < 1 || count > 1000) throw new Error('PRINTERS: 1 to 1000')

await using rig = await FleetRig.start()
const { board, directory, records, epoch } = rig.hub.store
const createCredential = credentialsOf(rig.engine.signer)
const printers = await Promise.all(Array.from({ length: count }, (_, index) => addPrinter(index + 1)))
await until(() => directory.members().every(({ state }) => state !== null), LIMIT)
const file = await rig.upload()
const start = performance.now()
const seconds = () => ((performance.now() - start) / 1000).toFixed(1)
await rig.hub.call('/fleet/jobs', { file, name: 'part.gcode', copies: count })
const ordered = seconds()
await until(() => printers.every(({ starts }) => starts.length > 0), LIMIT)
const started = seconds()
for (const printer of printers) printer.set({ printTime: SHORT })
await until(() => board.counts().done === count, LIMIT)
const starts = printers.flatMap(printer => printer.starts)
console.log(
  [
    `${count} jobs for ${count} printers; one machine, loopback, ${cpus().length} cores (${cpus()[0]?.model.trim()}), ` +
      `Node ${process.version}`,
    '',
    `ordered after ${ordered} s, the last one started after ${started} s, all booked as done after ${seconds()} s`,
    `starts: ${starts.length}, of different jobs: ${new Set(starts.map(text => text.split(' ')[0])).size}`,
  ].join('\n'),
)

/** Lets a simulated printer join, and starts it. */
async function addPrinter(number: number): Promise<SimulatedPrinter> {
  await sleep(number / CONNECTS_PER_SECOND)
  const id = number.toString(16).padStart(32, '0')
  const { nkey, jwt, privateKey } = createCredential(id)
  const record = { site: '', labels: {}, enrolled_at: Date.now(), enrolled_by: null, maintenance: false }
  await records.put(id, { name: `printer ${number}`, nkey, ...record })
  const printer = new SimulatedPrinter({
    id,
    url: rig.engine.address,
    authenticator: nonce => ({
      jwt,
      sig: sign(null, Buffer.from(nonce ?? ''), privateKey).toString('base64url'),
    }),
    epoch,
    printTime: LONG,
  })
  rig.printers.push(printer)
  await printer.start()
  return printer
}
