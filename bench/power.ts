// Twenty power devices, read once and each second: CPU time and memory of a server of their own.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Figure } from './cases.ts'
import { sleep } from './load.ts'
import { cpuSeconds, memory } from './process-facts.ts'
import { ownServer, startTarget } from './server-process.ts'

const SECONDS = 40
/** Seconds in which the server loads its types, and compiles what it runs often. */
const WARM_UP = 20

/** What the devices of each type reply to a read. */
const TYPES: Readonly<
  Record<string, { readonly count: number; readonly options: string; readonly reply: unknown }>
> = {
  tasmota: { count: 4, options: 'address: HOST', reply: { POWER: 'ON' } },
  shelly: { count: 4, options: 'address: HOST', reply: { ison: true } },
  homeseer: {
    count: 2,
    options: 'address: ADDRESS\nport: PORT\ndevice: 1',
    reply: { Devices: [{ status: 'On' }] },
  },
  homeassistant: {
    count: 4,
    options: 'address: ADDRESS\nport: PORT\ndevice: switch.a\ntoken: t',
    reply: { entity_id: 'switch.a', state: 'on', attributes: {} },
  },
  loxonev1: { count: 2, options: 'address: HOST\noutput_id: O1', reply: { LL: { value: '1' } } },
  hue: {
    count: 4,
    options: 'address: ADDRESS\nport: PORT\ndevice_id: 3\nuser: u',
    reply: { state: { on: true } },
  },
}

/** All devices are one server with an address for each, which replies to everything with the fields of every type. */
export async function power(): Promise<Figure[]> {
  const reply = JSON.stringify(
    Object.assign({}, ...Object.values(TYPES).map(type => type.reply), { state: 'on' }),
  )
  const hue = JSON.stringify(TYPES.hue?.reply)
  let requests = 0
  const devices = createServer((req, res) => {
    requests += 1
    res.end(req.url?.startsWith('/api/u/') ? hue : reply)
  })
  await new Promise<void>(resolve => devices.listen(0, resolve))
  const { port } = devices.address() as AddressInfo
  const idle = await measure([])
  const unpolled = await measure(sectionsOf(port, null))
  requests = 0
  const polled = await measure(sectionsOf(port, 1))
  const polls = requests / (WARM_UP + SECONDS)
  devices.closeAllConnections()
  devices.close()
  const cost = polled.cpu - idle.cpu
  return [
    { label: '20 power devices: memory', unit: 'MB', value: unpolled.resident - idle.resident },
    {
      label: '20 power devices, polled each second: memory',
      unit: 'MB',
      value: polled.resident - idle.resident,
    },
    { label: '20 power devices, polled each second: polls', unit: '/s', value: polls },
    {
      label: '20 power devices, polled each second: CPU of the server',
      unit: '% of a core',
      value: cost * 100,
    },
    { label: '20 power devices, polled each second: CPU', unit: 'µs per poll', value: (cost / polls) * 1e6 },
  ]
}

function sectionsOf(port: number, pollInterval: number | null): string[] {
  const interval = pollInterval === null ? '' : `\npoll_interval: ${pollInterval}`
  let devices = 0
  return Object.entries(TYPES).flatMap(([type, { count, options }]) =>
    Array.from({ length: count }, (_, index) => {
      devices += 1
      const address = `127.0.0.${devices}`
      const lines = options
        .replace('HOST', `${address}:${port}`)
        .replace('ADDRESS', address)
        .replace('PORT', `${port}`)
      return `[power ${type}${index}]\ntype: ${type}${interval}\n${lines}`
    }),
  )
}

/** The share of a core, and MB in RAM, that a server with these sections takes, without clients. */
async function measure(
  sections: readonly string[],
): Promise<{ readonly cpu: number; readonly resident: number }> {
  const target = await ownServer(sections)
  const started = await startTarget(target)
  const pid = started.pid as number
  try {
    await sleep(WARM_UP)
    const before = cpuSeconds(pid)
    await sleep(SECONDS)
    return { cpu: (cpuSeconds(pid) - before) / SECONDS, resident: memory(pid).rss }
  } finally {
    await started.stop()
    target.clean()
  }
}
