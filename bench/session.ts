// What a server costs at a printer's own pace: while it is idle without clients, and while it prints with four clients.
import type { FakeKlippy } from '../test/support/fake-klippy.ts'
import type { Figure, Subject } from './cases.ts'
import { sleep } from './load.ts'
import { idleChanges, idleStatus, printingChanges, sessionStatus } from './printing-session.ts'
import { cpuSeconds, memory, wakeUps } from './process-facts.ts'
import { type SessionClient, sessionClients } from './session-clients.ts'

/** Seconds between two ticks of Klippy. */
const TICK = 0.25

/** Seconds that a server has for the handshake with Klippy. */
const HANDSHAKE = 2

/** Seconds before counting starts, and seconds that are counted. */
export interface SessionTimes {
  readonly warmUp: number
  readonly counted: number
}

/** Measures the server without clients, next to a printer that is idle. */
export async function idle({ pid, klippy }: Subject, times: SessionTimes): Promise<Figure[] | null> {
  if (pid === null || klippy === null) return null
  const stop = await startTicks(klippy, idleStatus(), idleChanges)
  try {
    return await usage('idle without clients', pid, times, [])
  } finally {
    stop()
  }
}

/** Measures the server with the clients of a common print. */
export async function session(
  { address, socketPath, pid, klippy }: Subject,
  times: SessionTimes,
): Promise<Figure[] | null> {
  if (pid === null || klippy === null) return null
  const stop = await startTicks(klippy, sessionStatus(), printingChanges)
  const clients = await sessionClients(address, socketPath, Object.keys(sessionStatus()))
  try {
    return await usage(`print with ${clients.length} clients`, pid, times, clients)
  } finally {
    for (const client of clients) client.close()
    stop()
  }
}

/** Makes Klippy one with 60 objects that change on each tick; returns what ends that. */
async function startTicks(
  klippy: FakeKlippy,
  status: FakeKlippy['status'],
  changes: (tick: number) => Record<string, Record<string, unknown>>,
): Promise<() => void> {
  klippy.status = status
  // The server learns of the sensors of this printer when it connects.
  klippy.drop()
  await klippy.waitForConnection(klippy.connections + 1)
  await sleep(HANDSHAKE)
  let tick = 0
  const timer = setInterval(() => klippy.pushAll(changes(tick++)), TICK * 1000)
  return () => clearInterval(timer)
}

async function usage(
  label: string,
  pid: number,
  { warmUp, counted }: SessionTimes,
  clients: readonly SessionClient[],
): Promise<Figure[]> {
  const bytes = () => clients.reduce((sum, { received }) => sum + received, 0)
  await sleep(warmUp)
  const before = { time: performance.now(), cpu: cpuSeconds(pid), wakeUps: wakeUps(pid), bytes: bytes() }
  await sleep(counted)
  const seconds = (performance.now() - before.time) / 1000
  const perSecond = (total: number) => total / seconds
  const figure = (what: string, unit: string, value: number) => ({ label: `${label}: ${what}`, unit, value })
  for (const { failure } of clients) if (failure !== null) throw failure
  const { rss, pss, anonymous } = memory(pid)
  return [
    figure('CPU', '% of a core', perSecond(cpuSeconds(pid) - before.cpu) * 100),
    figure('wake-ups', '/s', perSecond(wakeUps(pid) - before.wakeUps)),
    figure('resident', 'MB', rss),
    figure('PSS', 'MB', pss),
    figure('anonymous', 'MB', anonymous),
    ...(clients.length === 0 ? [] : [figure('sent', 'kB/s', perSecond(bytes() - before.bytes) / 1000)]),
  ]
}
