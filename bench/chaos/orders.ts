// The orders of a chaos run: each is a file of its own, so that a printer's console shows which job it has started.
import { setTimeout as delay } from 'node:timers/promises'
import { type Hubs, Refused } from './hubs.ts'
import { RealPrinter } from './real-printer.ts'

/** Seconds between two orders, at most, and that a real printer prints: the least, and the most. */
const PAUSE = 0.3
const PRINT = [0.5, 4] as const

/** What was ordered. */
export interface Order {
  readonly mark: string
  /** The id of the job; null where no hub acknowledged it: it may exist or not. */
  readonly id: string | null
}

/** Orders jobs for so many seconds. */
export async function orderJobs(hubs: Hubs, seconds: number, random: () => number): Promise<Order[]> {
  const orders: Order[] = []
  const end = performance.now() + seconds * 1000
  while (performance.now() < end) {
    orders.push(await order(hubs, `mark-${orders.length}`, PRINT[0] + random() * (PRINT[1] - PRINT[0])))
    await delay(random() * PAUSE * 1000)
  }
  return orders
}

async function order(hubs: Hubs, mark: string, seconds: number): Promise<Order> {
  const name = `${mark}.gcode`
  const { sha256 } = await hubs.call('PUT', `/fleet/files?name=${name}`, RealPrinter.gcode(mark, seconds))
  // Not repeated: a hub that is killed may have stored the job, and not have answered.
  for (const url of hubs.urls) {
    try {
      const { jobs } = await hubs.callOne(url, 'POST', '/fleet/jobs', { file: sha256, name })
      return { mark, id: jobs[0] }
    } catch (error) {
      if (error instanceof Refused) throw error
      if (!isUnreached(error)) break
    }
  }
  return { mark, id: null }
}

/** Whether the hub has not received the request. */
function isUnreached(error: unknown): boolean {
  const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException
  return code === 'ECONNREFUSED' || code === 'EHOSTUNREACH'
}
