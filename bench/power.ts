// Twenty power devices that are polled each second: the CPU time of a server of their own.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Figure } from './cases.ts'
import { sleep } from './load.ts'
import { cpuSeconds } from './process-facts.ts'
import { ownServer, startTarget } from './server-process.ts'

const SECONDS = 20
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
  const idle = await cpuOf([])
  requests = 0
  const polled = await cpuOf(sectionsOf(port))
  const polls = requests / (WARM_UP + SECONDS)
  devices.closeAllConnections()
  devices.close()
  const cost = polled - idle
  return [
    { label: '20 power devices, polled each second: polls', unit: '/s', value: polls },
    {
      label: '20 power devices, polled each second: CPU of the server',
      unit: '% of a core',
      value: cost * 100,
    },
    { label: '20 power devices, polled each second: CPU', unit: 'µs per poll', value: (cost / polls) * 1e6 },
  ]
}

function sectionsOf(port: number): string[] {
  let devices = 0
  return Object.entries(TYPES).flatMap(([type, { count, options }]) =>
    Array.from({ length: count }, (_, index) => {
      devices += 1
      const address = `127.0.0.${devices}`
      const lines = options
        .replace('HOST', `${address}:${port}`)
        .replace('ADDRESS', address)
        .replace('PORT', `${port}`)
      return `[power ${type}${index}]\ntype: ${type}\npoll_interval: 1\n${lines}`
    }),
  )
}

/** The share of a core that a server with these sections takes, without clients. */
async function cpuOf(sections: readonly string[]): Promise<number> {
  const target = await ownServer(sections)
  const { pid, stop } = await startTarget(target)
  try {
    await sleep(WARM_UP)
    const before = cpuSeconds(pid as number)
    await sleep(SECONDS)
    return (cpuSeconds(pid as number) - before) / SECONDS
  } finally {
    await stop()
    target.clean()
  }
}
