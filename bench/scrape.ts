// A server that Prometheus scrapes once a second while its printer prints: its memory each minute, and the time of the
// scrapes. `npm run build && node bench/scrape.ts [--minutes 60]`
import { parseArgs } from 'node:util'
import { HeapProbe } from './heap-probe.ts'
import { sleep } from './load.ts'
import { printingKlippy } from './printing-klippy.ts'
import { printingChanges, sessionStatus } from './printing-session.ts'
import { cpuSeconds, memory } from './process-facts.ts'
import { ownServer, startTarget } from './server-process.ts'

/** Seconds between two pushes of Klippy. */
const TICK = 0.25

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '60' } } })
const minutes = Number(values.minutes)

const target = await ownServer(['[metrics]'])
const klippy = await printingKlippy(target.klippySocket ?? '')
klippy.status = sessionStatus()
using probe = new HeapProbe()
const [node = '', ...program] = target.command ?? []
const { pid, stop } = await startTarget({ ...target, command: [node, ...probe.args, ...program] })
const times: number[] = []
const url = `http://${target.address.host}:${target.address.port}/metrics`
let tick = 0
const timer = setInterval(() => {
  klippy.pushAll(printingChanges(tick))
  tick += 1
}, TICK * 1000)

async function scrape(): Promise<number> {
  const start = performance.now()
  const reply = await fetch(url)
  await reply.arrayBuffer()
  if (reply.status !== 200) throw new Error(`status ${reply.status}`)
  return performance.now() - start
}

const printInUse = async (when: string) =>
  console.log(`in use ${when}: ${(await probe.megabytes(pid as number)).toFixed(2)} MB`)

try {
  // What the first requests load counts for the start.
  for (let count = 0; count < 60; count += 1) times.push(await scrape())
  times.length = 0
  await printInUse('before')
  const cpu = cpuSeconds(pid as number)
  for (let minute = 0; minute <= minutes; minute += 1) {
    const { rss, anonymous } = memory(pid as number)
    console.log(`${minute} min: ${rss.toFixed(1)} MB resident, ${anonymous.toFixed(1)} MB anonymous`)
    for (let second = 0; second < 60 && minute < minutes; second += 1) {
      times.push(await scrape())
      await sleep(1 - ((performance.now() / 1000) % 1))
    }
  }
  await printInUse('afterwards')
  times.sort((a, b) => a - b)
  const at = (part: number) => (times[Math.floor(times.length * part)] ?? 0).toFixed(1)
  console.log(`${times.length} scrapes: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`)
  const share = (cpuSeconds(pid as number) - cpu) / (minutes * 60)
  console.log(`${(share * 100).toFixed(2)} % of a core, with the status of the print at 4 Hz`)
} finally {
  clearInterval(timer)
  await stop()
  await klippy.close()
  target.clean()
}
