// The cases: what is measured, under which name.

import type { FakeKlippy } from '../test/support/fake-klippy.ts'
import { fanOut } from './fan-out.ts'
import { HttpLoad } from './http-load.ts'
import { type Load, measure } from './load.ts'
import { mqtt } from './mqtt.ts'
import { power } from './power.ts'
import { FOLLOWED } from './printing-klippy.ts'
import type { Address } from './raw-connection.ts'
import { type RpcRequest, unixLoad, webSocketLoad } from './rpc-load.ts'
import { idle, type SessionTimes, session } from './session.ts'
import { removeUpload, upload } from './upload.ts'

/** The server under load. */
export interface Subject {
  readonly address: Address
  readonly socketPath: string | null
  readonly pid: number | null
  /** Null where the server cannot be pointed at it. */
  readonly klippy: FakeKlippy | null
}

/** One number of a case. */
export interface Figure {
  readonly label: string
  readonly unit: string
  readonly value: number
}

/** Something that is measured on a running server. `run` gives null where it does not apply to the server. */
export interface Case {
  readonly name: string
  readonly run: (subject: Subject, times: SessionTimes) => Promise<Figure[] | null>
  /** Whether it takes minutes: it runs only where it is named. */
  readonly isLong?: boolean
  /** Called after the last run. */
  readonly clean?: (subject: Subject) => Promise<void>
}

const CONNECTIONS = 16
const IN_FLIGHT = 32

async function rates(label: string, load: Load, pid: number | null): Promise<Figure[]> {
  const { perSecond, cpu } = await measure(load, pid)
  const rate = { label, unit: '/s', value: perSecond }
  return cpu === null ? [rate] : [rate, { label: `${label}: CPU of the server`, unit: 'µs each', value: cpu }]
}

function webSocketCase(name: string, method: string, inFlight: number): Case {
  const label = `${method}, WebSocket, ${inFlight === 1 ? 'one after the other' : `${inFlight} in flight`}`
  return {
    name,
    run: async ({ address, pid }) => rates(label, await webSocketLoad(address, { method }, inFlight), pid),
  }
}

const query: Case = {
  name: 'query',
  run: async ({ address, pid, klippy }) => {
    if (klippy === null) return null
    const objects = { toolhead: null, extruder: null, heater_bed: null, print_stats: null }
    const request: RpcRequest = { method: 'printer.objects.query', params: { objects } }
    const subscribe: RpcRequest = { method: 'printer.objects.subscribe', params: { objects: FOLLOWED } }
    const load = await webSocketLoad(address, request, IN_FLIGHT, subscribe)
    return rates(`printer.objects.query of subscribed objects, ${IN_FLIGHT} in flight`, load, pid)
  },
}

const fanOutCase: Case = {
  name: 'fan-out',
  run: async ({ address, klippy }) => {
    if (klippy === null) return null
    const { pace, p50, p99, bytes } = await fanOut(address, klippy)
    // The time stamp's digits come and go.
    const label = `status updates of ${Math.round(bytes / 10) * 10} bytes to 50 clients`
    return [
      { label, unit: '/s', value: pace },
      { label: `${label}: p50`, unit: 'ms', value: p50 * 1000 },
      { label: `${label}: p99`, unit: 'ms', value: p99 * 1000 },
    ]
  },
}

/** All cases on a running server, in the order in which they run. */
export const cases: readonly Case[] = [
  { name: 'idle', run: idle, isLong: true },
  { name: 'session', run: session, isLong: true },
  {
    name: 'http',
    run: async ({ address, pid }) => {
      const load = new HttpLoad(address, '/server/info', CONNECTIONS)
      return rates(`GET /server/info, ${CONNECTIONS} connections`, load, pid)
    },
  },
  { name: 'mqtt', run: mqtt, isLong: true },
  { name: 'power', run: power, isLong: true },
  webSocketCase('rpc-1', 'server.info', 1),
  webSocketCase('rpc-32', 'server.info', IN_FLIGHT),
  webSocketCase('rpc-small-1', 'server.websocket.id', 1),
  webSocketCase('rpc-small-32', 'server.websocket.id', IN_FLIGHT),
  {
    name: 'rpc-unix',
    run: async ({ socketPath, pid }) => {
      if (socketPath === null) return null
      const load = unixLoad(socketPath, { method: 'server.info' }, IN_FLIGHT)
      return rates(`server.info, unix socket, ${IN_FLIGHT} in flight`, load, pid)
    },
  },
  query,
  fanOutCase,
  {
    name: 'upload',
    run: async ({ address }) => [{ label: 'upload of 200 MB', unit: 'MB/s', value: await upload(address) }],
    clean: ({ address }) => removeUpload(address),
  },
]
