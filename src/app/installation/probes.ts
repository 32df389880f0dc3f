// What a running system replies: Klipper over its socket, an API server over HTTP.
import { connect } from 'node:net'
import { FrameSplitter, frame } from '../../klippy/framing.ts'
import { isPlainObject } from '../../schema/index.ts'

/** Milliseconds that a reply may take. */
const TIMEOUT = 3000
/** Bytes of a reply of Klipper. */
const MAX_REPLY = 1024 * 1024

/** The state of Klipper and its print; null if nothing replies at its socket. */
export interface KlipperState {
  readonly ready: boolean
  /** In words. */
  readonly state: string
  /** Whether a print is in progress, also a paused one. */
  readonly printing: boolean
}

/** Queries Klipper at its socket. */
export async function queryKlipper(socketPath: string): Promise<KlipperState | null> {
  const info = await request(socketPath, 'info', {})
  if (info === null) return null
  const state = String(info.state)
  if (state !== 'ready') return { ready: false, state, printing: false }
  const reply = await request(socketPath, 'objects/query', { objects: { print_stats: ['state'] } })
  const status = isPlainObject(reply?.status) ? reply.status : {}
  const print = isPlainObject(status.print_stats) ? status.print_stats.state : null
  return { ready: true, state, printing: print === 'printing' || print === 'paused' }
}

function request(
  path: string,
  method: string,
  params: object,
): Promise<Readonly<Record<string, unknown>> | null> {
  const { promise, resolve } = Promise.withResolvers<Readonly<Record<string, unknown>> | null>()
  const splitter = new FrameSplitter(MAX_REPLY)
  const socket = connect({ path, timeout: TIMEOUT })
  socket.on('connect', () => socket.write(frame({ id: 1, method, params })))
  socket.on('data', chunk => {
    try {
      for (const message of splitter.push(chunk)) {
        const { id, result } = JSON.parse(message.toString()) as Record<string, unknown>
        if (id === 1) resolve(isPlainObject(result) ? result : null)
      }
    } catch {
      resolve(null)
    }
  })
  for (const event of ['error', 'timeout', 'close']) socket.on(event, () => resolve(null))
  return promise.finally(() => socket.destroy())
}

/** What replies at the address of an API server: this server, another one, or nothing. */
export type Answering = 'this' | 'other' | 'nothing'

/** Where an API server listens. */
export interface ServerAddress {
  readonly host: string
  readonly port: number
  readonly prefix: string
}

/** Finds out which API server replies at an address. Only this server has `/readyz`. */
export async function probeServer(address: ServerAddress): Promise<Answering> {
  const ready = await statusOf(address, '/readyz')
  if (ready === null) return 'nothing'
  return ready === 404 ? 'other' : 'this'
}

/** Whether this server replies at the address, all of its components have started, and Klipper is ready if `klipper`. */
export async function isReady(address: ServerAddress, klipper: boolean): Promise<boolean> {
  return (await statusOf(address, klipper ? '/readyz?klippy' : '/readyz')) === 200
}

async function statusOf({ host, port, prefix }: ServerAddress, path: string): Promise<number | null> {
  const name = ['all', '0.0.0.0', '::'].includes(host) ? '127.0.0.1' : host
  const url = `http://${name.includes(':') ? `[${name}]` : name}:${port}${prefix}${path}`
  try {
    const { status, body } = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT), redirect: 'manual' })
    await body?.cancel()
    return status
  } catch {
    return null
  }
}
