// A server that Prometheus scrapes once a second while its printer prints: the time of the scrapes, what each of them
// allocates, and the memory of the server each minute. `npm run build && node bench/scrape.ts [--minutes 60]`
import { parseArgs } from 'node:util'
import { HeapProbe } from './heap-probe.ts'
import { endOfReply } from './http-load.ts'
import { sleep } from './load.ts'
import { printingKlippy } from './printing-klippy.ts'
import { printingChanges, sessionStatus } from './printing-session.ts'
import { cpuSeconds, memory } from './process-facts.ts'
import { type Address, RawConnection } from './raw-connection.ts'
import { ownServer, startTarget } from './server-process.ts'

/** Seconds between two pushes of Klippy. */
const TICK = 0.25
/** Scrapes before the first figure: what they load counts for the start. */
const FIRST = 60
/** Scrapes without a pause of which the allocated memory is counted. */
const COUNTED = 200

/** A client that keeps its connection, and costs next to nothing itself. */
class Scraper {
  readonly #connection: RawConnection
  #reply = Promise.withResolvers<string>()

  constructor(address: Address) {
    this.#connection = new RawConnection(address, (bytes, start, end) => {
      const replyEnd = endOfReply(bytes, start, end)
      if (replyEnd === null) return start
      this.#reply.resolve(bytes.toString('latin1', start, replyEnd))
      return replyEnd
    })
    this.#connection.onFailure(error => this.#reply.reject(error))
  }

  /** Resolves with the document, and the milliseconds until its end. */
  async scrape(): Promise<{ readonly text: string; readonly time: number }> {
    this.#reply = Promise.withResolvers<string>()
    const start = performance.now()
    this.#connection.write('GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
    const text = await this.#reply.promise
    return { text, time: performance.now() - start }
  }

  close(): void {
    this.#connection.close()
  }
}

/** The seconds of all HTTP requests so far, as the server measures them, and how many there were. */
function requestsOf(text: string): { readonly sum: number; readonly count: number } {
  const value = (name: string) =>
    Number(
      new RegExp(`^moonraker_request_seconds_${name}\\{transport="http"\\} (\\S+)$`, 'm').exec(text)?.[1],
    )
  return { sum: value('sum'), count: value('count') }
}

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '60' } } })
const minutes = Number(values.minutes)

const target = await ownServer(['[metrics]'])
const klippy = await printingKlippy(target.klippySocket ?? '')
klippy.status = sessionStatus()
using probe = new HeapProbe()
const [node = '', ...program] = target.command ?? []
const started = await startTarget({ ...target, command: [node, ...probe.args, ...program] })
const pid = started.pid as number
const scraper = new Scraper(target.address)
const times: number[] = []
let tick = 0
const timer = setInterval(() => {
  klippy.pushAll(printingChanges(tick))
  tick += 1
}, TICK * 1000)

const printInUse = async (when: string) =>
  console.log(`in use ${when}: ${(await probe.megabytes(pid)).toFixed(2)} MB`)

try {
  for (let count = 0; count < FIRST; count += 1) await scraper.scrape()
  await printInUse('before')
  const cpu = cpuSeconds(pid)
  let { text } = await scraper.scrape()
  const before = requestsOf(text)
  for (let minute = 0; minute <= minutes; minute += 1) {
    const { rss, anonymous } = memory(pid)
    console.log(`${minute} min: ${rss.toFixed(1)} MB resident, ${anonymous.toFixed(1)} MB anonymous`)
    for (let second = 0; second < 60 && minute < minutes; second += 1) {
      const scraped = await scraper.scrape()
      text = scraped.text
      times.push(scraped.time)
      await sleep(1 - ((performance.now() / 1000) % 1))
    }
  }
  const share = (cpuSeconds(pid) - cpu) / (minutes * 60)
  await printInUse('afterwards')
  times.sort((a, b) => a - b)
  const at = (part: number) => (times[Math.floor(times.length * part)] ?? 0).toFixed(1)
  const { sum, count } = requestsOf(text)
  const mean = ((sum - before.sum) / (count - before.count)) * 1000
  const series = text.split('\n').filter(line => line !== '' && !line.startsWith('#')).length
  console.log(`${times.length} scrapes of ${series} series, ${(text.length / 1000).toFixed(0)} kB`)
  console.log(
    `at the client: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms; at the server: ${mean.toFixed(1)} ms on average`,
  )
  console.log(`${(share * 100).toFixed(2)} % of a core, with the status of the print at 4 Hz`)
  clearInterval(timer)
  const allocated = await probe.allocated(pid, async () => {
    for (let scrape = 0; scrape < COUNTED; scrape += 1) await scraper.scrape()
  })
  console.log(`allocated by a scrape: ${((allocated / COUNTED) * 1000).toFixed(0)} kB`)
} finally {
  clearInterval(timer)
  scraper.close()
  await started.stop()
  await klippy.close()
  target.clean()
}
