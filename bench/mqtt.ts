// API requests over Mosquitto at a fixed rate, to a server of their own that is connected to it.
import { connectAsync } from 'mqtt'
import { Mosquitto } from '../test/components/mqtt/mosquitto.ts'
import type { Figure } from './cases.ts'
import { sleep } from './load.ts'
import { cpuSeconds } from './process-facts.ts'
import { ownServer, startTarget } from './server-process.ts'

const RATE = 1000
const SECONDS = 10
/** Seconds in which the server loads the library, connects, and compiles what it runs often. */
const WARM_UP = 3
/** Seconds that the last replies have. */
const REST = 1
const INSTANCE = 'bench'

/** Replies are counted with the time that each took. Throws Error where one is missing. */
export async function mqtt(): Promise<Figure[]> {
  await using broker = await Mosquitto.start(['allow_anonymous true'])
  const section = `[mqtt]\naddress: 127.0.0.1\nport: ${broker.port}\ninstance_name: ${INSTANCE}`
  const target = await ownServer([section])
  const { pid, stop } = await startTarget(target)
  const client = await connectAsync(`mqtt://127.0.0.1:${broker.port}`, { writeCache: false })
  const sent: number[] = []
  let times: number[] = []
  client.on('message', (_topic, payload) => {
    const { id } = JSON.parse(payload.toString()) as { id: number }
    times.push(performance.now() - (sent[id] as number))
  })
  const request = async (seconds: number) => {
    const start = performance.now()
    for (let count = 0; count < RATE * seconds; await sleep(0.002)) {
      const due = Math.min(RATE * seconds, ((performance.now() - start) / 1000) * RATE)
      for (; count < due; count += 1) {
        const id = sent.push(performance.now()) - 1
        const text = JSON.stringify({ jsonrpc: '2.0', method: 'server.files.roots', id })
        client.publish(`${INSTANCE}/moonraker/api/request`, text)
      }
    }
    await sleep(REST)
  }
  try {
    await client.subscribeAsync(`${INSTANCE}/moonraker/api/response`)
    await sleep(WARM_UP)
    await request(WARM_UP)
    times = []
    const before = cpuSeconds(pid as number)
    await request(SECONDS)
    const cpu = cpuSeconds(pid as number) - before
    if (times.length < RATE * SECONDS) throw new Error(`${RATE * SECONDS - times.length} replies are missing`)
    return figures(times, cpu)
  } finally {
    await client.endAsync(true)
    await stop()
    target.clean()
  }
}

function figures(times: number[], cpu: number): Figure[] {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (part: number) => sorted[Math.floor(sorted.length * part)] as number
  const label = `server.files.roots over MQTT, ${RATE} in a second`
  return [
    { label: `${label}: p50`, unit: 'ms', value: at(0.5) },
    { label: `${label}: p99`, unit: 'ms', value: at(0.99) },
    { label: `${label}: CPU of the server`, unit: 'µs each', value: (cpu / times.length) * 1e6 },
  ]
}
